# steady.sh - connections that stay open, and the gateway's processes
#
# For the tests that take something away under way. It brings lib.sh along.
. "${0%/*}/lib.sh"

PYTHON=/usr/bin/python3
need $PYTHON nft
HERE=$(cd "${0%/*}" && pwd)

# world_steadies NAME...: world_serves, and on top a TLS server on 9443, an HTTP
# server on 9080 and a line server on 9000, which never stop by themselves.
world_steadies()
{
	world_serves "$@"
	chown 0:0 "$DIR" # nginx gave it to its own user
	world_certificate steady "$@"
	background steady.out in_world $PYTHON "$HERE/steady.py" serve \
		"$DIR/world-steady.log" "$DIR/steady.pem" "$DIR/steady.key"
	await grep -q serving "$DIR/world-steady.log" ||
		fail 'the steady server did not start'
}

# hold WHICH KIND NAME: the agent opens that connection and keeps it; WHICH is
# what the test calls it from then on. Returns when the first bytes came.
hold()
{
	agent $PYTHON "$HERE/steady.py" hold "$2" "$3" "$DIR/held-$1" \
		"$DIR/world-ca.pem" >"$DIR/held-$1.out" 2>&1 </dev/null &
	PIDS="$PIDS $!"
	await grep -q tick "$DIR/held-$1" || {
		cat "$DIR/held-$1" "$DIR/held-$1.out" >&2
		fail "the connection $1 did not come to be"
	}
}

_ticked()
{
	[ "$(grep -c tick "$DIR/held-$1")" -gt "$2" ]
}

goes_on()
{
	for which; do
		await _ticked "$which" \
			"$(($(grep -c tick "$DIR/held-$which") + 1))" || {
			tail -n 1 "$DIR/held-$which" >&2
			fail "the connection $which does not go on"
		}
	done
}

has_ended()
{
	for which; do
		await grep -q ended "$DIR/held-$which" ||
			fail "the connection $which goes on"
	done
}

# The resets that arrive at the agent, from here on.
agent_listens()
{
	background resets.log in_agent tcpdump -i eth0 -Q in -l -n \
		'tcp[13] & 4 != 0 or (ip6[6] = 6 and ip6[53] & 4 != 0)'
	await grep -q listening "$DIR/resets.log" || fail 'tcpdump did not start'
}

# was_reset NAME PORT: the agent's connection to there was, in either family.
was_reset()
{
	n=$(world_address "$1")
	await grep -q "[.:]${n##*.}\\.$2 >.*\\[R" "$DIR/resets.log" ||
		fail "$1 was not reset"
}

# --- the gateway's processes ---

# Their users are isolate.c's.
SIGNER=64231 WORKER=64232 AUDIT=64233

# children [USER]: the process ids.
children()
{
	for pid in $(cat "/proc/$GATEWAY_PID/task/$GATEWAY_PID/children" \
		2>/dev/null); do
		user=$(awk '/^Uid/ { print $2 }' "/proc/$pid/status" \
			2>/dev/null) || continue
		[ -n "${1:-}" ] && [ "$user" != "$1" ] || echo "$pid"
	done
}

no_children()
{
	[ -z "$(cat "/proc/$GATEWAY_PID/task/$GATEWAY_PID/children")" ]
}

whole_again()
{
	[ "$(grep -c 'whole again' "$DIR/gateway.log")" -ge "$1" ]
}

# died N: so many deaths of the gateway's children are in its log, and no more.
died()
{
	seen=$(grep -c 'ended: ' "$DIR/gateway.log" || true)
	[ "$seen" -eq "$1" ] || fail "$seen of the processes died, not $1"
}
