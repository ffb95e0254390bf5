# Run in a machine of its own, a command is what it would be without it: its
# words, folder, streams, exit status, signals and terminal are its own; and
# what decides about it is out of its reach.
. "${0%/*}/qemu_lib.sh"

need python3
echo 'routes: []' >"$FOLDER/manifest.yaml"
ln -sf folder/manifest.yaml "$DIR/manifest.yaml"
(umask 077; echo TOKEN=hunter2hunter2 >"$FOLDER/secrets")

# Streams: everything arrives, in both directions, to the last byte.
head -c 3000000 /dev/urandom >"$DIR/in"
run --secrets "$FOLDER/secrets" --env WITNESS='a  b' -- sh -c '
	pwd >words; echo "$WITNESS" >>words; echo "$1" >>words
	tr -d "\000" </proc/cmdline >kernel-words
	cat secrets >stolen 2>/dev/null
	echo x 2>/dev/null >>manifest.yaml
	echo err >&2
	cat
	kill -SEGV $$' sh '$(x) *' <"$DIR/in"
[ "$status" = 139 ] || fail "status $status instead of 139"
cmp "$DIR/in" "$DIR/out" || fail 'bytes were lost'
expect '^err$' <"$DIR/gateway.log"
printf '%s\na  b\n$(x) *\n' "$FOLDER" | cmp - "$FOLDER/words" ||
	fail 'other words'
[ ! -s "$FOLDER/stolen" ] || fail 'the agent has read the secrets'
echo 'routes: []' | cmp - "$FOLDER/manifest.yaml" ||
	fail 'the agent has changed its manifest'
! grep -q hunter2 "$FOLDER/kernel-words" || fail 'a secret on a command line'

# A terminal: its size and what becomes of it, a signal from it and from
# outside, and what is left of it.
cat >"$DIR/terminal.py" <<'EOT'
import fcntl, os, pty, select, signal, struct, subprocess, sys, termios, time

ours, theirs = pty.openpty()

def resize(rows, columns):
    fcntl.ioctl(ours, termios.TIOCSWINSZ,
                struct.pack('HHHH', rows, columns, 0, 0))

def control():
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)

heard = b''
def await_word(word):
    global heard
    deadline = time.monotonic() + 60
    while word not in heard:
        if time.monotonic() > deadline:
            sys.exit(f'no {word!r} in {heard!r}')
        if select.select([ours], [], [], 1)[0]:
            heard += os.read(ours, 65536)
    heard = heard.split(word, 1)[1]

resize(33, 99)
before = termios.tcgetattr(theirs)
run = subprocess.Popen(sys.argv[2:] + ['sh', '-c', '''
    trap 'echo "has h""ung up"' HUP
    echo "is u""p"; stty size; tty; exec 3>&1
    while :; do read -r line && eval "$line"; done'''],
    stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL, preexec_fn=control)
await_word(b'is up')
await_word(b'33 99')
await_word(b'/dev/pts/')
assert termios.tcgetattr(theirs) != before
resize(44, 111)
run.send_signal(signal.SIGWINCH)
os.write(ours, b'until stty size | grep 111; do sleep 0.1; done\n')
await_word(b'44 111')
run.send_signal(signal.SIGHUP)
await_word(b'has hung up')
os.write(ours, b"(trap - INT; echo aw''ake; sleep 1000); echo slept $?\n")
await_word(b'awake')
os.write(ours, b'\x03')
if sys.argv[1] == 'end':
    await_word(b'^C')
    assert run.wait() == 130, run.returncode
else:
    run.kill()
    run.wait()
deadline = time.monotonic() + 20
while termios.tcgetattr(theirs) != before:
    assert time.monotonic() < deadline, 'the terminal is not what it was'
    time.sleep(0.05)
EOT
cat >"$DIR/sluice" <<EOT
#!/bin/sh
cd "$FOLDER"
export XDG_CACHE_HOME="$DIR/cache" XDG_RUNTIME_DIR="$DIR/runtime" TERM=xterm
export SLUICE_TEST="$DIR"
exec "$BIN/sluice" run --backend qemu --accel tcg $MEMORY \
	-m "$DIR/manifest.yaml" --audit "$DIR/audit.jsonl" \
	--resolver "$RESOLVER" -- "\$@"
EOT
chmod +x "$DIR/sluice"
for how in end kill; do
	python3 "$DIR/terminal.py" $how ip netns exec "$HOST" "$DIR/sluice" ||
		fail "the terminal, $how"
done
