# While the world's resolver says nothing, no more than a limit is asked of it:
# questions above that fail at once, the same question is asked once, and what
# needs nobody is answered as ever. When it speaks again, so does the gateway.
. "${0%/*}/dns_lib.sh"

world_answers <<'END'
WAITING = []


def answer(q):
    real = q.reply(address(q.name, "93.184.216.101"))
    first = q.name.split(".")[0]
    if first.startswith("silent"):
        return None
    if first == "held":
        WAITING.append((q, real))
        return None
    if first == "release":
        for held, out in WAITING:
            held.send(out)
        WAITING.clear()
    return real
END
manifest "routes:
  - host: listed.test
  - host: later.test
  - host: held.test
  - host: release.test
$(for i in $(seq 0 299); do echo "  - host: silent$i.test"; done)"

agent_does <<'END'
from dns_peer import *

LIMIT, ALL = 256, 300
FENCE = 60000

# All from one socket, so that it is all one worker's.
link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
link.settimeout(PATIENCE)
link.connect((GATEWAYS[0], 53))


def say(*numbers):
    for n in numbers:
        link.send(query(f"silent{n}.test", A, n))


def hear():
    return Message(link.recv(4096))


def nothing_yet(fence):
    """All that was sent before has been read, and nothing answered."""
    link.send(query("unlisted.test", A, fence))
    got = hear()
    assert got.number == fence, got.number
    assert got.addresses == ["198.18.0.1"]


# The same question many times is asked once.
for n in range(50):
    link.send(query("held.test", A, n))
nothing_yet(FENCE)
link.send(query("release.test", A, 50))
got = sorted(hear().number for _ in range(51))
assert got == list(range(51)), got

link.send(query("listed.test", A, 1))
assert hear().addresses == ["93.184.216.101"]
for start in range(0, LIMIT, 64):
    say(*range(start, min(start + 64, LIMIT)))
    nothing_yet(FENCE + 1 + start)
say(*range(LIMIT, ALL))
for _ in range(LIMIT, ALL):
    got = hear()
    assert got.code == SERVFAIL and LIMIT <= got.number < ALL, got.number
# One more who asks for what is on its way finds room; what is known is told.
say(0)
link.send(query("listed.test", A, FENCE))
got = hear()
assert got.number == FENCE and got.addresses == ["93.184.216.101"], got.number

left = set(range(LIMIT))
extra = 1
while left or extra:
    got = hear()
    assert got.code == SERVFAIL, got.code
    if got.number not in left:
        extra -= 1
    left.discard(got.number)
link.send(query("later.test", A, FENCE))
assert hear().addresses == ["93.184.216.101"]
END

# Tries again have the same id, and are of a question that was given one.
[ "$(asked ' A held.test ')" -ge 1 ] || fail 'nobody was held'
grep ' A held.test ' "$DIR/world-dns.log" | grep -o ' id=[0-9]*' | sort -u |
	wc -l | expect '^1$'
grep -o ' silent[0-9]*.test ' "$DIR/world-dns.log" | sort -u >"$DIR/heard"
[ "$(wc -l <"$DIR/heard")" -eq 256 ] ||
	fail "the world was asked for $(wc -l <"$DIR/heard") names"
for i in $(seq 256 299); do
	! grep -q " silent$i.test " "$DIR/heard" || fail "silent$i was asked for"
done
audit_has '"reason":"upstream_dns"' '"name":"silent299.test"'
world_heard_nothing_of unlisted
