# A machine that cannot be what it should be says why and is off; and whatever
# ends the gateway of one that runs, the machine goes with it.
. "${0%/*}/first_lib.sh"

need pgrep
world_serves listed.test
echo 'routes: [{host: listed.test}]' >"$DIR/manifest.yaml"
_world_ca
RESOLVER=--resolver=93.184.216.53
OUT4="--uplink=up0 --uplink-address=93.184.216.2/24"

# No card that should be there, and one that is the other's.
boot_fails 'no interface "up7" has appeared' $INSIDE $RESOLVER --uplink=up7 \
	--uplink-address=93.184.216.2/24
# The rules were in place by then all the same.
in_gateway nft list chain inet sluice onward | expect 'policy drop'
boot_fails '--uplink and --internal are one interface' $INSIDE $RESOLVER \
	--uplink=int0 --uplink-address=93.184.216.2/24
boot_fails 'networks of --uplink-address and --internal-address overlap' \
	$INSIDE $RESOLVER --uplink=up0 --uplink-address=10.77.0.3/8
boot_fails 'not one ADDRESS/BITS of a family: "10.77.0.1"' $RESOLVER $OUT4 \
	--internal-address=10.77.0.1
boot_fails 'what is our address outside' $INSIDE $RESOLVER --uplink=up0

# As a kernel that was told to configure the wrong card would have left it.
ip -n "$GATEWAY" link set int0 up
ip -n "$GATEWAY" addr add 10.77.0.1/30 dev int0
ip -n "$GATEWAY" route add default via 10.77.0.2 dev int0
boot_fails '"int0" has a default route' $INSIDE $RESOLVER $OUT4
ip -n "$GATEWAY" addr flush dev int0

# Forwarding that stays on, because nobody may turn it off.
cat >"$DIR/read-only" <<'END'
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
exec "$@"
END
in_gateway sysctl -q -w net.ipv4.ip_forward=1
status=0
ip netns exec "$GATEWAY" unshare --pid --mount --fork --kill-child \
	--mount-proc sh "$DIR/read-only" "$BIN/sluice-gateway" --init \
	--internal=int0 $INSIDE $OUT4 $RESOLVER \
	--manifest="$DIR/manifest.yaml" >"$DIR/gateway-ro.log" 2>&1 || status=$?
[ $status -eq 130 ] || fail "status $status is no power-off"
expect 'forwarding is on and cannot be turned off' <"$DIR/gateway-ro.log"

# A manifest with mistakes, no certificates, nobody who leases.
echo 'routes: [{hots: listed.test}]' >"$DIR/manifest.yaml"
boot_fails '1 mistakes in' $INSIDE $OUT4 $RESOLVER
echo 'routes: [{host: listed.test}]' >"$DIR/manifest.yaml"
boot_fails 'cannot read the certificates to trust in /nowhere' $INSIDE $OUT4 \
	$RESOLVER --trust=/nowhere
if command -v udhcpc >/dev/null; then
	udhcpc=$(realpath "$(command -v udhcpc)")
	status=0
	ip netns exec "$GATEWAY" unshare --pid --mount --fork --kill-child \
		--mount-proc sh -c 'mount --bind /dev/null "$0"; exec "$@"' \
		"$udhcpc" "$BIN/sluice-gateway" --init --internal=int0 $INSIDE \
		--uplink=up0 --uplink-address=dhcp \
		--manifest="$DIR/manifest.yaml" >"$DIR/gateway-no.log" 2>&1 ||
		status=$?
	[ $status -eq 130 ] || fail "status $status is no power-off"
	expect "needs busybox's udhcpc as /sbin/udhcpc" <"$DIR/gateway-no.log"
fi

# --init is for the first process, and the rest for --init.
status=0
in_gateway "$BIN/sluice-gateway" --init >"$DIR/out" 2>&1 || status=$?
[ $status -eq 1 ] || fail "status $status"
expect 'for the first process of a machine' <"$DIR/out"
status=0
in_gateway "$BIN/sluice-gateway" --internal=int0 $OUT4 \
	--manifest="$DIR/manifest.yaml" $RESOLVER >"$DIR/out" 2>&1 || status=$?
[ $status -eq 2 ] || fail "status $status"
expect 'only with --init' <"$DIR/out"

# One that runs, and whose main process is killed.
boot 'routes: [{host: listed.test}]' $INSIDE $OUTSIDE $RESOLVER
agent $CURL https://listed.test/ | expect 'hello from listed.test'
main=$(pgrep -P "$(first)")
kill -KILL "$main"
powers_off
grep -q 'init: the gateway was ended by signal 9' "$DIR/gateway-$LOGS.log" ||
	fail 'no word of it'
before=$(world_settled)
agent_fails $CURL --max-time 2 https://listed.test/
[ "$(world_settled)" -eq "$before" ] || fail 'something is carried still'
