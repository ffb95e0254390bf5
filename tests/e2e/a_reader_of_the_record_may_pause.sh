# The record may go to a pipe. While its reader does not read, nothing new is
# admitted, as soon as the pipe is full and before all else that could hold
# lines is; when it reads again all works, and no line is missing or cut.
. "${0%/*}/lib.sh"

need python3 mkfifo
world_serves listed.test
mkfifo "$DIR/audit.jsonl"
background record cat "$DIR/audit.jsonl"
READER=$!
manifest 'routes: [{host: listed.test}]'
agent $CURL https://listed.test/ | expect 'hello from listed.test'
await grep -q '"name":"listed.test"' "$DIR/record" || fail 'there is no record'

# A line has some 300 bytes, and the pipe room for 64 thousand.
cat >"$DIR/ask.py" <<'END'
import socket
for number in range(600):
    question = b"\0\1\1\0\0\1\0\0\0\0\0\0\x04" + b"%04d" % number + \
        b"\x08unlisted\4test\0\0\1\0\1"
    asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asking.settimeout(0.5)
    asking.sendto(question, ("10.77.0.1", 53))
    try:
        asking.recv(512)
    except OSError:
        pass
END
kill -STOP "$READER"
agent python3 "$DIR/ask.py"
refuses() { ! agent $CURL https://listed.test/ | grep -q hello; }
await refuses || fail 'what cannot be recorded is admitted'
await grep -q 'audit: cannot write, so nothing new is admitted' \
	"$DIR/gateway.log" || fail 'the log does not say so'
kill -CONT "$READER"
takes() { agent $CURL https://listed.test/ | grep -q hello; }
await takes || fail 'it never recovers'

kill -TERM "$GATEWAY_PID"
wait "$GATEWAY_PID" || fail 'it does not end well'
GATEWAY_PID=
wait "$READER"
python3 - "$DIR/record" <<'END' || fail 'the record has a gap'
import json, sys
numbers = [json.loads(line)["seq"] for line in open(sys.argv[1])]
assert numbers == list(range(1, len(numbers) + 1)), numbers
END
