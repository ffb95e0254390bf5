# Packets that filters and hosts read differently are dropped or put together
# before they are judged: fragments, options, extension headers, every other
# protocol, flags that do not belong together. The world hears of none.
. "${0%/*}/lib.sh"

PYTHON=/usr/bin/python3
need $PYTHON
$PYTHON -c 'import scapy' 2>/dev/null || skip 'no scapy on this machine'
world_serves listed.test
manifest 'routes: [{host: listed.test}]'
agent $CURL -4 https://listed.test/ | expect 'hello from listed.test'
agent $CURL -6 https://listed.test/ | expect 'hello from listed.test'
n=$(world_address listed.test)
mac=$(ip -n "$GATEWAY" link show int0 | awk '/ether/ { print $2 }')
before=$(world_settled)
connects=$(grep -c '"event":"connect"' "$DIR/audit.jsonl")
# The agent's kernel is not to end what we begin.
in_agent nft 'add table inet mute
	add chain inet mute out { type filter hook output priority 0; }
	add rule inet mute out tcp flags & rst == rst drop' 2>/dev/null ||
	skip 'no nft on this machine'

cat >"$DIR/odd.py" <<'END'
import logging
import sys
logging.getLogger("scapy").setLevel(logging.CRITICAL)
from scapy.all import *
from scapy.layers.inet6 import *

mac, *targets = sys.argv[1:]
link = conf.L2socket(iface="eth0")
PAYLOAD = b"unlisted payload, of some length"
REQUEST = b"GET /unlisted HTTP/1.1\r\nHost: listed.test\r\n\r\n"
sent = 0

def send(packet):
    global sent
    link.send(Ether(dst=mac) / packet)
    sent += 1

def uppers(name):
    """What might be carried, were the packet an ordinary one."""
    question = raw(DNS(rd=1, qd=DNSQR(qname=name + ".unlisted.test",
                                      qtype="TXT")))
    yield TCP(sport=RandShort(), dport=443, flags="S")
    yield TCP(sport=RandShort(), dport=53, flags="S")
    yield UDP(sport=RandShort(), dport=53) / question
    yield UDP(sport=RandShort(), dport=443) / PAYLOAD

def fragments4(target, datagram, size, more=lambda parts: parts):
    """An IPv4 datagram in pieces of @size bytes, as @more has them."""
    whole = raw(IP(src="10.77.0.2", dst=target) / datagram)[20:]
    parts = [(at, whole[at:at + size]) for at in range(0, len(whole), size)]
    number = random.randrange(1, 65536)
    protocol = 6 if TCP in datagram else 17
    for at, part in more(parts):
        send(IP(src="10.77.0.2", dst=target, id=number, proto=protocol,
                frag=at // 8,
                flags="MF" if at + len(part) < len(whole) else 0) / part)

def fragments6(target, datagram, size, more=lambda parts: parts, before=None):
    base = IPv6(src="fd73:6c75:6963:1::2", dst=target)
    whole = raw(base / datagram)[40:]
    parts = [(at, whole[at:at + size]) for at in range(0, len(whole), size)]
    number = random.randrange(1 << 32)
    head = base / before if before else base
    for at, part in more(parts):
        send(head / IPv6ExtHdrFragment(
            nh=6 if TCP in datagram else 17, offset=at // 8, id=number,
            m=int(at + len(part) < len(whole))) / part)

def overlapping(parts):
    """The second piece comes twice, the second time with other bytes."""
    return parts[:1] + [(0, b"\0" * 8), (8, b"\xff" * 8)] + parts

def teardrop(parts):
    return [(0, b"\0" * 24), (8, b"\1" * 8)]

PICKS = [lambda p: p, lambda p: p[::-1], overlapping, teardrop,
         lambda p: p[:1], lambda p: p[1:], lambda p: p[:1] * 2 + p[1:],
         lambda p: p + [(65528, b"\0" * 64)]]

for target in targets:
    six = ":" in target
    pieces = fragments6 if six else fragments4
    for upper in uppers("six" if six else "four"):
        for pick in PICKS:
            pieces(target, upper, 8, pick)
        pieces(target, upper, 24)
    # Every protocol that there could be, with another inside.
    for number in range(256):
        if six:
            if number == 58:
                continue
            packet = IPv6(src="fd73:6c75:6963:1::2", dst=target, nh=number)
            inner = IPv6(src="fd73:6c75:6963:1::2", dst=targets[0])
        else:
            if number == 1:
                continue
            packet = IP(src="10.77.0.2", dst=target, proto=number)
            inner = IP(src="10.77.0.2", dst="8.8.8.8")
        send(packet / inner / UDP(dport=53) / PAYLOAD)
    # Every kind of ICMP but the ones that neighbours are found by.
    for kind in (*range(45), *range(127, 165), 200, 255):
        if six and 130 <= kind <= 137:
            continue
        if six:
            send(IPv6(src="fd73:6c75:6963:1::2", dst=target)
                 / ICMPv6Unknown(type=kind, code=0, msgbody=PAYLOAD))
        else:
            send(IP(src="10.77.0.2", dst=target)
                 / ICMP(type=kind, code=0) / PAYLOAD)
    # Flags that begin nothing, and data that comes too early.
    for flags in ("", "F", "A", "FA", "PA", "R", "RA", "SF", "SR", "SFR", "FPU",
                  "SAFRPUEC", "SA", "SU"):
        for port in 80, 443, 53:
            base = IPv6(src="fd73:6c75:6963:1::2", dst=target) if six \
                else IP(src="10.77.0.2", dst=target)
            send(base / TCP(sport=RandShort(), dport=port, flags=flags, seq=1,
                            ack=1) / REQUEST)
            send(base / TCP(sport=port, dport=port, flags=flags) / REQUEST)

for target in targets:
    if ":" in target:
        base = IPv6(src="fd73:6c75:6963:1::2", dst=target)
        for upper in uppers("atomic"):  # a fragment that is all there is
            send(base / IPv6ExtHdrFragment(id=1) / upper)
        for upper in uppers("headed"):
            for head in (
                    IPv6ExtHdrHopByHop(), IPv6ExtHdrDestOpt(),
                    IPv6ExtHdrHopByHop(options=[RouterAlert()]),
                    IPv6ExtHdrHopByHop(options=[Jumbo(jumboplen=70000)]),
                    IPv6ExtHdrDestOpt(options=[HAO(hoa=targets[0])]),
                    IPv6ExtHdrRouting(type=0, addresses=[targets[0]]),
                    IPv6ExtHdrRouting(type=2, addresses=[targets[0]]),
                    IPv6ExtHdrRouting(type=4, addresses=[targets[0]]),
                    IPv6ExtHdrDestOpt() / IPv6ExtHdrHopByHop(),
                    IPv6ExtHdrFragment(id=2) / IPv6ExtHdrDestOpt(),
                    IPv6ExtHdrFragment(id=3) / IPv6ExtHdrFragment(id=4),
                    IPv6ExtHdrHopByHop() / IPv6ExtHdrFragment(id=5)):
                send(base / head / upper)
            many = IPv6ExtHdrDestOpt()
            for _ in range(20):
                many = many / IPv6ExtHdrDestOpt()
            send(base / many / upper)
            fragments6(target, upper, 8, before=IPv6ExtHdrDestOpt())
    else:
        for upper in uppers("optional"):
            for options in (
                    b"\x07\x07\x04\0\0\0\0\0",              # record route
                    b"\x83\x07\x04\x08\x08\x08\x08\0",      # loose route
                    b"\x89\x07\x04\x08\x08\x08\x08\0",      # strict route
                    b"\x44\x0c\x05\x01\0\0\0\0\0\0\0\0",    # timestamp
                    b"\x94\x04\0\0", b"\x01" * 40, b"\x86\x0a" + b"\0" * 10):
                send(IP(src="10.77.0.2", dst=target, options=[IPOption(o)
                        for o in (options,)]) / upper)
        # A head that is longer than the packet, and lengths that disagree.
        for bad in (dict(ihl=15), dict(ihl=4), dict(len=20), dict(len=65535),
                    dict(version=6), dict(ttl=0), dict(chksum=1)):
            send(IP(src="10.77.0.2", dst=target, **bad)
                 / TCP(dport=443, flags="S") / PAYLOAD)
print("sent", sent)
END
in_agent $PYTHON "$DIR/odd.py" "$mac" 2606:2800:220:1::1 93.184.216.1 \
	"2606:2800:220:1::${n##*.}" "$n" fd73:6c75:6963:1::1 10.77.0.1 \
	>"$DIR/sent" 2>"$DIR/odd.log" || fail "$(tail -n 5 "$DIR/odd.log")"
expect 'sent [1-9][0-9][0-9][0-9]' <"$DIR/sent"

[ "$(world_settled)" -eq "$before" ] || fail 'something reached the world'
world_heard_nothing_of unlisted
for agent in 10.77.0.2 fd73:6c75:6963:1::2; do
	audit_has '"event":"packet"' '"reason":"protocol_refused"' \
		"\"agent\":\"$agent\""
done

# A question in pieces is whole again when it is judged.
audit_has '"event":"dns"' '"verdict":"deny"' '"agent":"10.77.0.2"' \
	'"name":"four.unlisted.test"'
audit_has '"event":"dns"' '"verdict":"deny"' '"agent":"fd73:6c75:6963:1::2"' \
	'"name":"six.unlisted.test"'
# One with more in its head than it needs is not judged at all.
! grep -E '(headed|optional).unlisted' "$DIR/audit.jsonl" ||
	fail 'a packet with options or extension headers was taken'
# Nothing that was sent was a connection.
[ "$(grep -c '"event":"connect"' "$DIR/audit.jsonl")" -eq "$connects" ] ||
	fail 'a connection came of it'
in_agent nft delete table inet mute
agent $CURL -4 https://listed.test/ | expect 'hello from listed.test'
agent $CURL -6 https://listed.test/ | expect 'hello from listed.test'
