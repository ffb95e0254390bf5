# What an idle intercepted connection holds: an agent opens many, asks for
# something on each and leaves them alone; memory is what all processes of the
# gateway have then (Pss) beyond what they had before, and the descriptors are
# those of the workers. Then each is asked again: one that does not answer was
# lost.
#
#	SLUICE_BIN=build/release/bin sh tests/bench/idle.sh [CONNECTIONS [IDLE_S]]

CONNECTIONS=${1:-10000} IDLE_S=${2:-10}
. "${0%/*}/../e2e/lib.sh"
need dig
# The capture of all that is sent would take turns from those measured.
# shellcheck disable=SC2046
kill $(ip netns pids "$WORLD")
PIDS=

ulimit -n 20000
world_serves read.test
WORKERS=2
manifest 'routes: [{host: read.test}]'
agent sh -c 'cat "$NODE_EXTRA_CA_CERTS"' >"$DIR/ca"
ADDRESS=$(world_address read.test)
mkfifo "$DIR/again"

processes() { echo "$GATEWAY_PID" && pgrep -P "$GATEWAY_PID"; }

# Of all processes together, in KiB.
memory()
{
	for pid in $(processes); do
		awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup"
	done | awk '{ sum += $1 } END { print sum }'
}

descriptors()
{
	for pid in $(processes); do
		ls "/proc/$pid/fd"
	done | wc -l
}

in_agent dig +short @10.77.0.1 read.test >/dev/null
in_agent "$BIN/bench_http" -c "$DIR/ca" new "$ADDRESS" 443 read.test / 100 \
	>/dev/null
idle_kb=$(memory) idle_fds=$(descriptors)
in_agent dig +short @10.77.0.1 read.test >/dev/null
in_agent "$BIN/bench_http" -c "$DIR/ca" idle "$ADDRESS" 443 read.test / \
	"$CONNECTIONS" <"$DIR/again" >"$DIR/idle.out" 2>&1 &
client=$!
exec 8>"$DIR/again"
until grep -q open "$DIR/idle.out"; do
	kill -0 $client || fail "$(cat "$DIR/idle.out")"
	sleep 0.1
done
now_kb=$(memory) now_fds=$(descriptors)
sleep "$IDLE_S"
later_kb=$(memory) later_fds=$(descriptors)
echo again >&8
wait $client || fail "$(cat "$DIR/idle.out")"

echo '| idle for | KiB each | descriptors each | KiB in all | without any |'
echo '|---|---|---|---|---|'
awk -v n="$CONNECTIONS" -v kb="$idle_kb" -v fds="$idle_fds" \
	-v now_kb="$now_kb" -v now_fds="$now_fds" -v later_kb="$later_kb" \
	-v later_fds="$later_fds" -v idle_s="$IDLE_S" 'BEGIN {
		row = "| %d s | %.1f | %.2f | %d | %d |\n"
		printf row, 0, (now_kb - kb) / n, (now_fds - fds) / n, now_kb, kb
		printf row, idle_s, (later_kb - kb) / n,
			(later_fds - fds) / n, later_kb, kb
	}'
echo "$(tail -n 1 "$DIR/idle.out") answered again"
