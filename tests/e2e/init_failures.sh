# A step that fails says why in one line, with a status of its own, and the
# agent does not run.
. "${0%/*}/init_lib.sh"

# Its status is $1, it says $2, and nothing was started.
fails() {
	wanted=$1
	says=$2
	shift 2
	start "$@" -- sh -c 'echo agent'
	[ "$status" = "$wanted" ] || fail "status $status, not $wanted: $*"
	expect "$says" <"$work/err"
	[ "$(wc -l <"$work/err")" = 1 ] || fail "more than one line: $*"
	! grep -q agent "$work/out" || fail "the agent ran: $*"
}

cp "$work/etc/bundle" "$work/bundle"
started -- echo agent
expect '^agent$' <"$work/out"

fails 64 '^sluice-init: usage: --gateway 10.77.0.300 ' --gateway 10.77.0.300
fails 64 '^sluice-init: usage: --gateway 127.0.0.1 ' --gateway 127.0.0.1
fails 64 '^sluice-init: usage: --gateway6 ::1 ' --gateway6 ::1
fails 64 '^sluice-init: usage: --gateway6 fe80::1 ' --gateway6 fe80::1
fails 64 '^sluice-init: usage: --interface ../all ' --interface ../all
fails 64 '^sluice-init: usage: --timeout 0 ' --timeout 0
fails 64 '^sluice-init: usage: --timeout 1s ' --timeout 1s
start --no-such-option -- echo agent
[ "$status" = 64 ] || fail "status $status of an unknown option"
start
[ "$status" = 64 ] || fail "status $status without a command"

fails 102 '^sluice-init: network: eth7 does not exist$' \
	--interface eth7 --timeout 1
fails 101 '^sluice-init: gateway: 10.77.0.9 did not answer: ' \
	--gateway 10.77.0.9 --timeout 1
fails 105 '^sluice-init: user: there is no user nosuchuser$' --user nosuchuser
fails 105 '^sluice-init: user: there is no user 4294967295$' --user 4294967295
fails 108 '^sluice-init: workdir: cannot enter /nowhere: ' --workdir /nowhere

start -- /nowhere/agent
[ "$status" = 127 ] || fail "status $status of a missing command"
expect '^sluice-init: exec: cannot run /nowhere/agent: No such file' \
	<"$work/err"
start -- /etc/passwd
[ "$status" = 126 ] || fail "status $status of a file that is no program"

# The agent's own status comes through.
start -- sh -c 'exit 42'
[ "$status" = 42 ] || fail "status $status instead of the agent's"

# The resolver's file cannot be written, not even by root.
cp "$work/mounts" "$work/mounts.good"
sed -i 's,^exec,mount -o remount\,bind\,ro /etc/resolv.conf\n&,' "$work/mounts"
fails 103 '^sluice-init: resolver: cannot write /etc/resolv.conf: Read-only'
cp "$work/mounts.good" "$work/mounts"

# Neither a bundle nor a folder can be written. A bundle that has the CA
# already would do, so it is put back to what it was.
cp "$work/bundle" "$work/etc/bundle"
sed -i 's,^exec,mount -o remount\,bind\,ro \\\
	/etc/ssl/certs/ca-certificates.crt\
for folder in /run /dev/shm /tmp; do\
	mount -t tmpfs -o ro none $folder\
done\
&,' "$work/mounts"
# The program is still to be found if it is built below /tmp.
cp "$init" "$work/etc/init"
sed -i '1i exec 9<"$WORK/etc/init"' "$work/mounts"
real_init=$init
init=/proc/self/fd/9
fails 104 '^sluice-init: trust: no bundle and no folder is writable: '
init=$real_init
cp "$work/mounts.good" "$work/mounts"

# Without the capability to drop the rest, the agent would keep some.
status=0
on_machine setpriv --bounding-set -setpcap "$init" --gateway "$gateway" \
	-- echo agent >"$work/out" 2>"$work/err" || status=$?
[ "$status" = 106 ] || fail "status $status without CAP_SETPCAP"
expect '^sluice-init: privileges: cannot drop ' <"$work/err"
[ ! -s "$work/out" ] || fail 'the agent ran without CAP_SETPCAP'

# What the gateway hands out is one certificate, or nothing is done with it.
cat "$work/ca.pem" "$work/ca.pem" >"$work/two.pem"
{ cat "$work/ca.pem"; echo more; } >"$work/more.pem"
cp "$work/ca.key" "$work/key.pem"
head -n 3 "$work/ca.pem" >"$work/cut.pem"
: >"$work/empty.pem"
cp "$work/bundle" "$work/etc/bundle"
for bad in two more key cut empty; do
	hand_out "$work/$bad.pem"
	fails 104 '^sluice-init: trust: what the gateway sent is not one cert'
done
cmp "$work/bundle" "$work/etc/bundle" || fail 'a bad one was trusted'

rm "$work/www/.well-known/sluice/ca.pem"
fails 101 '^sluice-init: gateway: 10.77.0.1 sent no certificate: ' --timeout 3
