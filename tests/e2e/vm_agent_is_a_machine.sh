# sluice-init as the first process of a virtual machine: it finds its card by
# hardware address, joins image and scratch, sets the machine up behind the
# gateway, and runs the command with the host's streams and nothing else.
. "${0%/*}/vm_lib.sh"
. "${0%/*}/vm_agent_lib.sh"

world_serves listed.test
manifest 'routes: [{host: listed.test}]'
image curl

# A command, its streams and its status; an orphan ends with the machine, which
# is off when the command is done.
printf 'three\nof my\nlines\n' >"$DIR/in"
OPTIONS='--env GIVEN=this --env LANG=C'
boots 42 sh -c 'cat; echo complaint >&2; curl -sS https://listed.test/
	curl -sS https://unlisted.test/; hostname; pwd; env; echo >/new
	sleep 1000 & exit 42' <"$DIR/in"
head -n 3 "$DIR/out" | cmp - "$DIR/in" || fail 'the input is another'
expect '^complaint$' <"$DIR/err"
for line in '^hello from listed.test$' name_not_listed '^box$' '^GIVEN=this$' \
	'^LANG=C$' '^HOME=/home/agent$' '^NODE_EXTRA_CA_CERTS=/run/sluice/ca.pem$'
do
	expect "$line" <"$DIR/out"
done
! grep -q -e kernel= -e not= -e SLUICE "$DIR/out" ||
	fail 'the command has what the kernel was told'
expect "cannot create /new: Permission denied" <"$DIR/err"
tr '\n' ' ' <"$DIR/control" | expect '^network started exit 42 $'

# Every byte arrives, of more than all buffers hold.
dd if=/dev/urandom of="$DIR/in" bs=1k count=1500 2>/dev/null
boots 0 cat <"$DIR/in"
cmp "$DIR/in" "$DIR/out" || fail 'bytes are lost'

# It is as much without privilege as anywhere, and the ways to the host and the
# first file system are nowhere to be found, not even for user 0.
for USER_OPTIONS in '--user agent' ''; do
	OPTIONS=
	boots 0 sh -c 'grep -E "^(Cap|NoNewPrivs|Uid)" /proc/self/status
		ls /dev /; ls -l /proc/self/fd | wc -l
		for way in /proc/1/root/init /proc/1/fd/3 /proc/1/environ \
			/dev/vda /dev/virtio-ports/sluice.out /dev/vport1p1 \
			/sluice/arguments /init; do
			! head -c 1 "$way" || echo "open: $way"
		done
		! echo 1 >/proc/sys/net/ipv4/ip_forward || echo "open: sysctl"
		! echo h >/proc/sysrq-trigger || echo "open: sysrq"'
	for set in Inh Prm Eff Bnd Amb; do
		expect "^Cap$set:	0000000000000000\$" <"$DIR/out"
	done
	expect '^NoNewPrivs:	1$' <"$DIR/out"
	! grep -E '^(open|init|sluice|vd|vport|virtio)' "$DIR/out" ||
		fail 'a way is open'
	# The three and the folder itself, below a line of their sum.
	expect '^5$' <"$DIR/out"
done
