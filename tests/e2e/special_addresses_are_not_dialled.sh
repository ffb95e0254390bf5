# A listed name that leads to a special-purpose address is dialled only where
# its route says `private: true`, and never to the gateway itself.
. "${0%/*}/lib.sh"

need python3
i=0
: >"$DIR/cases"
names=
while read -r address; do
	i=$((i + 1))
	echo "$address special$i.test" >>"$DIR/hosts"
	echo "special$i.test $address" >>"$DIR/cases"
	names="$names special$i.test"
done <<END
127.0.0.1
127.8.9.10
0.0.0.0
10.0.0.1
172.16.5.5
192.168.1.1
100.64.0.1
169.254.169.254
224.0.0.1
255.255.255.255
::1
::
fd00::1
fe80::1
ff02::1
64:ff9b::7f00:1
64:ff9b::a00:1
64:ff9b:1::a00:1
::ffff:10.0.0.1
::ffff:127.0.0.1
::10.0.0.1
2002:a00:1::1
2001:0:5db8:d801::1
10.77.0.1
fd73:6c75:6963:1::1
END
# Two special addresses and a public one; the gateway's public ones.
cat >>"$DIR/hosts" <<END
10.0.0.7 mixed.test
fd00::7 mixed.test
151.101.1.1 mixed.test
93.184.216.2 itself.test
2606:2800:220:1::2 itself.test
10.0.0.8 private.test
10.0.0.9 inside.test
END
DNSMASQ='--cname=alias.test,inside.test'
world_serves mixed.test private.test

# Who answers at home, for whatever the gateway connects to there.
background world-gateway.log in_gateway /usr/bin/python3 -c '
import selectors, socket
waits = selectors.DefaultSelector()
for port in (80, 443):
    s = socket.create_server(("::", port), family=socket.AF_INET6,
                             dualstack_ipv6=True)
    waits.register(s, selectors.EVENT_READ)
print("listening", flush=True)
while True:
    for key, _ in waits.select():
        connection, address = key.fileobj.accept()
        print("accepted from", address, flush=True)
        connection.close()
'
await grep -q listening "$DIR/world-gateway.log" || fail 'nobody is at home'
in_gateway $CURL http://127.0.0.1/ >/dev/null 2>&1 &&
	fail 'the witness answers'
await grep -q accepted "$DIR/world-gateway.log" || fail 'the witness is deaf'
: >"$DIR/world-gateway.log"

routes()
{
	echo routes:
	for name in $names mixed.test alias.test itself.test; do
		echo "  - {host: $name$1}"
		echo "  - {host: raw.$name, ports: [7000], tls: none$1}"
	done
}

refused()
{
	agent $CURL "http://$1/" | expect "\"reason\":\"$2\""
	agent $CURL "https://$1/" | expect "\"reason\":\"$2\""
}

manifest "$(routes '')
  - {host: private.test, private: true}
  - {cidr: 93.184.216.2/32, ports: [80], tls: none}"

# What is private may be had, if the route says so.
agent $CURL http://private.test/ | expect 'hello from private.test'
agent $CURL https://private.test/ | expect 'hello from private.test'
[ "$(world_packets dst 10.0.0.8)" -gt 0 ] || fail 'no private address'

while read -r name address; do
	refused "$name" address_private
done <"$DIR/cases"
refused alias.test address_private
agent_fails $CURL --max-time 3 http://93.184.216.2/
agent_fails $CURL --max-time 3 -f http://itself.test/
agent_fails $CURL --max-time 3 -f https://itself.test/
agent $CURL http://mixed.test/ | expect 'hello from mixed.test'
[ "$(world_packets 'dst net 10.0.0.0/8 and not dst host 10.0.0.8')" -eq 0 ] ||
	fail 'a private address was dialled'
[ "$(world_packets 'not dst net 93.184.216.0/24 and not dst host 10.0.0.8
	and not dst host 151.101.1.1 and not dst net 2606:2800:220:1::/64')" -eq 0 ] ||
	fail 'a special address was dialled'
grep -q accepted "$DIR/world-gateway.log" && fail 'the gateway dialled itself'

# This host, nobody and everybody: not even then.
manifest "$(routes ', private: true')"
while read -r name address; do
	case $address in
	127.* | 0.0.0.0 | ::1 | :: | 22[0-9].* | 255.* | ff* | ::ffff:127* | \
	*7f00:1 | 10.77.0.1 | fd73*)
		agent_fails $CURL --max-time 3 -f "http://$name/"
		agent_fails $CURL --max-time 3 -f "https://$name/"
		;;
	esac
done <"$DIR/cases"
agent_fails $CURL --max-time 3 -f http://itself.test/
grep -q accepted "$DIR/world-gateway.log" && fail 'the gateway dialled itself'
:
