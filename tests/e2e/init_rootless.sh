# Without root, in a user namespace where no other id exists: staying who one
# is works, with capabilities that were ambient; becoming another is refused.
. "${0%/*}/init_lib.sh"

unprivileged() {
	setpriv --reuid 65534 --regid 65534 --clear-groups unshare --user \
		--map-current-user --keep-caps --net --mount "$@"
}
unprivileged true 2>/dev/null || skip 'needs user namespaces'

mkfifo "$work/made" "$work/joined"
cat >"$work/gateway.sh" <<EOT
echo made >"$work/made"
read -r _ <"$work/joined"
ip link set gw0 up
ip addr add 10.77.0.1/24 dev gw0
exec python3 "$work/server.py" "$work/www" >/dev/null 2>&1
EOT
cat >"$work/rootless.sh" <<EOT
unshare --net sh "$work/gateway.sh" &
server=\$!
read -r _ <"$work/made"
ip link add eth0 type veth peer name gw0 netns \$server
ip link set eth0 up
ip addr add 10.77.0.2/24 dev eth0
echo joined >"$work/joined"
mount --bind "$work/etc/resolv.conf" /etc/resolv.conf
mount -t tmpfs none /run
status=0
"$init" --gateway 10.77.0.1 "\$@" || status=\$?
kill \$server
exit \$status
EOT
chmod 644 "$work/rootless.sh" "$work/gateway.sh"
chown 65534 "$work/made" "$work/joined" "$work/etc/resolv.conf"

start_rootless() {
	status=0
	unprivileged sh -e "$work/rootless.sh" "$@" \
		>"$work/out" 2>"$work/err" || status=$?
}

for user in '' nobody 65534:65534; do
	start_rootless ${user:+--user $user} -- sh -c \
		'grep ^Cap /proc/self/status; cat "$SSL_CERT_FILE"'
	[ "$status" = 0 ] || fail "status $status as ${user:-ourselves}"
	for set in Inh Prm Eff Bnd Amb; do
		expect "^Cap$set:	0000000000000000\$" <"$work/out"
	done
	expect 'BEGIN CERTIFICATE' <"$work/out"
done

for user in root 1000 65534:0; do
	start_rootless --user "$user" -- echo agent
	[ "$status" = 106 ] || fail "status $status as $user"
	expect '^sluice-init: privileges: cannot become user ' <"$work/err"
	! grep agent "$work/out" || fail "the agent ran as $user"
done
