# What is neither TCP nor DNS is refused with an error, at once, and recorded;
# with every capability in its own namespace the agent gets no further.
. "${0%/*}/lib.sh"

need python3 ping
world_serves listed.test
manifest 'routes: [{host: listed.test}]'
agent $CURL https://listed.test/ >/dev/null
before=$(world_settled)

cat >"$DIR/udp.py" <<'EOF'
import socket, sys, time
for address in ("93.184.216.1", "2606:2800:220:1::1"):
    for port in (443, 123, 5000):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            s.settimeout(5)
            s.connect((address, port))
            s.send(b"unlisted payload")
            try:
                s.recv(100)
                sys.exit("%s %d answered" % (address, port))
            except TimeoutError:
                sys.exit("%s %d was not refused" % (address, port))
            except OSError as error:
                refused = isinstance(error, ConnectionRefusedError)
                assert refused or port != 443, error
EOF
agent /usr/bin/python3 "$DIR/udp.py" || fail 'see above'
audit_has '"event":"packet"' '"protocol":"udp"' '"port":443'

# As root with raw sockets: other protocols, other sources, broken packets.
cat >"$DIR/raw.py" <<'EOF'
import socket, struct

def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff

def packet(protocol, payload, source="10.77.0.2", offset=0, options=b""):
    head = struct.pack("!BBHHHBBH4s4s", 0x40 | 5 + len(options) // 4, 0,
                       20 + len(options) + len(payload), 7, offset, 64,
                       protocol, 0, socket.inet_aton(source),
                       socket.inet_aton("93.184.216.1")) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload

tcp = struct.pack("!HHIIBBHHH", 40000, 443, 1, 0, 0x50, 2, 1000, 0, 0)
udp = struct.pack("!HHHH", 40000, 53, 24, 0) + b"unlisted payload"
echo = struct.pack("!BBHHH", 8, 0, 0, 1, 1) + b"unlisted payload"
payload = b"unlisted payload"
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
everything = [packet(p, payload) for p in (2, 4, 41, 47, 50, 51, 132, 255)]
everything += [
    packet(1, echo), packet(17, udp, "10.77.0.3"), packet(6, tcp, "1.2.3.4"),
    packet(17, udp, "93.184.216.1"),
    packet(6, tcp, options=b"\x83\x07\x04" + socket.inet_aton("93.184.216.1")
           + b"\0"),
    packet(17, udp[:8], offset=0x2000), packet(17, udp[8:], offset=1),
    packet(6, tcp[:8], offset=0x2000),
]
for bytes_ in everything:
    try:
        raw.sendto(bytes_, ("93.184.216.1", 0))
    except OSError:
        pass

six = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
for kind in (0, 43, 44, 60, 132, 47, 50, 59):
    body = b"\x11\x00\x01\x04\0\0\0\0" + udp
    for source in ("fd73:6c75:6963:1::2", "fd73:6c75:6963:1::3"):
        head = struct.pack("!IHBB16s16s", 6 << 28, len(body), kind, 64,
                           socket.inet_pton(socket.AF_INET6, source),
                           socket.inet_pton(socket.AF_INET6,
                                            "2606:2800:220:1::1"))
        try:
            six.sendto(head + body, ("2606:2800:220:1::1", 0))
        except OSError:
            pass
# Other sources, with all else in order.
for source in ("fd73:6c75:6963:1::3", "2606:2800:220:1::1",
               "2606:2800:220:1::2", "fd73:6c75:6963:1::1", "fe80::1", "::1",
               "::ffff:10.77.0.2", "ff02::1"):
    for kind, body in ((6, tcp), (17, udp), (58, b"\x80\0" + echo[2:])):
        ends = b"".join(socket.inet_pton(socket.AF_INET6, a)
                        for a in (source, "2606:2800:220:1::1"))
        at = {6: 16, 17: 6, 58: 2}[kind]
        sum_ = checksum(ends + struct.pack("!II", len(body), kind) + body)
        body = body[:at] + struct.pack("!H", sum_) + body[at + 2:]
        try:
            six.sendto(struct.pack("!IHBB", 6 << 28, len(body), kind, 64)
                       + ends + body, ("2606:2800:220:1::1", 0))
        except OSError:
            pass
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as many:
    many.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    for address in ("224.0.0.251", "255.255.255.255", "10.77.0.3"):
        try:
            many.sendto(payload, (address, 5353))
        except OSError:
            pass
EOF
in_agent /usr/bin/python3 "$DIR/raw.py" || fail 'see above'
in_agent ping -c 2 -W 1 -p deadbeef 93.184.216.1 >/dev/null && fail 'an echo'
in_agent ping -6 -c 2 -W 1 2606:2800:220:1::1 >/dev/null && fail 'an echo'
for source in 10.77.0.3 1.2.3.4 93.184.216.1 fd73:6c75:6963:1::3 \
	2606:2800:220:1::1 2606:2800:220:1::2 fd73:6c75:6963:1::1 fe80::1; do
	audit_has '"event":"packet"' '"reason":"source_spoofed"' \
		"\"agent\":\"$source\""
done
audit_has '"event":"packet"' '"protocol":"gre"'
audit_has '"event":"packet"' '"protocol":"sctp"'

[ "$(world_settled)" -eq "$before" ] || fail 'something reached the world'
agent $CURL https://listed.test/ | expect 'hello from listed.test'
