# On a segment with others than the agent, nobody takes its place: neither by
# its address, nor by its name in ARP and neighbour discovery; and no router
# that advertises itself, on either side, changes where anything goes.
. "${0%/*}/first_lib.sh"

need python3 dig
/usr/bin/python3 -c 'import scapy.all' 2>/dev/null || skip 'needs scapy'
# The segment is a switch with the agent, the gateway, and a third.
OTHER=sl-o$ID
MACHINES="$MACHINES $OTHER"
ip netns add "$OTHER"
ip link add sw-a netns "$OTHER" type veth peer name eth1 netns "$AGENT"
ip link add sw-g netns "$OTHER" type veth peer name int1 netns "$GATEWAY"
ip -n "$OTHER" link add br0 type bridge
ip -n "$OTHER" link set sw-a master br0 up
ip -n "$OTHER" link set sw-g master br0 up
ip -n "$OTHER" link set br0 up
ip -n "$AGENT" link del eth0
ip -n "$AGENT" link set eth1 name eth0 address $MAC
ip -n "$AGENT" addr add 10.77.0.2/30 dev eth0
ip -n "$AGENT" addr add fd73:6c75:6963:1::2/126 dev eth0 nodad
ip -n "$AGENT" link set eth0 up
ip -n "$GATEWAY" link set int1 name int0
in_gateway sysctl -q -w net.ipv6.conf.int0.accept_ra=2
in_other() { ip netns exec "$OTHER" "$@"; }

world_serves listed.test fresh.test
boot 'routes: [{host: listed.test}, {host: fresh.test}]' $INSIDE $OUTSIDE --agent-mac=$MAC \
	--resolver=93.184.216.53
agent $CURL https://listed.test/ | expect 'hello from listed.test'

ways()
{
	for family in -4 -6; do
		ip -n "$GATEWAY" $family addr show | sed 's/valid_lft.*//'
		ip -n "$GATEWAY" $family route show table all |
			sed 's/ expires [0-9]*sec//'
	done
	ip -n "$GATEWAY" neigh show dev int0 nud permanent | sort
}
settled() { ! ip -n "$GATEWAY" -6 addr show | grep -q tentative; }
await settled || fail 'an address stays tentative'
ways >"$DIR/before"
grep -c "lladdr $MAC PERMANENT" "$DIR/before" | expect '^2$'

# Each says: the agent's address is at this card. In requests, answers, unasked.
gateway=$(ip -n "$GATEWAY" link show int0 | awk '/ether/ { print $2 }')
cat >"$DIR/claims.py" <<'END'
import logging, sys
logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.all import (ARP, Ether, ICMPv6NDOptDstLLAddr, ICMPv6NDOptPrefixInfo,
                       ICMPv6NDOptRouteInfo, ICMPv6NDOptSrcLLAddr,
                       ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA, IPv6,
                       get_if_hwaddr, sendp)
what, card, gateway = sys.argv[1:]
mine = get_if_hwaddr(card)
router = (Ether(dst="33:33:00:00:00:01") /
          IPv6(src="fe80::bad", dst="ff02::1", hlim=255) /
          ICMPv6ND_RA(routerlifetime=9000, M=1, O=1) /
          ICMPv6NDOptSrcLLAddr(lladdr=mine) /
          ICMPv6NDOptPrefixInfo(prefix="2001:db8:bad::", prefixlen=64, L=1,
                                A=1) /
          ICMPv6NDOptRouteInfo(prefix="2600::", plen=16))
frames = [router] * 3
agent4, agent6, ours4 = "10.77.0.2", "fd73:6c75:6963:1::2", "10.77.0.1"
if what == "place":
    for to in (gateway, "ff:ff:ff:ff:ff:ff"):
        frames += [
            Ether(dst=to) / ARP(op=1, hwsrc=mine, psrc=agent4, pdst=ours4),
            Ether(dst=to) / ARP(op=1, hwsrc=mine, psrc=agent4, pdst=agent4),
            Ether(dst=to) / ARP(op=2, hwsrc=mine, psrc=agent4, pdst=ours4,
                                hwdst=gateway)]
    for source in (agent6, "fe80::bad"):
        frames += [
            Ether(dst=gateway) / IPv6(src=source, dst="fd73:6c75:6963:1::1",
                                      hlim=255) /
            ICMPv6ND_NA(tgt=agent6, R=0, S=0, O=1) /
            ICMPv6NDOptDstLLAddr(lladdr=mine),
            Ether(dst=gateway) / IPv6(src=source, dst="fd73:6c75:6963:1::1",
                                      hlim=255) /
            ICMPv6ND_NS(tgt="fd73:6c75:6963:1::1") /
            ICMPv6NDOptSrcLLAddr(lladdr=mine)]
sendp(frames, iface=card, verbose=False)
END
in_other /usr/bin/python3 "$DIR/claims.py" place br0 "$gateway" ||
	fail 'no claims'
in_agent /usr/bin/python3 "$DIR/claims.py" router eth0 "$gateway" ||
	fail 'no router inside'
in_world /usr/bin/python3 "$DIR/claims.py" router eth0 "$gateway" ||
	fail 'no router outside'
agent $CURL https://listed.test/ | expect 'hello from listed.test'
agent $CURL -6 https://listed.test/ | expect 'hello from listed.test'
ways >"$DIR/after"
diff "$DIR/before" "$DIR/after" >&2 || fail 'the gateway believed it'

# With the agent's own addresses, but not its card: not even a question is
# asked in its name, which would need no answer.
before=$(world_settled)
ip -n "$AGENT" link set eth0 down
ip -n "$OTHER" addr add 10.77.0.2/30 dev br0
ip -n "$OTHER" addr add fd73:6c75:6963:1::2/126 dev br0 nodad
for address in 10.77.0.1 fd73:6c75:6963:1::1; do
	in_other dig +tries=1 +time=1 "@$address" fresh.test >"$DIR/out" &&
		fail 'it was answered'
	in_other dig +tries=1 +time=1 +tcp "@$address" fresh.test \
		>"$DIR/out" && fail 'it was answered over TCP'
done
[ "$(world_settled)" -eq "$before" ] || fail 'it was asked for another'
world_heard_nothing_of fresh
audit_has '"reason":"source_spoofed"' '"agent":"10.77.0.2"'
ip -n "$OTHER" addr flush dev br0
ip -n "$AGENT" link set eth0 up
ip -n "$AGENT" addr replace fd73:6c75:6963:1::2/126 dev eth0 nodad
agent $CURL https://listed.test/ | expect 'hello from listed.test'
kill -TERM "$(first)"
powers_off
