# After sluice-init the agent has no privilege over the machine's network, and
# no way back to one: as root, as a user, by setuid programs, or in a user
# namespace of its own.
. "${0%/*}/init_lib.sh"

raw='import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)'
packet='import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3)'

# Root's own programs, open to every user. The interpreter has to be a file
# of its own, not a wrapper.
cp "$(command -v ip)" "$work/suid-ip"
cp "$(readlink -f "$(python3 -c 'import sys; print(sys.executable)')")" \
	"$work/suid-python"
chmod 4755 "$work/suid-ip" "$work/suid-python"

# What is going to be refused does work before, so that the refusals below
# are sluice-init's.
as_nobody='setpriv --reuid 65534 --regid 65534 --clear-groups'
on_machine ip link set eth0 up
on_machine $as_nobody "$work/suid-ip" route replace default via 10.77.0.1 ||
	skip 'the folder for temporary files has no setuid programs'
on_machine python3 -c "$raw"
on_machine python3 -c "$packet"

cat >"$work/agent.sh" <<EOT
grep -E '^(Cap|NoNewPrivs)' /proc/self/status
try() {
	if "\$@" >/dev/null 2>"$work/why"; then
		echo "WORKED \$*"
	else
		echo "refused \$*"
	fi
}
: >"$work/why"
try ip route replace default via 10.77.0.9
try ip route add 192.0.2.0/24 dev eth0
try ip link set eth0 down
try ip addr add 10.77.0.3/24 dev eth0
try python3 -c '$raw'
try python3 -c '$packet'
try "$work/suid-ip" route replace default via 10.77.0.9
try "$work/suid-ip" link set eth0 down
try unshare -Ur ip route replace default via 10.77.0.9
try unshare -Ur python3 -c '$raw'
try unshare -Ur python3 -c '$packet'
try unshare -Ur "$work/suid-ip" link set eth0 down
echo end
EOT
touch "$work/why"
chmod 666 "$work/why"

for user in '' root nobody 65534:65534; do
	started ${user:+--user $user} -- sh "$work/agent.sh"
	for set in Inh Prm Eff Bnd Amb; do
		expect "^Cap$set:	0000000000000000\$" <"$work/out"
	done
	expect '^NoNewPrivs:	1$' <"$work/out"
	! grep WORKED "$work/out" || fail "as ${user:-ourselves}"
	[ "$(grep -c '^refused' "$work/out")" = 12 ] || fail 'not all tried'
	expect '^end$' <"$work/out"
done

# The ids are the user's in all places, and so are the groups.
started --user nobody -- sh -c 'grep -E "^(Uid|Gid|Groups)" /proc/self/status'
expect '^Uid:	65534	65534	65534	65534$' <"$work/out"
expect '^Gid:	65534	65534	65534	65534$' <"$work/out"
expect '^Groups:	 *$' <"$work/out"
