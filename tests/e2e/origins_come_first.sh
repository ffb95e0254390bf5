# An agent's handshake is answered when its origin has proved who it is, and not
# before; until then, and while it is half said, it waits without any work.
WORKERS=1
. "${0%/*}/steady_lib.sh"

here=$HERE
export PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1
world_serves listed.test holding.test
background world-holding.log in_world $PYTHON "$here/withhold.py" \
	7443 "$DIR/release" "$DIR/holding.test.pem" "$DIR/holding.test.key"
await grep -q listening "$DIR/world-holding.log" || fail 'no origin'
manifest 'routes:
  - host: listed.test
  - {host: holding.test, ports: 7443}'

cat >"$DIR/agent.py" <<'END_OF_AGENT'
import os
import sys
import time
from hello import *

def heed(word):
    for _ in range(600):
        if os.path.exists(sys.argv[1] + "/" + word):
            return
        time.sleep(0.05)
    sys.exit("no " + word)

def silent(link):
    link.setblocking(False)
    try:
        got = link.recv(1)
    except BlockingIOError:
        got = None
    link.settimeout(PATIENCE)
    return got is None

whole = records(hello("holding.test"))
waiting = [connect("holding.test", 7443) for _ in range(20)]
for link in waiting:
    link.sendall(whole)
half = [connect("listed.test") for _ in range(20)]
for i, link in enumerate(half, 1):
    flight = records(hello("listed.test"))
    link.sendall(flight[:len(flight) * i // 21])
open(sys.argv[1] + "/sent", "w").close()
heed("looked")
for link in waiting + half:
    assert silent(link), "it was answered"
open(sys.argv[1] + "/release", "w").close()
for link in waiting:
    got = answer(link)
    assert got == "hello", got
END_OF_AGENT
chmod 755 "$DIR"
agent $PYTHON "$DIR/agent.py" "$DIR" >"$DIR/agent.out" 2>&1 &
agent=$!
PIDS="$PIDS $agent"
await grep -q 'held 20' "$DIR/world-holding.log" || fail 'nobody was dialled'
await [ -e "$DIR/sent" ] || fail 'not all is sent'

# What the worker has done by now: ticks of the processor, and how often it
# woke up.
worked()
{
	pid=$(children $WORKER)
	awk '{ print $14 + $15 }' "/proc/$pid/stat"
	awk '/_ctxt_switches/ { n += $2 } END { print n }' "/proc/$pid/status"
}
worked >"$DIR/before"
sleep 1
worked >"$DIR/after"
paste "$DIR/before" "$DIR/after" | awk '
	NR == 1 && $2 - $1 > 10 { print $2 - $1 " ticks"; exit 1 }
	NR == 2 && $2 - $1 > 100 { print "woke up " $2 - $1 " times"; exit 1 }' ||
	fail 'to wait is work'
: >"$DIR/looked"
wait $agent || {
	cat "$DIR/agent.out" >&2
	fail 'the agent saw otherwise'
}
