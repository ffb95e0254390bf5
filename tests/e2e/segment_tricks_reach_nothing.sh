# With every capability on its own machine the agent cannot teach the gateway
# another way out: no neighbour, address, route or answer that it makes up.
. "${0%/*}/lib.sh"

need python3
world_serves listed.test
manifest 'routes: [{host: listed.test}]'
agent $CURL https://listed.test/ | expect 'hello from listed.test'

# What the gateway's machine knows of the world, without what ages.
ways_out()
{
	for family in -4 -6; do
		ip -n "$GATEWAY" $family addr show | sed 's/valid_lft.*//'
		ip -n "$GATEWAY" $family route show table all |
			sed 's/ expires [0-9]*sec//'
		for address in 93.184.216.53 8.8.8.8 2606:2800:220:1::1 \
			2001:4860:4860::8888; do
			ip -n "$GATEWAY" $family route get "$address" 2>&1 |
				head -n 1
		done
	done
	ip -n "$GATEWAY" neigh show dev up0 | cut -d' ' -f1-3 | sort
}
addresses_are_settled()
{
	! ip -n "$GATEWAY" -6 addr show | grep -q tentative
}
await addresses_are_settled || fail 'an address of the gateway is taken'
mac=$(ip -n "$GATEWAY" link show int0 | awk '/ether/ { print $2 }')
before=$(world_settled)
ways_out >"$DIR/before"

in_agent nft flush ruleset 2>/dev/null || :
# The gateway's own addresses, the world's, its resolver's, the listed one.
for address in 10.77.0.1/30 93.184.216.1/24 93.184.216.2/24 93.184.216.53/24 \
	"$(world_address listed.test)/24"; do
	in_agent ip addr add "$address" dev eth0
done
for address in fd73:6c75:6963:1::1/126 2606:2800:220:1::1/64 \
	2606:2800:220:1::2/64; do
	in_agent ip -6 addr add "$address" dev eth0 nodad
done

cat >"$DIR/frames.py" <<'END'
import socket, struct, sys

gateway = bytes.fromhex(sys.argv[1].replace(":", ""))
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
link.bind(("eth0", 0))
mine = link.getsockname()[4]
four, six = socket.inet_aton, lambda a: socket.inet_pton(socket.AF_INET6, a)

def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff

def frame(kind, payload, to=gateway, by=mine):
    try:
        link.send(to + by + struct.pack("!H", kind) + payload)
    except OSError as error:
        sys.exit("cannot send: %s" % error)

def arp(operation, address, target, to):
    frame(0x806, struct.pack("!HHBBH", 1, 0x800, 6, 4, operation) + mine
          + four(address) + gateway + four(target), to)

def ip4(protocol, payload, source, target, to=gateway, kind=0x800):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 7, 0, 64,
                       protocol, 0, four(source), four(target))
    frame(kind, head[:10] + struct.pack("!H", checksum(head)) + head[12:]
          + payload, to)

def ip6(protocol, payload, source, target, to=gateway, hops=255):
    frame(0x86dd, struct.pack("!IHBB", 6 << 28, len(payload), protocol, hops)
          + six(source) + six(target) + payload, to)

def icmp6(type_, code, body, source, target, to=gateway):
    payload = struct.pack("!BBH", type_, code, 0) + body
    sum_ = checksum(six(source) + six(target)
                    + struct.pack("!II", len(payload), 58) + payload)
    ip6(58, payload[:2] + struct.pack("!H", sum_) + payload[4:], source,
        target, to)

def udp(source_port, target_port, payload):
    return struct.pack("!HHHH", source_port, target_port, 8 + len(payload),
                       0) + payload

everyone = b"\xff" * 6
all_nodes = bytes.fromhex("333300000001")
local = "fe80::bad"

# Neighbours, in requests, answers and unasked; to the gateway and to all.
for address in ("93.184.216.1", "93.184.216.2", "93.184.216.53", "10.77.0.1"):
    for to in (gateway, everyone):
        arp(1, address, "93.184.216.2", to)
        arp(1, address, address, to)
        arp(2, address, "93.184.216.2", to)
for address in ("2606:2800:220:1::1", "2606:2800:220:1::2",
                "fd73:6c75:6963:1::1", "fe80::1"):
    option = b"\x02\x01" + mine
    body = struct.pack("!I", 0xe0000000) + six(address) + option
    icmp6(136, 0, body, local, "ff02::1", all_nodes)
    icmp6(136, 0, body, address, "2606:2800:220:1::2")
    icmp6(135, 0, struct.pack("!I", 0) + six("2606:2800:220:1::2")
          + b"\x01\x01" + mine, address, "2606:2800:220:1::2")

# A router, with a prefix, a route, a resolver and a smaller MTU.
advertisement = (struct.pack("!BBHII", 64, 0xc0, 9000, 0, 0)
                 + b"\x01\x01" + mine
                 + struct.pack("!BBBBIII", 3, 4, 64, 0xc0, 9000, 9000, 0)
                 + six("2606:2800:220:1::")
                 + struct.pack("!BBBBI", 24, 3, 0, 8, 9000) + six("::")
                 + struct.pack("!BBHI", 25, 3, 0, 9000) + six(local)
                 + struct.pack("!BBHI", 5, 1, 0, 1280))
for source in (local, "fe80::1"):
    icmp6(134, 0, advertisement, source, "ff02::1", all_nodes)
    icmp6(134, 0, advertisement, source, "2606:2800:220:1::2")

# Redirects to itself: "better ways" to the world's addresses.
inner4 = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 7, 0, 64, 17, 0,
                     four("93.184.216.2"), four("8.8.8.8")) + udp(9, 9, b"")
for source in ("93.184.216.1", "10.77.0.2", "10.77.0.1"):
    for code in (0, 1):
        body = struct.pack("!BBH4s", 5, code, 0, four("10.77.0.2")) + inner4
        body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
        ip4(1, body, source, "93.184.216.2")
        ip4(1, body, source, "10.77.0.1")
for source in (local, "2606:2800:220:1::1"):
    icmp6(137, 0, struct.pack("!I", 0) + six(local)
          + six("2001:4860:4860::8888") + b"\x02\x01" + mine, source,
          "2606:2800:220:1::2")

# DHCP, and answers that the gateway's resolver might have asked for.
offer = b"\x02\x01\x06\0" + b"\0" * 232 + b"\x63\x82\x53\x63\x35\x01\x02\xff"
ip4(17, udp(67, 68, offer), "10.77.0.2", "255.255.255.255", everyone)
answer = b"\0\1\x81\x80\0\1\0\1\0\0\0\0"
for port in range(32768, 33768):
    ip4(17, udp(53, port, answer), "93.184.216.53", "93.184.216.2")

# The gateway's addresses elsewhere, other frames, somebody else's MAC.
syn = struct.pack("!HHIIBBHHH", 40001, 15001, 1, 0, 0x50, 2, 1000, 0, 0)
for target in ("93.184.216.2", "127.0.0.1", "10.77.0.1", "8.8.8.8"):
    ip4(6, syn, "10.77.0.2", target)
    ip4(6, syn, "127.0.0.1", target)
    ip4(17, udp(4000, 15053, answer), "127.0.0.1", target, everyone)
    ip4(17, udp(4000, 4000, b"unlisted"), "10.77.0.2", target, everyone)
for kind in (0x88cc, 0x8847, 0x8863, 0x8864, 0x88a8, 0x22f3, 0x88e5):
    frame(kind, b"\x45unlisted" + b"\0" * 60)
    frame(0x8100, struct.pack("!HH", 7, kind) + b"\x45unlisted" + b"\0" * 60,
          everyone, b"\x02\0\0\0\0\x07")
END
in_agent /usr/bin/python3 "$DIR/frames.py" "$mac" || fail 'see above'

# By now the gateway would use what it had learned.
ways_out >"$DIR/after"
diff "$DIR/before" "$DIR/after" >&2 || fail 'the gateway learned another way'
[ "$(world_settled)" -eq "$before" ] || fail 'something reached the world'
world_heard_nothing_of unlisted

in_agent ip addr flush dev eth0 scope global
in_agent ip addr add 10.77.0.2/30 dev eth0
in_agent ip addr add fd73:6c75:6963:1::2/126 dev eth0 nodad
agent $CURL https://listed.test/ | expect 'hello from listed.test'
