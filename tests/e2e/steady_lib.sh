# steady_lib.sh - connections that stay open, and the gateway's processes
#
# For the tests that take something away under way. It brings lib.sh along.
. "${0%/*}/lib.sh"

PYTHON=/usr/bin/python3
need $PYTHON nft
HERE=$(cd "${0%/*}" && pwd)

# A test that stops the gateway's first process may fail before it goes on.
trap 'at_end=$?; set +e; kill -CONT "${GATEWAY_PID:-$$}"; (exit $at_end); _end' \
	EXIT

# world_steadies NAME...: world_serves, and on top a TLS server on 9443, an HTTP
# server on 9080 and a line server on 9000, which never stop by themselves.
world_steadies()
{
	world_serves "$@"
	world_certificate steady "$@"
	background steady.out in_world $PYTHON "$HERE/steady.py" serve \
		"$DIR/world-steady.log" "$DIR/steady.pem" "$DIR/steady.key"
	await grep -q serving "$DIR/world-steady.log" ||
		fail 'the steady server did not start'
}

# hold WHICH:KIND:NAME...: the agent opens such connections and keeps them; WHICH
# is what the test calls it from then on. Returns when the first bytes came. One
# after the other: two sluice-init at once would undo each other's network.
hold()
{
	for what; do
		rest=${what#*:} what=${what%%:*}
		agent $PYTHON "$HERE/steady.py" hold "${rest%%:*}" "${rest#*:}" \
			"$DIR/held-$what" "$DIR/world-ca.pem" \
			>"$DIR/held-$what.out" 2>&1 </dev/null &
		PIDS="$PIDS $!"
		await grep -q tick "$DIR/held-$what" || {
			cat "$DIR/held-$what" "$DIR/held-$what.out" >&2
			fail "the connection $what did not come to be"
		}
	done
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
	background resets.log in_agent tcpdump -i eth0 --immediate-mode \
		-Q in -l -n \
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

# tries TRACE NAME...: what is left to an agent when the gateway is not there, as
# root of its machine, with every capability and without sluice-init. Nothing
# may come back; the world would see TRACE.
tries()
{
	trace=$1
	shift
	for name; do
		at=$(world_address "$name")
		set -- "$@" "$at" "2606:2800:220:1::${at##*.}"
		shift
	done
	in_agent $PYTHON "$HERE/tries.py" "$trace" "$name" "$@" \
		>"$DIR/tries" 2>&1 || {
		cat "$DIR/tries" >&2
		fail "the agent got something back: $trace"
	}
}
