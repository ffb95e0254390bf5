# Rules that a third hand removes are back within a second and the record says
# so; not one packet of the agent's reaches the world meanwhile, under load,
# and also while nobody is there to put them back.
. "${0%/*}/lib.sh"

need python3 nft
world_serves listed.test
manifest 'routes: [{host: listed.test}]'
in_gateway nft list table inet sluice >"$DIR/rules"

# As root of its own machine, with every capability, and no sluice-init. The
# sources are the agent's own and the world's: an answer to those would leave
# by the uplink.
in_agent ip route replace default via 10.77.0.1
in_agent ip -6 route replace default via fd73:6c75:6963:1::1 dev eth0
in_agent sysctl -q -w net.ipv4.ping_group_range='0 0'
cat >"$DIR/load.py" <<'END'
import os, socket, struct, sys, time

def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff

def spoofed6(target):
    echo = struct.pack("!BBHHH", 128, 0, 0, 1, 1) + b"unlisted payload"
    ends = b"".join(socket.inet_pton(socket.AF_INET6, a)
                    for a in ("2606:2800:220:1::1", target))
    total = checksum(ends + struct.pack("!II", len(echo), 58) + echo)
    echo = echo[:2] + struct.pack("!H", total) + echo[4:]
    return struct.pack("!IHBB", 6 << 28, len(echo), 58, 64) + ends + echo

def spoofed(target):
    echo = struct.pack("!BBHHH", 8, 0, 0, 1, 1) + b"unlisted payload"
    echo = echo[:2] + struct.pack("!H", checksum(echo)) + echo[4:]
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(echo), 7, 0, 64, 1,
                       0, socket.inet_aton("93.184.216.1"),
                       socket.inet_aton(target))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + echo

raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
raw6 = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
question = (b"\0\1\1\0\0\1\0\0\0\0\0\0\x08unlisted\4test\0\0\1\0\1")
request = b"GET / HTTP/1.1\r\nHost: unlisted.test\r\n\r\n"
stop, count = sys.argv[1:]
rounds = 0
end = time.monotonic() + 60
while not os.path.exists(stop) and time.monotonic() < end:
    held = []
    for address in ("93.184.216.1", "2606:2800:220:1::1", "10.77.0.1"):
        six = ":" in address
        family = socket.AF_INET6 if six else socket.AF_INET
        for port in (22, 80, 443, 9999, 15001):
            s = socket.socket(family, socket.SOCK_STREAM)
            s.setblocking(False)
            s.connect_ex((address, port))
            held.append(s)
        for port in (53, 443, 5000, 15053):
            with socket.socket(family, socket.SOCK_DGRAM) as s:
                try:
                    s.sendto(question, (address, port))
                except OSError:
                    pass
        kind = socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP
        with socket.socket(family, socket.SOCK_DGRAM, kind) as s:
            try:
                s.sendto(struct.pack("!BBHHH", 128 if six else 8, 0, 0, 1, 1)
                         + b"unlisted payload", (address, 0))
            except OSError:
                pass
    for target in ("10.77.0.1", "93.184.216.2", "93.184.216.1"):
        try:
            raw.sendto(spoofed(target), (target, 0))
        except OSError:
            pass
    for target in ("fd73:6c75:6963:1::1", "2606:2800:220:1::2"):
        try:
            raw6.sendto(spoofed6(target), (target, 0))
        except OSError:
            pass
    time.sleep(0.02)
    for s in held:
        try:
            s.send(request)
        except OSError:
            pass
        s.close()
    rounds += 1
    with open(count, "w") as f:
        f.write(str(rounds))
END
background load.log in_agent python3 "$DIR/load.py" "$DIR/stop" "$DIR/rounds"
load=${PIDS##* }

# So many more rounds of everything that the agent tries.
_rounds_reached() { [ "$(cat "$DIR/rounds")" -ge "$1" ]; }
rounds_pass()
{
	now=$(cat "$DIR/rounds")
	await _rounds_reached $((now + $1)) || fail 'the load stands still'
}
await _rounds_reached 3 || fail 'no load'

_rules_are_back()
{
	in_gateway nft list table inet sluice >"$DIR/rules.now" 2>&1 &&
		cmp -s "$DIR/rules" "$DIR/rules.now"
}
back_within_a_second()
{
	tries=20
	until _rules_are_back; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "not repaired after: $*"
		sleep 0.05
	done
}
repaired() { grep -c '"event":"rules".*installed again' "$DIR/audit.jsonl"; }
_repaired_so_often() { [ "$(repaired)" -ge "$1" ]; }

n=0
for i in 1 2 3 4 5; do
	for command in 'flush ruleset' 'delete table inet sluice' \
		'flush table inet sluice' 'flush chain inet sluice steer' \
		'insert rule inet sluice inbound accept' \
		'insert rule inet sluice guard accept' \
		'add chain inet sluice inbound { policy accept; }'; do
		in_gateway nft "$command"
		back_within_a_second "$command"
		n=$((n + 1))
	done
	rounds_pass 1
done
await _repaired_so_often "$n" || fail "$(repaired) of $n repairs recorded"
audit_has '"event":"rules"' 'the table is missing (nft, pid '
audit_has '"event":"rules"' 'chain inbound: rule 1 is '

# With PID 1 held up, the agent has the time that it takes; in the end even
# with forwarding on, which the repair turns off again.
for i in 1 2 3; do
	kill -STOP "$GATEWAY_PID"
	in_gateway nft flush ruleset
	[ $i -lt 3 ] || in_gateway sysctl -q -w net.ipv4.ip_forward=1 \
		net.ipv6.conf.all.forwarding=1
	rounds_pass 10
	kill -CONT "$GATEWAY_PID"
	back_within_a_second 'a flush while PID 1 was stopped'
done
_forwarding_is_off() { [ "$(in_gateway sysctl -n "$1")" -eq 0 ]; }
await _forwarding_is_off net.ipv4.conf.int0.forwarding &&
	await _forwarding_is_off net.ipv6.conf.int0.forwarding ||
	fail 'forwarding stayed on'
: >"$DIR/stop"
wait "$load" || fail "$(cat "$DIR/load.log")"

# The gateway's own neighbour and multicast traffic is link-local.
got=$(world_packets 'not src net fe80::/10')
[ "$got" -eq 0 ] || {
	tcpdump -r "$DIR/world.pcap" -n 2>/dev/null | head >&2
	fail "$got packets reached the world"
}
world_heard_nothing_of unlisted
agent $CURL https://listed.test/ | expect 'hello from listed.test'
