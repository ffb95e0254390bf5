# What TCP is told by somebody who only guesses, or out of order, ends nothing
# and passes nothing; what it is told rightly ends one connection on both sides.
. "${0%/*}/steady_lib.sh"

$PYTHON -c 'import scapy' 2>/dev/null || skip 'no scapy on this machine'
world_steadies spliced.test kept.test raw.test
manifest 'routes:
  - {host: spliced.test, ports: 9443, tls: splice}
  - {host: kept.test, ports: [80, 443, 9443]}
  - {host: raw.test, ports: 9000, tls: none}'
hold spliced:get:spliced.test kept:keep:kept.test raw:line:raw.test
goes_on spliced kept raw
mac=$(ip -n "$GATEWAY" link show int0 | awk '/ether/ { print $2 }')
n=$(world_address kept.test)

cat >"$DIR/forge.py" <<'END'
import logging
import sys
logging.getLogger("scapy").setLevel(logging.CRITICAL)
from scapy.all import *

mac, *flows = sys.argv[1:]
link = conf.L2socket(iface="eth0")
for flow in flows:
    source, sport, target, dport = flow.split(",")
    six = ":" in source
    base = Ether(dst=mac) / (IPv6 if six else IP)(src=source, dst=target)
    for flags in "R", "RA", "F", "FA", "S", "SA", "SR", "PA", "":
        for _ in range(6):
            link.send(base / TCP(sport=int(sport), dport=int(dport),
                                 flags=flags, seq=random.randrange(1 << 32),
                                 ack=random.randrange(1 << 32), window=0)
                      / (b"GET /forged HTTP/1.1\r\n" if "P" in flags else b""))
END
# SOURCE,PORT,TARGET,PORT of what a machine has open, seen from there.
flows()
{
	ip netns exec "$1" ss -tnH state established "$2" | awk '{
		for (i = 3; i <= 4; i++) {
			at = match($i, /:[0-9]+$/)
			end[i] = substr($i, 1, at - 1) "," substr($i, at + 1)
			gsub(/[][]/, "", end[i])
			sub(/^::ffff:/, "", end[i])
		}
		print end[3] "," end[4] }'
}
in_agent $PYTHON "$DIR/forge.py" "$mac" $(flows "$AGENT" \
	'( dport = :9443 or dport = :9000 )') || fail 'cannot forge'
goes_on spliced kept raw
# And from the world, as the origins that they are connected to.
up=$(ip -n "$GATEWAY" link show up0 | awk '/ether/ { print $2 }')
[ "$(flows "$WORLD" '( sport = :9443 or sport = :9000 )' | wc -l)" -eq 3 ] ||
	fail 'there are not three connections'
in_world $PYTHON "$DIR/forge.py" "$up" $(flows "$WORLD" \
	'( sport = :9443 or sport = :9000 )') || fail 'cannot forge'
goes_on spliced kept raw
world_heard_nothing_of forged

# By hand: a connection that the agent's kernel knows nothing of, from SYN on.
in_agent nft 'add table inet mute
	add chain inet mute out { type filter hook output priority 0; }
	add rule inet mute out tcp sport 30000-31000 tcp flags & rst == rst drop'
cat >"$DIR/byhand.py" <<'END'
import logging
import select
import sys
logging.getLogger("scapy").setLevel(logging.CRITICAL)
from scapy.all import *

mac = sys.argv[1]
PORTS = iter(range(30000, 31000))

class Hand:
    """A TCP connection, segment by segment."""

    def __init__(self, target, port, first="S"):
        six = ":" in target
        self.target, self.port, self.mine = target, port, next(PORTS)
        self.base = Ether(dst=mac) / (
            IPv6(src="fd73:6c75:6963:1::2", dst=target) if six
            else IP(src="10.77.0.2", dst=target))
        self.layer = IPv6 if six else IP
        self.link = conf.L2socket(iface="eth0", filter="tcp and dst port %d"
                                  % self.mine)
        self.seq, self.ack, self.window = 1000, 0, 8192
        self.send(first)
        self.seq += 1

    def send(self, flags, data=b"", seq=None):
        self.link.send(self.base / TCP(
            sport=self.mine, dport=self.port, flags=flags, window=self.window,
            seq=self.seq if seq is None else seq, ack=self.ack) / data)

    def hears(self, seconds=5):
        """The next segment for us, or None."""
        while select.select([self.link], [], [], seconds)[0]:
            got = self.link.recv()
            if got and TCP in got and got[TCP].dport == self.mine and \
                    got[self.layer].src == self.target:
                return got[TCP]
        return None

    def open(self):
        got = self.hears()
        assert got and got.flags == "SA", got
        self.ack = got.seq + 1
        self.send("A")
        return self

    def say(self, data):
        self.send("PA", data)
        self.seq += len(data)

    def answer(self):
        """The whole answer, each segment of it acknowledged."""
        heard = b""
        while not heard.endswith(b"hello from kept.test\n"):
            got = self.hears()
            assert got, heard
            assert not got.flags & 4, "reset after %r" % heard
            if got.seq == self.ack and got.payload:
                heard += bytes(got.payload)
                self.ack += len(got.payload)
                self.send("A")
        return heard

for target in sys.argv[2:]:
    # Two who call each other at once: nobody here calls the agent, so a SYN
    # and its acknowledgment in one from outside open nothing.
    odd = Hand(target, 80, "SA")
    got = odd.hears(0.3)
    assert got is None or got.flags & 4, got
    # A second SYN, elsewhere in the numbers, does not begin anew.
    hand = Hand(target, 80).open()
    hand.send("S", seq=77777777)
    hand.say(b"GET /elsewhere HTTP/1.1\r\nHost: kept.test\r\n\r\n")
    assert hand.answer().startswith(b"HTTP/1.1 200 ")
    # A reset that only guesses is asked about, and one that knows is believed.
    hand.send("R", seq=hand.seq + 5000)
    hand.say(b"GET /again HTTP/1.1\r\nHost: kept.test\r\n\r\n")
    assert hand.answer().startswith(b"HTTP/1.1 200 ")
    hand.send("R")
    # Bytes that were judged are not sent again as others.
    hand = Hand(target, 80).open()
    at = hand.seq
    hand.say(b"GET /judged HTTP/1.1\r\nHost: kept.te")
    hand.send("PA", b"GET /forged HTTP/1.1\r\nHost: evil.te", seq=at)
    hand.say(b"st\r\n\r\n")
    assert hand.answer().startswith(b"HTTP/1.1 200 ")
    hand.send("R")
    # Backwards, and with the window shut: the answer waits until it opens.
    hand = Hand(target, 80).open()
    text = b"GET /backwards HTTP/1.1\r\nHost: kept.test\r\n\r\n"
    hand.window = 0
    for i in reversed(range(len(text))):
        hand.send("PA", text[i:i + 1], seq=hand.seq + i)
    hand.seq += len(text)
    while (got := hand.hears(0.5)) is not None:
        assert len(got.payload) <= 1, "the window was shut"
    hand.window = 8192
    hand.send("A")
    assert hand.answer().startswith(b"HTTP/1.1 200 ")
    hand.send("R")
END
in_agent $PYTHON "$DIR/byhand.py" "$mac" "$n" "2606:2800:220:1::${n##*.}" \
	2>"$DIR/byhand.log" || fail "$(cat "$DIR/byhand.log")"
_came_twice() { [ "$(grep -c "GET /$1 " "$DIR/nginx.log")" -eq 2 ]; }
for path in elsewhere again judged backwards; do
	await _came_twice $path ||
		fail "$path did not come through in both families"
done
world_heard_nothing_of forged evil
goes_on spliced kept raw
died 0
