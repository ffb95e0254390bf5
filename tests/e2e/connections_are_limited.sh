# One agent's TCP connections are limited, in rate and in number: what is above
# is reset at once and recorded, and what is below goes on working.
. "${0%/*}/lib.sh"

need python3
world_serves listed.test
manifest 'routes: [{host: listed.test}]'
agent $CURL https://listed.test/ | expect 'hello from listed.test'
address=$(world_address listed.test)
cat >"$DIR/crowd.py" <<'END'
import resource, socket, sys, time

resource.setrlimit(resource.RLIMIT_NOFILE, (16384, 16384))
address, most, fast = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
held, refused, first = [], 0, 0

def is_refused(s):
    return s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0

start = time.monotonic()
# The kernels answer before connect() returns: all this is one machine.
for i in range(most):
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex((address, 443))
    if is_refused(s):
        refused += 1
        first = first or i
        s.close()
        if len(sys.argv) > 4:
            break
    else:
        held.append(s)
    while i >= fast + 900 * (time.monotonic() - start):
        time.sleep(0.0005)
print("held", len(held), "refused", refused, "first", first)
END

# As fast as it goes: the burst passes, and then not all.
in_agent python3 "$DIR/crowd.py" "$address" 6000 6000 >"$DIR/rate"
read -r _ held _ refused _ first <"$DIR/rate"
[ "$held" -ge 2000 ] || fail "$(cat "$DIR/rate")"
[ "$refused" -ge 100 ] || fail "$(cat "$DIR/rate")"
# The other limit is not it.
[ "$first" -lt 4000 ] || fail "$(cat "$DIR/rate")"
audit_has '"event":"packet"' '"reason":"overloaded"' '"protocol":"tcp"' \
	'"agent":"10.77.0.2"' "\"address\":\"$address\"" '"port":443'
# Some have lines; the others have one for their number.
audit_has '"event":"packet"' '"detail":"at least [1-9][0-9]* more were not shown"'
sleep 3
agent $CURL https://listed.test/ | expect 'hello from listed.test'

# Below the rate: so many at once, and not one more. (The gateway gives each
# five seconds to say what it is.)
n=$(grep -c '"reason":"overloaded"' "$DIR/audit.jsonl")
in_agent python3 "$DIR/crowd.py" "$address" 6000 1900 stop >"$DIR/count"
read -r _ held _ refused _ <"$DIR/count"
case $(cat "$DIR/gateway.log") in
*'cannot count connections'*) ;;
*)
	[ "$refused" -eq 1 ] || fail "$(cat "$DIR/count")"
	[ "$held" -ge 4000 ] && [ "$held" -le 4096 ] || fail "$(cat "$DIR/count")"
	;;
esac
_overloaded_again() { [ "$(grep -c '"reason":"overloaded"' \
	"$DIR/audit.jsonl")" -gt "$n" ]; }
await _overloaded_again || fail 'not recorded'
agent $CURL https://listed.test/ | expect 'hello from listed.test'
