# Connections that are opened and never finished take a bounded number of places
# in the gateway's kernel; what was open lives, the other family does not
# notice, and this one comes through again.
. "${0%/*}/steady_lib.sh"

world_steadies kept.test
manifest 'routes: [{host: kept.test, ports: [443, 9443]}]'
agent $CURL https://kept.test/ | expect 'hello from kept.test'
hold kept:keep:kept.test
goes_on kept

# Root of the agent's machine says SYN and nothing more, not even no.
in_agent nft 'add table inet mute
	add chain inet mute out { type filter hook output priority 0; }
	add rule inet mute out tcp flags & (rst | ack) == rst counter drop'
cat >"$DIR/flood.py" <<'END'
import socket, struct, sys

target, count = sys.argv[1], int(sys.argv[2])
six = ":" in target
family = socket.AF_INET6 if six else socket.AF_INET
source = "fd73:6c75:6963:1::2" if six else "10.77.0.2"
ends = socket.inet_pton(family, source) + socket.inet_pton(family, target)

def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff

raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP)
for i in range(count):
    syn = struct.pack("!HHIIBBHHH", 1024 + i, 443, i, 0, 0x50, 2, 1000, 0, 0)
    sum_ = checksum(ends + struct.pack("!II", len(syn), 6) + syn)
    raw.sendto(syn[:16] + struct.pack("!H", sum_) + syn[18:], (target, 0))
END
entries() { in_gateway cat /proc/sys/net/netfilter/nf_conntrack_count; }
_comes_through() { agent $CURL --max-time 1 "$1" https://kept.test/; }

v4=$(world_address kept.test)
v6=2606:2800:220:1::${v4##*.}
before=$(world_packets 'tcp[13] & 2 != 0 or (ip6[6] = 6 and ip6[53] & 2 != 0)')
for target in $v4 $v6; do
	# The one in the other family.
	[ "$target" = "$v4" ] && flooded=-4 other=-6 || flooded=-6 other=-4
	sleep 1.1 # a second has only so many lines
	in_agent $PYTHON "$DIR/flood.py" "$target" 20000
	n=$(entries)
	[ "$n" -ge 1000 ] || fail "$target: the flood was none, $n entries"
	[ "$n" -le 9000 ] || fail "$target: $n half-open connections"
	audit_has '"event":"packet"' '"reason":"overloaded"' \
		'"protocol":"tcp"' "\"address\":\"$target\""
	agent $CURL $other https://kept.test/ | expect 'hello from kept.test'
	goes_on kept
	await _comes_through $flooded || fail "$target: and never again"
done
# What is not even open is no reason to call anybody.
now=$(world_packets 'tcp[13] & 2 != 0 or (ip6[6] = 6 and ip6[53] & 2 != 0)')
[ $((now - before)) -le 20 ] || fail "$((now - before)) origins were called"
died 0
