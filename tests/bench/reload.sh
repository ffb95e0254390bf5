# How long a new manifest takes until it applies to what is open: an agent holds
# EACH connections of every kind to a name that stays and to one that goes, and
# streams of HTTP/2, all of them alive. Measured is the time from SIGHUP until
# the manifest is recorded to apply, when all that goes has been reset. As a
# Markdown table, a row a round. It asserts nothing but what its test does.
#
#	SLUICE_BIN=build/release/bin sh tests/bench/reload.sh [EACH [ROUNDS]]

# The libraries of the tests look beside $0.
if [ -z "${SLUICE_BENCH_RELOAD:-}" ]; then
	SLUICE_BENCH_RELOAD=1 exec sh -c 'script=$1; shift; . "$script"' \
		"${0%/*}/../e2e/bench" "$0" "$@"
fi
EACH=${1:-80} ROUNDS=${2:-3}
. "${0%/*}/crowd_lib.sh"
# The capture of all that is sent would take turns from what is measured.
# shellcheck disable=SC2046
kill $(ip netns pids "$WORLD")
PIDS=

world_crowd
echo '| connections and streams | reset | ms until all were judged |'
echo '|---|---|---|'
for round in $(seq "$ROUNDS"); do
	crowd "$EACH"
	read -r goes _ _ stays _ <"$DIR/crowd.out"
	crowd_parts >"$DIR/manifest.yaml"
	before=$(grep -c '"event":"reload"' "$DIR/audit.jsonl" || :)
	# The clock of the record, and nothing between it and the signal.
	begun=$($PYTHON -c "import os, time
print(time.monotonic_ns() // 1000000)
os.kill($GATEWAY_PID, 1)")
	await _gateway_reloaded "$before" || fail 'no reload'
	ended=$(grep '"event":"reload"' "$DIR/audit.jsonl" | tail -n 1 |
		grep -o '"mono_ms":[0-9]*' | cut -d: -f2)
	crowd_has_parted
	echo "| $((goes + stays)) | $goes | $((ended - begun)) |"
done
