# An address that the agent was told for a name may be connected to at once,
# whichever worker told it and which hears of it, when its time is over and the
# name has moved on, and when a process of the gateway has died in between.
. "${0%/*}/dns_lib.sh"

WORKERS=3
DEATHS_EXPECTED=yes
world_peers listed.test moved.test
world_answers <<'END'
TIMES = {}


def answer(q):
    TIMES[q.name, q.kind] = n = TIMES.get((q.name, q.kind), 0) + 1
    end = 101
    if q.name == "moves.test" and n > 3:  # each worker asks by itself
        end = 102
    return q.reply(address(q.name, f"93.184.216.{end}" if q.kind == A
                           else f"2606:2800:220:1::{end}", 0))
END
manifest "routes:
  - host: moves.test
$(for i in $(seq 0 79); do echo "  - host: n$i.test"; done)"

agent_does <<'END'
from dns_peer import *
from peer import exchange


def get(where, name):
    with socket.create_connection((where, 80), PATIENCE) as link:
        return exchange(link, b"GET / HTTP/1.1\r\nHost: %s\r\n"
                        b"Connection: close\r\n\r\n" % name.encode())


# The answer has hardly come.
for i in range(80):
    send, server = WAYS[i % len(WAYS)]
    name = f"n{i}.test"
    got = told(name, A + 27 * (i // 4 % 2), send, server)
    first, _, body = get(got.addresses[0], name)
    assert b"hello from " + name.encode() in body, (name, first, body)

# Somebody else's is not its own.
first, _, body = get("93.184.216.102", "n0.test")
assert b"address_mismatch" in body, body

# What was told stays so when it is told no more.
assert told("moves.test").addresses == ["93.184.216.101"]
until(lambda: told("moves.test").addresses == ["93.184.216.102"])
for where in ("93.184.216.101", "93.184.216.102"):
    first, _, body = get(where, "moves.test")
    assert b"hello from moves.test" in body, (where, first, body)
END

# The third child is a worker; the others go with it.
victim=$(cut -d' ' -f3 "/proc/$GATEWAY_PID/task/$GATEWAY_PID/children")
kill -KILL "$victim"
audit_has '"event":"restart"'
agent $CURL --resolve moves.test:80:93.184.216.101 http://moves.test/ |
	expect 'hello from moves.test'
agent $CURL --resolve n1.test:80:93.184.216.101 http://n1.test/ |
	expect 'hello from n1.test'
agent $CURL --resolve n1.test:80:93.184.216.102 http://n1.test/ |
	expect address_mismatch
