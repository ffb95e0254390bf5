# An uplink whose IPv6 comes by router advertisement gets it from there, and
# from there alone: the agent's advertisements are heard on neither side.
. "${0%/*}/first_lib.sh"

need python3
/usr/bin/python3 -c 'import scapy.all' 2>/dev/null || skip 'needs scapy'
world_serves listed.test
boot 'routes: [{host: listed.test}]' $INSIDE --agent-mac=$MAC \
	--resolver=93.184.216.53 --uplink=up0 --uplink-address=93.184.216.2/24 \
	--uplink-gateway=93.184.216.1 --uplink-address=ra

# advertises MACHINE CARD PREFIX, as fe80::1.
cat >"$DIR/router.py" <<'END'
import logging, sys
logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.all import (Ether, ICMPv6NDOptPrefixInfo, ICMPv6NDOptSrcLLAddr,
                       ICMPv6ND_RA, IPv6, get_if_hwaddr, sendp)
card, prefix = sys.argv[1:]
sendp(Ether(dst="33:33:00:00:00:01") /
      IPv6(src="fe80::1", dst="ff02::1", hlim=255) /
      ICMPv6ND_RA(routerlifetime=9000) /
      ICMPv6NDOptSrcLLAddr(lladdr=get_if_hwaddr(card)) /
      ICMPv6NDOptPrefixInfo(prefix=prefix, prefixlen=64, L=1, A=1),
      iface=card, verbose=False)
END
in_agent /usr/bin/python3 "$DIR/router.py" eth0 2001:db8:bad:: ||
	fail 'no router inside'
in_world /usr/bin/python3 "$DIR/router.py" eth0 2606:2800:220:1:: ||
	fail 'no router outside'
heard()
{
	ip -n "$GATEWAY" -6 route show default | grep -q 'via fe80::1 dev up0' &&
		ip -n "$GATEWAY" -6 addr show dev up0 |
		grep -q 'inet6 2606:2800:220:1:'
}
await heard || fail 'the uplink has no IPv6'
! ip -n "$GATEWAY" -6 addr show | grep -q 2001:db8:bad || fail 'the agent routes'
! ip -n "$GATEWAY" -6 route show | grep default | grep -q int0 ||
	fail 'the agent is a way out'
agent $CURL https://listed.test/ | expect 'hello from listed.test'
kill -TERM "$(first)"
powers_off
