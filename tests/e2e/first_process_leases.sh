# Where the uplink's address is leased, the lease is all that DHCP decides: the
# client that speaks it has no right to change the network, what it brings is
# judged, and what the lease names as resolvers is asked where none are given.
. "${0%/*}/first_lib.sh"

need udhcpc
leases()
{
	printf '%s\n' "option:router,93.184.216.1" \
		"option:dns-server,$1" >"$DIR/dhcp-options"
	[ -z "${2:-}" ] || echo "option:netmask,$2" >>"$DIR/dhcp-options"
}
leases 93.184.216.53
DNSMASQ="--dhcp-range=93.184.216.2,93.184.216.2,255.255.255.0,2m
	--dhcp-optsfile=$DIR/dhcp-options --dhcp-leasefile=$DIR/leases
	--dhcp-authoritative --no-ping --log-dhcp"
world_serves listed.test
for pid in $(ip netns pids "$WORLD"); do
	[ "$(cat "/proc/$pid/comm")" != dnsmasq ] || dnsmasq=$pid
done
boot 'routes: [{host: listed.test}]' $INSIDE --agent-mac=$MAC --uplink=up0 \
	--uplink-address=dhcp
agent $CURL https://listed.test/ | expect 'hello from listed.test'
ip -n "$GATEWAY" route show | expect '^default via 93.184.216.1 dev up0'

# The client: its own user, two rights, and no way to write a setting.
client=$(first_child udhcpc)
grep -E '^(Uid|Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs)' "/proc/$client/status" \
	>"$DIR/client"
for line in 'Uid:.*64234.*64234' 'CapPrm:.*0000000000002400' \
	'CapEff:.*0000000000002400' 'CapBnd:.*0000000000002400' \
	'NoNewPrivs:.*1'; do
	expect "$line" <"$DIR/client"
done

# One that dies is started again; what it had got stays meanwhile.
kill -KILL "$client"
another_client()
{
	[ -n "$(first_child udhcpc)" ] &&
		[ "$(first_child udhcpc)" != "$client" ]
}
await another_client || fail 'no other client'
ip -n "$GATEWAY" addr show dev up0 | expect 'inet 93.184.216.2/24'
told()
{
	[ "$(grep -c 'uplink: up0 has 93.184.216.2' "$DIR/gateway.log")" -ge "$1" ]
}
await told 2 || fail 'the other client got nothing'
agent $CURL https://listed.test/ | expect 'hello from listed.test'

# A renewal brings another resolver: that is the one which is asked.
ip -n "$WORLD" addr add 93.184.216.54/24 dev eth0
background dnsmasq-2.log in_world dnsmasq --keep-in-foreground \
	--conf-file=/dev/null --no-resolv --no-hosts --no-daemon \
	--addn-hosts="$DIR/hosts" --log-queries --log-facility=- \
	--listen-address=93.184.216.54 --bind-interfaces --user=root --pid-file=
await grep -q started "$DIR/dnsmasq-2.log" || fail 'dnsmasq did not start'
leases 93.184.216.54
kill -HUP "$dnsmasq"
await sh -c "tail -n 30 '$DIR/dnsmasq.log' | grep -q 'read $DIR/dhcp-options'" ||
	fail 'dnsmasq reads nothing'
kill -USR1 "$(first_child udhcpc)"
audit_has '"event":"restart"'
agent $CURL https://listed.test/ | expect 'hello from listed.test'
grep -qi 'query.*listed.test' "$DIR/dnsmasq-2.log" || fail 'it was not asked'

# A lease of the agent's own network is none of ours.
ip -n "$WORLD" addr show dev eth0 >"$DIR/before"
leases 10.77.0.2
kill -HUP "$dnsmasq"
await sh -c "[ \$(grep -c 'read $DIR/dhcp-options' '$DIR/dnsmasq.log') -ge 3 ]" ||
	fail 'dnsmasq reads nothing'
kill -USR1 "$(first_child udhcpc)"
await grep -q 'a lease is refused: its resolver is not on the uplink' \
	"$DIR/gateway.log" || fail 'the agent is a resolver'
ip -n "$GATEWAY" addr show dev int0 | grep -q 'inet 93' && fail 'the wrong card'
agent $CURL https://listed.test/ | expect 'hello from listed.test'
kill -TERM "$(first)"
powers_off
