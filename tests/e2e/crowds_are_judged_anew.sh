# When a new manifest is said to apply, a thousand live connections have been
# judged by it: those that it does not admit are reset by then, in every mode
# and stream by stream, and the others go on without a byte too few.
. "${0%/*}/crowd_lib.sh"

world_crowd
crowd 80
manifest "$(crowd_parts)"
crowd_has_parted
# Their origins have heard of the end of as many.
ended()
{
	[ "$(grep -c "^end $1" "$DIR/world-crowd.log")" -ge "$2" ]
}
await ended 9000 80 && await ended 9443 80 && await ended 9444 240 ||
	fail 'an origin was not told'
# Each has its line.
recorded()
{
	[ "$(grep '"reason":"policy_changed"' "$DIR/audit.jsonl" |
		grep '"event":"close"' | grep -c '"name":"goes.test"')" -eq 401 ]
}
await recorded || fail 'not all are in the record'
