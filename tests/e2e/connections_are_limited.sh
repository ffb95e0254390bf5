# One agent's TCP connections are limited, in rate and in number: what is above
# is reset at once and recorded, and what is below goes on working.
WORKERS=1 # each adds to the number
. "${0%/*}/lib.sh"

need python3
world_serves listed.test
manifest 'routes: [{host: listed.test}]'
agent $CURL https://listed.test/ | expect 'hello from listed.test'
v4=$(world_address listed.test)
v6=2606:2800:220:1::${v4##*.}
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
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
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

# As fast as it goes: the burst passes, and then not all. Each family for
# itself.
for address in $v4 $v6; do
	sleep 1.1 # a second has only so many lines
	in_agent python3 "$DIR/crowd.py" "$address" 6000 6000 >"$DIR/rate"
	read -r _ held _ refused _ first <"$DIR/rate"
	[ "$held" -ge 2000 ] || fail "$address: $(cat "$DIR/rate")"
	[ "$refused" -ge 100 ] || fail "$address: $(cat "$DIR/rate")"
	# The other limit is not it.
	[ "$first" -lt 4000 ] || fail "$address: $(cat "$DIR/rate")"
	audit_has '"event":"packet"' '"reason":"overloaded"' \
		'"protocol":"tcp"' "\"address\":\"$address\"" '"port":443'
done
audit_has '"reason":"overloaded"' '"agent":"10.77.0.2"'
audit_has '"reason":"overloaded"' '"agent":"fd73:6c75:6963:1::2"'
# Some have lines; the others have one for their number.
audit_has '"event":"packet"' '"detail":"at least [1-9][0-9]* more were not shown"'
sleep 3
agent $CURL https://listed.test/ | expect 'hello from listed.test'

# Below the rate: so many at once, and not one more. (The gateway gives each
# five seconds to say what it is.)
n=$(grep -c '"reason":"overloaded"' "$DIR/audit.jsonl")
_overloaded_again() { [ "$(grep -c '"reason":"overloaded"' \
	"$DIR/audit.jsonl")" -gt "$n" ]; }
for address in $v4 $v6; do
	in_agent python3 "$DIR/crowd.py" "$address" 6000 1900 stop >"$DIR/count"
	read -r _ held _ refused _ <"$DIR/count"
	case $(cat "$DIR/gateway.log") in
	*'cannot count connections'*) ;;
	*)
		[ "$refused" -eq 1 ] || fail "$address: $(cat "$DIR/count")"
		[ "$held" -ge 5000 ] && [ "$held" -le 5120 ] ||
			fail "$address: $(cat "$DIR/count")"
		;;
	esac
	await _overloaded_again || fail "$address: not recorded"
	n=$(grep -c '"reason":"overloaded"' "$DIR/audit.jsonl")
	agent $CURL https://listed.test/ | expect 'hello from listed.test'
done
