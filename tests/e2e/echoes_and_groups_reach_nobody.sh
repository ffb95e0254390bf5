# An ICMP echo reaches the gateway's own address, so many a second, and nothing
# else; what is sent to groups or to everybody reaches nobody and is recorded.
. "${0%/*}/lib.sh"

need python3 ping
world_serves listed.test
manifest 'routes: [{host: listed.test}]'
agent $CURL https://listed.test/ | expect 'hello from listed.test'
n=$(world_address listed.test)
before=$(world_settled)
in_agent ip route replace default via 10.77.0.1
in_agent ip -6 route replace default via fd73:6c75:6963:1::1 dev eth0

# Ten a second, and twenty at once, however large: no tunnel has much of that.
for address in 10.77.0.1 fd73:6c75:6963:1::1; do
	in_agent ping -c 3 -i 0.05 -W 5 "$address" >"$DIR/ping" ||
		fail "$address does not answer"
	in_agent ping -q -c 150 -i 0.002 -s 1024 -W 1 -p deadbeef "$address" \
		>"$DIR/ping" || :
	sed -n 's/.* transmitted, \([0-9]*\) received.* time \([0-9]*\)ms/\1 \2/p' \
		"$DIR/ping" >"$DIR/echoes"
	read -r echoes ms <"$DIR/echoes"
	[ "$echoes" -ge 10 ] || fail "$address: $(cat "$DIR/ping")"
	[ "$echoes" -le $((25 + ms / 100)) ] || fail "$address: $(cat "$DIR/ping")"
done
link_local=$(ip -n "$GATEWAY" -6 addr show dev int0 scope link |
	sed -n 's|.*inet6 \(fe80[^/]*\)/.*|\1|p')
for address in 93.184.216.2 2606:2800:220:1::2 "$link_local%eth0" 198.18.0.1 \
	93.184.216.1 2606:2800:220:1::1 "$n" "2606:2800:220:1::${n##*.}" \
	224.0.0.1 ff02::1%eth0 ff02::2%eth0 ff05::1%eth0; do
	in_agent ping -L -c 2 -i 0.01 -W 0.3 -s 1024 -p deadbeef "$address" \
		>"$DIR/ping" 2>&1 && fail "$address: $(cat "$DIR/ping")"
done
in_agent ping -b -c 2 -i 0.01 -W 0.3 10.77.0.3 >"$DIR/ping" 2>&1 &&
	fail 'everybody answers'

# Names, services and routers are sought this way.
cat >"$DIR/groups.py" <<'END'
import socket, sys

GROUPS = (("224.0.0.251", 5353), ("224.0.0.252", 5355), ("224.0.0.1", 9),
          ("239.255.255.250", 1900), ("255.255.255.255", 67),
          ("255.255.255.255", 137), ("10.77.0.3", 137), ("10.77.0.3", 138),
          ("10.77.0.3", 9), ("224.0.0.9", 520), ("239.1.2.3", 53),
          ("255.255.255.255", 53),
          ("ff02::fb", 5353), ("ff02::1:3", 5355), ("ff02::1", 9),
          ("ff02::c", 1900), ("ff05::c", 1900), ("ff02::1:2", 547),
          ("ff05::1:3", 547), ("ff0e::1", 9), ("ff02::9", 521),
          ("ff0e::1", 53))
index = socket.if_nametoindex("eth0")
waiting = []
for address, port in GROUPS:
    six = ":" in address
    s = socket.socket(socket.AF_INET6 if six else socket.AF_INET,
                      socket.SOCK_DGRAM)
    s.settimeout(1)
    if six:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 32)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
    else:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 32)
        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                     socket.inet_aton("10.77.0.2"))
    # A question in all but its port; from the address that is the agent's.
    s.bind(("fd73:6c75:6963:1::2" if six else "10.77.0.2", 0))
    s.sendto(b"\x12\x34\1\0\0\1\0\0\0\0\0\0\x08unlisted\4test\0\0\1\0\1",
             (address, port))
    if port != 53:
        waiting.append((s, address, port))
for s, address, port in waiting:
    s.settimeout(0.01)
    try:
        sys.exit("%s %d answered %r" % (address, port, s.recvfrom(1000)))
    except OSError:
        pass
END
in_agent /usr/bin/python3 "$DIR/groups.py" || fail 'see above'
for to in 224.0.0.251:5353 224.0.0.252:5355 10.77.0.3:137 239.255.255.250:1900; do
	audit_has '"event":"packet"' '"reason":"protocol_refused"' \
		"\"address\":\"${to%:*}\",\"port\":${to#*:}"
done
audit_has '"event":"packet"' '"address":"ff02::fb","port":5353'
audit_has '"event":"packet"' '"address":"ff02::1:3","port":5355'
audit_has '"event":"packet"' '"address":"ff05::c","port":1900'

[ "$(world_settled)" -eq "$before" ] || fail 'something reached the world'
world_heard_nothing_of unlisted
agent $CURL https://listed.test/ | expect 'hello from listed.test'
