# What the tests of whole machines share: lib.sh's world, with the gateway's
# namespace for a host, whose user runs sluice. Its machines are real ones, of
# qemu's, emulated, so that a test boots as few of them as it can.
. "${0%/*}/lib.sh"

HOST=$GATEWAY
FOLDER=$DIR/folder # where sluice is run
mkdir "$FOLDER" "$DIR/cache" "$DIR/runtime"
RESOLVER=93.184.216.53
# A gateway with sanitizers needs more than the 128 MiB that do.
MEMORY=
grep -q __asan_init "$BIN/sluice-gateway" && MEMORY='--gateway-memory 768'

in_host()
{
	env -C "$FOLDER" ip netns exec "$HOST" env XDG_CACHE_HOME="$DIR/cache" \
		XDG_RUNTIME_DIR="$DIR/runtime" SLUICE_TEST="$DIR" "$@"
}

# The command line of a run, but for the command.
sluice_run()
{
	in_host "$BIN/sluice" run --backend qemu --accel tcg $MEMORY \
		-m "$DIR/manifest.yaml" --audit "$DIR/audit.jsonl" \
		--trust "$DIR/world-ca.pem" --resolver "$RESOLVER" "$@"
}

# Output, errors and exit status of a run: in $DIR/out, $DIR/gateway.log, and
# $status.
run()
{
	status=0
	sluice_run "$@" >"$DIR/out" 2>"$DIR/gateway.log" || status=$?
}

# Processes of this test's runs, whoever their parents are now.
leftovers()
{
	for process in /proc/[0-9]*; do
		cat "$process/environ" 2>/dev/null | tr '\0' '\n' |
			grep -q -x -F "SLUICE_TEST=$DIR" &&
			echo "${process#/proc/}"
	done
	:
}

: >"$DIR/gateway.log"
: >"$DIR/audit.jsonl"
[ "$(uname -m)" = x86_64 ] && EMULATOR=qemu-system-x86_64 ||
	EMULATOR=qemu-system-aarch64
need "$EMULATOR"
in_host "$BIN/sluice" doctor | grep -A1 '^qemu' >"$DIR/doctor" || :
grep -q ready "$DIR/doctor" || skip "no machines here: $(tail -n 1 "$DIR/doctor")"
_world_ca
