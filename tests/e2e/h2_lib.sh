# h2_lib.sh - peers_lib.sh with origins that speak HTTP/2: h2_peer.py's

. "${0%/*}/peers_lib.sh"

# Debian's, whose h2 it is, whatever other Python stands before it.
PYTHON=/usr/bin/python3
$PYTHON -c 'import h2' 2>/dev/null || skip 'no h2 for Python on this machine'

# world_h2 [STREAMS] -- NAME...: each with an address and a certificate, all of
# them served by h2_peer.py, which takes so many streams of a connection.
world_h2()
{
	streams=
	[ "$1" = -- ] || streams=$1
	while [ "$1" != -- ]; do
		shift
	done
	shift
	world_certificate unnamed unnamed.test
	for name; do
		_world_name "$name"
		world_certificate "$name" "$name"
	done
	background world-h2.log in_world $PYTHON "$here/h2_peer.py" "$DIR" \
		$streams
	await grep -q 'listening 443' "$DIR/world-h2.log" &&
		await grep -q 'listening 80' "$DIR/world-h2.log" ||
		fail 'the origins did not start'
}

# agent_does_h2: a Python program from standard input, as the agent.
agent_does_h2()
{
	cat >"$DIR/agent.py"
	agent $PYTHON "$DIR/agent.py" "$@" || {
		tail -n 30 "$DIR/world-h2.log" >&2
		fail 'the agent saw otherwise'
	}
}
