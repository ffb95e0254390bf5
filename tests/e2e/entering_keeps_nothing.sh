# sluice-init --exec is the way into a machine that is set up: it drops what
# the agent has not got either, and leaves the network as it is.
. "${0%/*}/init_lib.sh"

enter() {
	status=0
	on_machine "$init" --exec "$@" >"$work/out" 2>"$work/err" || status=$?
}

# Nobody has set it up, and that stays so.
in_ns agent ip link set lo up
in_ns agent ip link set eth0 up
in_ns agent ip route >"$work/before"
enter -- grep -E '^(Cap|NoNewPrivs)' /proc/self/status
[ "$status" = 0 ] || fail "status $status"
for set in Inh Prm Eff Bnd Amb; do
	expect "^Cap$set:	0000000000000000\$" <"$work/out"
done
expect '^NoNewPrivs:	1$' <"$work/out"
in_ns agent ip route | cmp - "$work/before" || fail 'the routes are others'
grep -q 192.0.2.53 "$work/etc/resolv.conf" || fail 'the resolver is another'

enter --user nobody --workdir / -- sh -c 'id -u; pwd; exit 42'
[ "$status" = 42 ] || fail "status $status instead of 42"
expect '^65534$' <"$work/out"
expect '^/$' <"$work/out"

# What is proved at the start is proved again, with a gateway or without.
status=0
on_machine setpriv --bounding-set -setpcap "$init" --exec -- echo entered \
	>"$work/out" 2>"$work/err" || status=$?
[ "$status" = 106 ] || fail "status $status without CAP_SETPCAP"
enter --interface eth7 -- echo entered
[ "$status" = 107 ] || fail "status $status without an interface"
! grep -q entered "$work/out" || fail 'it was entered all the same'
enter --gateway 10.77.0.1 -- true
[ "$status" = 0 ] || fail "status $status with a gateway"

# On a machine that has been set up, the gateway is trusted here too.
on_machine env -i "PATH=$PATH" "$init" --exec -- env >"$work/out"
! grep NODE_EXTRA_CA_CERTS "$work/out" || fail 'who set this up?'
on_machine env -i "PATH=$PATH" sh -c '"$0" --gateway 10.77.0.1 -- true
	exec "$0" --exec -- env' "$init" >"$work/out"
expect '^NODE_EXTRA_CA_CERTS=/run/sluice/ca.pem$' <"$work/out"
expect '^SSL_CERT_FILE=/run/sluice/bundle.pem$' <"$work/out"

# What would be for a start is refused.
for option in --dns-over-tcp '--report a.test'; do
	enter $option -- true
	[ "$status" = 64 ] || fail "status $status of $option"
done
start --root /dev/vda -- true
[ "$status" = 64 ] || fail "status $status of --root"
expect '^sluice-init: usage: --root is for the first process of a bare' \
	<"$work/err"
