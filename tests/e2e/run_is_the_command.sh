# Run behind the gateway, a command is what it would be without it: its words,
# folder, environment, streams, exit status and signals are its own.
. "${0%/*}/run_lib.sh"

run -- sh -c 'exit 7'
[ "$status" = 7 ] || fail "status $status instead of 7"
run -- sh -c 'kill -SEGV $$'
[ "$status" = 139 ] || fail "status $status instead of 139"
run -- /nonexistent/command
[ "$status" = 127 ] || fail "status $status instead of 127"

cd "$work"
WITNESS='a  b' run -- sh -c 'pwd; echo "$WITNESS"; echo "$1"' sh '$(x) *'
printf '%s\na  b\n$(x) *\n' "$work" | cmp - "$work/out" || fail 'other words'

echo in | run -- sh -c 'cat; echo err >&2'
expect '^in$' <"$work/out"
expect '^err$' <"$work/err"

# Descriptors that somebody forgot to close are not passed on; 3 is ls's own.
run -- ls -1 /proc/self/fd 7</dev/null 9</dev/null
printf '0\n1\n2\n3\n' | cmp - "$work/out" || fail 'descriptors were passed on'

# A signal to sluice is one to the command.
mkfifo "$work/up"
for signal in TERM HUP INT USR1; do
	"$sluice" run -m manifest.yaml --audit audit.jsonl \
		--resolver 192.0.2.53 -- sh -c "
		trap 'exit 42' $signal
		echo up >'$work/up'
		while :; do sleep 0.02; done" 2>"$work/err" &
	read -r _ <"$work/up"
	kill -"$signal" $!
	status=0
	wait $! || status=$?
	[ "$status" = 42 ] || fail "status $status after SIG$signal"
done
