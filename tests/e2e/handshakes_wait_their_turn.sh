# So many TLS handshakes are under way and no more: those on top of them wait,
# cost their origins nothing meanwhile, and then have their turn. What is past
# its handshake, or has none, does not notice.
WORKERS=1 # each has its own
. "${0%/*}/lib.sh"

need python3
here=$(cd "${0%/*}" && pwd)
export PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1
world_serves listed.test spliced.test holding.test
background world-holding.log in_world /usr/bin/python3 "$here/withhold.py" \
	7443 "$DIR/release" "$DIR/holding.test.pem" "$DIR/holding.test.key"
await grep -q listening "$DIR/world-holding.log" || fail 'no origin'
manifest 'routes:
  - host: listed.test
  - {host: spliced.test, tls: splice}
  - {host: holding.test, ports: 7443}'

cat >"$DIR/agent.py" <<'END_OF_AGENT'
import os
import resource
import ssl
import sys
import threading
import time
import hello
from peer import connect, exchange

DIR, WORLD_CA = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
world = ssl.create_default_context(cafile=WORLD_CA)

def ask(link, name):
    head = f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode()
    first, _, body = exchange(link, head)
    assert body == f"hello from {name}\n".encode(), (first, body)

def tell(word):
    open(f"{DIR}/{word}", "w").close()

def heed(word):
    for _ in range(600):
        if os.path.exists(f"{DIR}/{word}"):
            return
        time.sleep(0.05)
    sys.exit("no " + word)

kept, spliced = connect("listed.test"), connect("spliced.test", tls=world)
ask(kept, "listed.test")
ask(spliced, "spliced.test")
held = []
for i in range(600):
    link = hello.connect("holding.test", 7443)
    link.sendall(hello.records(hello.hello("holding.test")))
    held.append(link)
tell("sent")
heed("full")
# Established ones, a new one that is passed on, and one without TLS.
for i in range(5):
    ask(kept, "listed.test")
    ask(spliced, "spliced.test")
ask(connect("spliced.test", tls=world), "spliced.test")
ask(connect("listed.test", 80), "listed.test")
tell("unmoved")
heed("counted")

def late():
    ask(connect("listed.test"), "listed.test")
    tell("served")

last = threading.Thread(target=late)
last.start()
heed("queued")
for link in held:
    link.close()
assert not os.path.exists(f"{DIR}/served"), "it did not wait"
ask(kept, "listed.test")
tell("release")
last.join()
heed("served")
END_OF_AGENT
connects()
{
	[ "$(grep '"event":"connect"' "$DIR/audit.jsonl" |
		grep -c "\"name\":\"$1\"")" -ge "$2" ]
}
chmod 755 "$DIR"
agent python3 "$DIR/agent.py" "$DIR" "$DIR/world-ca.pem" >"$DIR/agent.out" \
	2>&1 &
agent=$!
PIDS="$PIDS $agent"
# waits_for FILE: that the agent has got so far.
waits_for()
{
	await [ -e "$DIR/$1" ] || {
		cat "$DIR/agent.out" >&2
		fail "the agent is not $1"
	}
}
held()
{
	[ "$(grep -c '^held' "$DIR/world-holding.log")" -eq "$1" ]
}
waits_for sent
# All of them have been judged; some are with their origin.
await connects holding.test 600 || fail 'not all of them were judged'
await held 512 || fail "$(tail -n 1 "$DIR/world-holding.log")"
: >"$DIR/full"
waits_for unmoved
held 512 || fail "$(tail -n 1 "$DIR/world-holding.log"), and no more than 512"
n=$(grep '"event":"connect"' "$DIR/audit.jsonl" |
	grep -c '"name":"listed.test"')
: >"$DIR/counted"
await connects listed.test $((n + 1)) || fail 'the last one was not judged'
: >"$DIR/queued"
wait $agent || {
	cat "$DIR/agent.out" >&2
	fail 'the agent saw otherwise'
}
# Nobody was dialled for those that had left when it was their turn.
held 512 || fail 'an origin was dialled for nobody'
! grep -q asked "$DIR/world-holding.log" || fail 'nobody asked for that'
