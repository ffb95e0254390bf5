# When the gateway's first process is killed, all others are gone with it, what
# was open ends, and the kernel's rules stay: whatever the agent does, the
# world hears nothing, until a gateway is started again.
. "${0%/*}/steady_lib.sh"

WORKERS=2
world_steadies listed.test raw.test
text='routes:
  - {host: listed.test, ports: [80, 443, 9443]}
  - {host: raw.test, ports: 9000, tls: none}'
manifest "$text"
hold tls:keep:listed.test download:get:listed.test raw:line:raw.test
goes_on tls download raw
rules=$(in_gateway nft list table inet sluice)
family=$(children)
[ "$(echo "$family" | wc -l)" -eq 4 ] || fail "not four children: $family"

# None is asked to end, and some could not even be told: they hang.
for pid in $family; do
	kill -STOP "$pid"
done
kill -KILL "$GATEWAY_PID"
status=0
wait "$GATEWAY_PID" 2>/dev/null || status=$?
[ $status -eq 137 ] || fail "it ended with status $status by itself"
GATEWAY_PID=
for pid in $family; do
	await [ ! -e "/proc/$pid" ] || fail "process $pid outlives its parent"
done
has_ended tls download raw
[ "$(in_gateway ip netns pids "$GATEWAY" | wc -l)" -le 1 ] ||
	fail 'something is left running'

[ "$(in_gateway nft list table inet sluice)" = "$rules" ] ||
	fail 'the rules are not what they were'
for family in ipv4/ip_forward ipv6/conf/all/forwarding; do
	[ "$(in_gateway cat /proc/sys/net/$family)" = 0 ] ||
		fail "$family is on"
done
before=$(world_settled)
tries nobody-1 listed.test raw.test
# The agent changes what it can change, and somebody turns forwarding on.
in_gateway sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
in_agent ip route replace default via 10.77.0.1
in_agent ip -6 route replace default via fd73:6c75:6963:1::1 dev eth0
tries nobody-2 listed.test raw.test
[ "$(world_packets)" -eq "$before" ] || fail 'the world hears the agent'
world_heard_nothing_of nobody-

# Another one takes over where that one left.
mv "$DIR/gateway.log" "$DIR/gateway-1.log"
rm "$DIR/ready"
manifest "$text"
agent $CURL https://listed.test/ | expect 'hello from listed.test'
agent $CURL https://unlisted.test/ | expect name_not_listed
[ "$(in_gateway cat /proc/sys/net/ipv4/ip_forward)" = 0 ] ||
	fail 'it forwards'
died 0
