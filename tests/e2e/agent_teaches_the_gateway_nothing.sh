# With raw frames and every capability on its own machine, the agent changes
# neither the gateway's routes nor its addresses nor its view of the uplink.
. "${0%/*}/lib.sh"

need python3
world_serves listed.test
manifest 'routes: [{host: listed.test}]'
agent $CURL https://listed.test/ | expect 'hello from listed.test'

cat >"$DIR/frames.py" <<'END'
import socket
import struct
import sys

MINE = open("/sys/class/net/eth0/address").read().strip()
mine = bytes.fromhex(MINE.replace(":", ""))
gateway = bytes.fromhex(sys.argv[1].replace(":", ""))
uplink4 = socket.inet_aton("93.184.216.1")
me4, gw4 = socket.inet_aton("10.77.0.2"), socket.inet_aton("10.77.0.1")

def six(text):
    return socket.inet_pton(socket.AF_INET6, text)

def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff

def icmp6(source, target, body):
    pseudo = source + target + struct.pack("!II", len(body), 58)
    body = body[:2] + struct.pack("!H", checksum(pseudo + body)) + body[4:]
    return struct.pack("!IHBB", 6 << 28, len(body), 58, 255) + source + \
        target + body

def ip4(source, target, protocol, body):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 9, 0, 255,
                       protocol, 0) + source + target
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body

def link_local():
    for line in open("/proc/net/if_inet6"):
        field = line.split()
        if field[5] == "eth0" and field[3] == "20":
            return bytes.fromhex(field[0])
    sys.exit("no link-local address")

link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind(("eth0", 0))

def send(kind, payload, to=gateway):
    link.send(to + mine + struct.pack("!H", kind) + payload)

local = link_local()
everyone = six("ff02::1")
router = six("2606:2800:220:1::1")
own = b"\x02\x01" + mine       # target link-layer address
source = b"\x01\x01" + mine
prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xc0, 86400, 86400, 0)
advert = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + source + \
    prefix + six("2001:db8:bad::") + \
    struct.pack("!BBHI", 25, 3, 0, 1800) + six("2001:db8:bad::53")
for target in everyone, six(sys.argv[2]):
    for sender in local, six("fe80::bad"), six("fd73:6c75:6963:1::2"):
        send(0x86dd, icmp6(sender, target, advert))
for target in everyone, six("fd73:6c75:6963:1::1"):
    for sender in local, six("fd73:6c75:6963:1::2"), router:
        # The uplink's router is here; and: go there by way of me.
        send(0x86dd, icmp6(sender, target, struct.pack(
            "!BBHI", 136, 0, 0, 0xe0000000) + router + own))
        send(0x86dd, icmp6(sender, target, struct.pack(
            "!BBHI", 137, 0, 0, 0) + local + router + own))

# ARP: the uplink's address, and the gateway's own, are mine.
for claimed in uplink4, gw4, socket.inet_aton("93.184.216.2"):
    for to in gateway, b"\xff" * 6:
        for operation in 1, 2:
            send(0x0806, struct.pack("!HHBBH", 1, 0x800, 6, 4, operation) +
                 mine + claimed + gateway + gw4, to)

# An IPv4 redirect and a source quench about what the gateway sends itself.
about = ip4(socket.inet_aton("93.184.216.2"), uplink4, 17,
            struct.pack("!HHHH", 40000, 53, 8, 0))
for sender in me4, gw4, uplink4:
    for kind, code, rest in ((5, 1, me4), (5, 0, me4), (4, 0, bytes(4)),
                             (3, 4, struct.pack("!HH", 0, 68))):
        body = struct.pack("!BBH", kind, code, 0) + rest + about
        body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
        send(0x0800, ip4(sender, socket.inet_aton("93.184.216.2"), 1, body))
        send(0x0800, ip4(sender, gw4, 1, body))

# A DHCP answer that nobody asked for, with and without a VLAN's tag.
dhcp = struct.pack("!HHHH", 67, 68, 8 + 300, 0) + bytes(300)
for to in socket.inet_aton("255.255.255.255"), gw4:
    frame = ip4(gw4, to, 17, dhcp)
    send(0x0800, frame, b"\xff" * 6)
    send(0x8100, struct.pack("!HH", 7, 0x0800) + frame, b"\xff" * 6)
print("sent")
END

seen()
{
	in_gateway ip -o addr show | sed 's/valid_lft.*//'
	in_gateway ip route show table all | sed 's/expires [^ ]*//'
	# What it hears on its inner side of other addresses leads nowhere.
	in_gateway ip route get 93.184.216.1
	in_gateway ip route get 2606:2800:220:1::1
	in_gateway ip neigh show dev up0 | sed 's/ [A-Z]*$//' | sort
}
settled() { [ -z "$(in_gateway ip -o addr show tentative)" ]; }
await settled || fail 'the gateway has no addresses'
# Neighbours that both sides ask for themselves are there before and after.
in_gateway $CURL -o /dev/null http://93.184.216.1/
in_gateway $CURL -o /dev/null 'http://[2606:2800:220:1::1]/'
seen >"$DIR/before"
before=$(world_settled)
mac=$(in_gateway cat /sys/class/net/int0/address)
local=$(in_gateway ip -6 -o addr show dev int0 scope link |
	sed 's/.*inet6 \([^/]*\).*/\1/')
in_agent /usr/bin/python3 "$DIR/frames.py" "$mac" "$local" |
	expect sent || fail 'the frames could not be sent'
audit_has '"event":"packet"' '"reason":"source_spoofed"'
[ "$(world_settled)" -eq "$before" ] || fail 'something reached the world'
seen >"$DIR/after"
diff "$DIR/before" "$DIR/after" >&2 || fail 'the gateway learned something'
agent $CURL https://listed.test/ | expect 'hello from listed.test'
