# When one of the gateway's processes is killed, be it a worker, the signer or
# the one that writes the record, the rest go with it: what was open ends,
# nothing new gets out. Then all is whole again by itself.
. "${0%/*}/steady_lib.sh"

WORKERS=2
DEATHS_EXPECTED=yes
world_steadies listed.test raw.test
manifest 'routes:
  - {host: listed.test, ports: [80, 443, 9443]}
  - {host: raw.test, ports: 9000, tls: none}'

# Kills that process and keeps PID 1 from starting others, so that what there
# is in between lasts as long as it takes to look at it. PID 1 may be quicker
# than we are; it waits longer before each new start.
deaths=0
kill_and_hold()
{
	rounds=8
	while :; do
		victim=$(children "$1" | sed -n "${2}p")
		[ -n "$victim" ] || fail "no process of user $1"
		deaths=$((deaths + 1))
		kill -KILL "$victim"
		await [ ! -e "/proc/$victim" ] || fail 'it lives on'
		kill -STOP "$GATEWAY_PID"
		await grep -q '^State:	T' "/proc/$GATEWAY_PID/status"
		no_children && return
		kill -CONT "$GATEWAY_PID"
		await whole_again $deaths || fail 'it is not whole again'
		rounds=$((rounds - 1))
		[ $rounds -gt 0 ] || fail 'PID 1 is never seen alone'
	done
}

ended_at_the_world()
{
	[ "$(grep -c '^end ' "$DIR/world-steady.log")" -ge "$1" ]
}

# round NAME USER NTH: the death of one of them.
round()
{
	# As a user without capabilities, whose connections are open.
	hold "$1-tls:keep:listed.test" "$1-download:get:listed.test" \
		"$1-raw:line:raw.test"
	goes_on "$1-tls" "$1-download" "$1-raw"

	kill_and_hold "$2" "$3"
	# The rest are gone, though nothing but its parent told them to be.
	no_children || fail 'there are others'
	has_ended "$1-tls" "$1-download" "$1-raw"
	# All that the world hears is that connections end.
	await ended_at_the_world $((ended + 3)) || fail 'origins not told'
	ended=$((ended + 3))
	before=$(world_settled)
	tries "gap-$1" listed.test raw.test
	[ "$(world_packets)" -eq "$before" ] ||
		fail "something got out without the $1"
	world_heard_nothing_of "gap-$1"

	kill -CONT "$GATEWAY_PID"
	await whole_again $deaths || fail 'it is not whole again'
	agent $CURL https://listed.test/ | expect 'hello from listed.test'
	agent $CURL https://unlisted.test/ | expect name_not_listed
	audit_has '"event":"restart"'
}

ended=0
round worker-1 $WORKER 1
round worker-2 $WORKER 2
round signer $SIGNER 1
round audit $AUDIT 1

[ "$(grep -c '"event":"restart"' "$DIR/audit.jsonl")" -eq $deaths ] ||
	fail 'not every restart is on record'
world_heard_nothing_of unlisted
# Its lines are numbered on, whoever wrote them. What was lost with a process
# leaves a gap, and no number comes twice.
$PYTHON - "$DIR/audit.jsonl" <<'END' || fail 'the record is not sound'
import json, sys
with open(sys.argv[1]) as file:
    numbers = [json.loads(line)["seq"] for line in file]
assert numbers[0] == 1, numbers[0]
assert all(a < b for a, b in zip(numbers, numbers[1:])), numbers
END
