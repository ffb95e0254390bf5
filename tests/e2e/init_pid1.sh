# As PID 1 it stays: reaps, passes signals on, ends with the agent's status
# and takes everything along.
. "${0%/*}/init_lib.sh"

# As start, and sluice-init is PID 1 of a namespace of its own.
boot() {
	status=0
	on_machine unshare --pid --fork --kill-child --mount-proc \
		"$init" --gateway "$gateway" "$@" \
		>"$work/out" 2>"$work/err" || status=$?
}

boot -- sh -c 'exit 42'
[ "$status" = 42 ] || fail "status $status instead of 42"
boot -- sh -c 'kill -9 $$'
[ "$status" = 137 ] || fail "status $status instead of 128+9"
boot -- /nowhere/agent
[ "$status" = 127 ] || fail "status $status of a missing command"
expect '^sluice-init: exec: cannot run /nowhere/agent: ' <"$work/err"
boot --user nobody --workdir / -- sh -c 'pwd; id -u; echo $$'
expect '^/$' <"$work/out"
expect '^65534$' <"$work/out"

# PID 1 has nothing either, but the right to send signals to another user.
boot -- grep -E '^(Cap|NoNewPrivs|Uid)' /proc/1/status
for set in Inh Prm Eff Bnd Amb; do
	expect "^Cap$set:	0000000000000000\$" <"$work/out"
done
expect '^NoNewPrivs:	1$' <"$work/out"
boot --user nobody -- sh -c 'grep -E "^Cap" /proc/1/status /proc/self/status'
expect '^/proc/1/status:CapEff:	0000000000000020$' <"$work/out"
expect '^/proc/1/status:CapBnd:	0000000000000000$' <"$work/out"
expect '^/proc/self/status:CapEff:	0000000000000000$' <"$work/out"

# Orphans become PID 1's children, and no zombie stays. The agent's own
# status is not confused with theirs.
boot -- python3 -c '
import os, sys
r, w = os.pipe()
if os.fork() == 0:
    for i in range(50):
        if os.fork() == 0:
            os.read(r, 1)
            os._exit(7)
    os._exit(0)
os.wait()
orphans = [p for p in os.listdir("/proc") if p.isdigit() and
           open(f"/proc/{p}/stat").read().rsplit(")", 1)[1].split()[1] == "1"
           and int(p) != os.getpid()]
assert len(orphans) == 50, orphans
os.write(w, b"x" * 50)
while any(os.path.exists(f"/proc/{p}") for p in orphans):
    pass
sys.exit(5)'
[ "$status" = 5 ] || fail "status $status with orphans"

# Signals that are sent to PID 1 reach the agent, also when it is another
# user.
cat >"$work/agent.py" <<'END'
import os, signal, sys
wanted = [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH,
          signal.SIGINT, signal.SIGQUIT, signal.SIGTERM]
signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
print("ready", flush=True)
for _ in wanted:
    print(signal.Signals(signal.sigwait(wanted)).name, flush=True)
sys.exit(9)
END
for user in root nobody; do
	mkfifo "$work/said"
	on_machine unshare --pid --fork --kill-child --mount-proc \
		"$init" --gateway "$gateway" --user $user \
		-- python3 "$work/agent.py" >"$work/said" 2>"$work/err" &
	booted=$!
	exec 3<"$work/said"
	read -r line <&3
	[ "$line" = ready ] || fail "said $line"
	pid1=
	for pid in $(in_ns agent sh -c 'ip netns pids "$0"' "$tag-agent"); do
		case $(readlink "/proc/$pid/exe") in
		*/sluice-init) pid1=$pid ;;
		esac
	done
	for sig in HUP USR1 USR2 WINCH INT QUIT TERM; do
		kill -$sig "$pid1"
		read -r line <&3
		[ "$line" = SIG$sig ] || fail "$line came for $sig"
	done
	exec 3<&-
	status=0
	wait $booted || status=$?
	[ "$status" = 9 ] || fail "status $status after the signals"
	rm "$work/said"
done

# What the terminal sends to the group comes once. It would come twice if it
# were passed on.
cat >"$work/terminal.py" <<'END'
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
said = b""
typed = False
while True:
    try:
        got = os.read(terminal, 4096)
    except OSError:
        break
    if not got:
        break
    said += got
    if b"ready" in said and not typed:
        typed = True
        os.write(terminal, b"\x03")
print(said.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
cat >"$work/count.py" <<'END'
import os, signal
wanted = [signal.SIGINT, signal.SIGUSR1]
signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
print("ready", flush=True)
signal.sigwait([signal.SIGINT])
# What PID 1 has to pass on, it does before what is sent to it later.
os.kill(1, signal.SIGUSR1)
signal.sigwait([signal.SIGUSR1])
print("interrupts", 1 + (signal.SIGINT in signal.sigpending()), flush=True)
END
status=0
on_machine python3 "$work/terminal.py" unshare --pid --fork --kill-child \
	--mount-proc "$init" --gateway "$gateway" -- python3 "$work/count.py" \
	>"$work/out" 2>"$work/err" || status=$?
[ "$status" = 0 ] || fail "status $status in a terminal"
expect 'interrupts 1[^0-9]*$' <"$work/out"

# What the agent leaves behind ends with it.
boot -- sh -c 'sleep 1000 & setsid sleep 1000 & exit 3'
[ "$status" = 3 ] || fail "status $status with processes left"
[ -z "$(ip netns pids "$tag-agent")" ] || fail 'processes are left'
