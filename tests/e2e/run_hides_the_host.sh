# The agent sees the files of the host, but none of its sockets in /run, no
# device that matters, no process, and can change neither kernel settings nor
# its own manifest and record.
. "${0%/*}/run_lib.sh"

refuses() {
	run -- sh -c "$1"
	[ "$status" != 0 ] || fail "the agent can: $1"
}

run -- sh -c 'ls /run; ls /dev; ls -d /run/user/$(id -u)'
! grep -E 'docker|dbus|systemd|^kvm$|^mem$|^net$|^kmsg$' "$work/out" ||
	fail 'something of the host shows'
for name in null zero full random urandom tty ptmx pts shm fd stdin; do
	expect "^$name\$" <"$work/out"
done

run -- sh -c 'echo $$; ls -d /proc/[0-9]* | wc -l'
[ "$(tail -1 "$work/out")" -lt 8 ] || fail 'processes of the host show'

run -- stat -c %i /etc/hostname "$0"
stat -c %i /etc/hostname "$0" | cmp - "$work/out" || fail 'other files'

refuses "echo x >>'$work/manifest.yaml'"
refuses "echo x >>'$work/audit.jsonl'"
refuses "rm '$work/manifest.yaml'"
refuses 'echo 1 >/proc/sys/net/ipv4/ip_forward'
refuses 'echo x >/proc/sysrq-trigger'
refuses 'mkdir /sys/fs/x'
refuses 'umount /run'
refuses 'mount -t tmpfs none /mnt'
refuses 'ip link set eth0 down'
refuses 'grep -v 0000000000000000 /proc/self/status | grep ^Cap'

# TIOCSTI, which would type into the user's terminal: refused before the
# kernel looks whether there is a terminal at all.
run -- python3 -c '
import errno, fcntl
try:
	fcntl.ioctl(0, 0x5412, b"x")
except OSError as e:
	print(errno.errorcode[e.errno])' </dev/null
expect EPERM <"$work/out"
