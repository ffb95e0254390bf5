# However a run of machines ends, also by a signal that nobody can catch, and at
# any moment, nothing is left of it: no process, no file, no secret.
. "${0%/*}/qemu_lib.sh"

echo 'routes: []' >"$DIR/manifest.yaml"
(umask 077; echo TOKEN=hunter2hunter2 >"$DIR/secrets")

nothing_runs() { [ -z "$(leftovers)" ]; }
nothing_is_left()
{
	await nothing_runs || fail "$1: still running: $(leftovers | xargs ps -fp)"
	[ -z "$(find "$DIR/runtime" ! -type d)" ] ||
		fail "$1: left: $(find "$DIR/runtime")"
	! grep -r -q -F hunter2 "$DIR/runtime" "$DIR/cache" ||
		fail "$1: the secret is left"
	# What may be thrown away, of each kind one, is all.
	[ "$(find "$DIR/cache" -type f | sed 's|.*/||; s|-[0-9a-f]*$||' | sort |
		uniq -d)" = '' ] || fail "$1: the cache grows: $(ls -R "$DIR/cache")"
}

begin()
{
	rm -f "$FOLDER/up"
	background gateway.log sluice_run --secrets "$DIR/secrets" -- \
		sh -c 'echo >up; exec sleep 1000'
	LAUNCHER=
	await launcher_is_there || fail 'sluice did not start'
}
launcher_is_there()
{
	for pid in $(leftovers); do
		[ "$(readlink "/proc/$pid/exe")" = "$(realpath "$BIN/sluice")" ] &&
			[ -z "$LAUNCHER" ] && LAUNCHER=$pid
	done
	[ -n "$LAUNCHER" ]
}
machines() { [ "$(leftovers | xargs -I% cat /proc/%/comm 2>/dev/null |
	grep -c qemu)" -ge "$1" ]; }
is_up() { [ -e "$FOLDER/up" ]; }

begin
kill -KILL "$LAUNCHER"
nothing_is_left 'killed at once'

begin
await machines 1 || fail 'no machine'
kill -KILL "$LAUNCHER"
nothing_is_left 'killed with one machine'

begin
await is_up || await is_up || await is_up || await is_up || fail 'not up'
# No secret is where other users of the host could look.
for pid in $(leftovers); do
	! grep -q hunter2 "/proc/$pid/cmdline" "/proc/$pid/environ" ||
		fail "a secret on a command line"
done
kill -KILL "$LAUNCHER"
nothing_is_left 'killed while the command ran'

begin
await is_up || await is_up || await is_up || await is_up || fail 'not up'
kill -TERM "$LAUNCHER"
nothing_is_left 'ended by a signal'
