# The host's orders: a terminal and its size, signals, and what is said when a
# step fails.
. "${0%/*}/vm_lib.sh"
. "${0%/*}/vm_agent_lib.sh"

manifest 'routes: []'
image stty tty

# A terminal of the size that was asked for, then of another.
OPTIONS='--terminal 33x99 xterm-test'
cat >"$DIR/script" <<'END'
trap 'stty size; exit 6' WINCH
stty size; tty; echo "$TERM"; ls -l "$(tty)"
echo waiting
while :; do sleep 0.1; done
END
background boot.log boot sh -c "$(cat "$DIR/script")"
boot=$!
await_machine grep -q waiting "$DIR/boot.log" || fail 'it does not run'
for line in '^33 99' '^/dev/pts/0' '^xterm-test' '^crw--w---- 1 agent'; do
	expect "$line" <"$DIR/boot.log"
done
echo 'size 50 100' >"$DIR/orders"
status=0
wait "$boot" || status=$?
[ $status -eq 6 ] || fail "status $status of a terminal"
expect '^50 100' <"$DIR/boot.log"

# The end of the input, by which a shell on a terminal ends too.
OPTIONS='--terminal 24x80 dumb'
printf 'echo $((40 + 2))\n' >"$DIR/in"
boots 0 sh <"$DIR/in"
expect 42 <"$DIR/out"

# A signal, and the status of what it ended; what is no order is passed over.
OPTIONS=
background boot.log boot sh -c 'echo waiting; while :; do sleep 0.1; done'
boot=$!
await_machine grep -q waiting "$DIR/boot.log" || fail 'it does not run'
printf 'signal\nsize 1\nsignal 99\n%0300d\nsignal 15\n' 0 >"$DIR/orders"
status=0
wait "$boot" || status=$?
[ $status -eq 143 ] || fail "status $status after SIGTERM"

# A step that fails says so to the host, on the console too, and all is off.
boots 127 /nowhere/program
expect '^sluice-init: exec: cannot run /nowhere/program: ' <"$DIR/err"
expect 'sluice-init: exec: cannot run /nowhere/program: ' <"$DIR/console"
[ "$(wc -l <"$DIR/err")" = 1 ] || fail 'it is said twice'
OPTIONS='--workdir /nowhere'
boots 125 id
expect '^sluice-init: workdir: cannot enter /nowhere: ' <"$DIR/err"
OPTIONS='--scratch /dev/vdz --timeout 1'
boots 125 id
expect '^sluice-init: root: no disk /dev/vdz: ' <"$DIR/err"
OPTIONS='--env =x'
boots 125 id
expect '^sluice-init: usage: --env =x ' <"$DIR/err"
! grep -q -E 'started|network' "$DIR/control" || fail 'it went on'
