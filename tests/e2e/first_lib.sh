# What the tests of the gateway as a machine's first process share: lib.sh's
# machines, of which the gateway's is as bare as a kernel leaves it, and worse:
# it forwards, and believes whoever advertises a router.
. "${0%/*}/lib.sh"

MAC=02:00:0a:4d:00:02
FIRST_PID=
LOGS=0

_bare()
{
	ip -n "$GATEWAY" addr flush dev int0
	ip -n "$GATEWAY" addr flush dev up0
	for device in int0 up0 lo; do
		ip -n "$GATEWAY" link set "$device" down
	done
	in_gateway sysctl -q -w net.ipv4.ip_forward=1 \
		net.ipv6.conf.all.forwarding=1
	for scope in all default int0 up0; do
		in_gateway sysctl -q -w "net.ipv6.conf.$scope.accept_ra=2" \
			"net.ipv6.conf.$scope.autoconf=1" \
			"net.ipv4.conf.$scope.proxy_arp=1" \
			"net.ipv4.conf.$scope.rp_filter=0"
	done
	ip -n "$AGENT" link set eth0 address "$MAC"
}

# Starts the gateway as the first process of its machine, with these options
# beside those that are the same each time; for `boot_fails`, to its end.
_first()
{
	ip netns exec "$GATEWAY" unshare --pid --mount --fork --kill-child \
		--mount-proc "$BIN/sluice-gateway" --init --internal=int0 \
		--manifest="$DIR/manifest.yaml" --audit="$DIR/audit.jsonl" \
		--trust="$DIR/world-ca.pem" --ready-fd=9 --log-level=debug "$@" \
		9>"$DIR/ready" >"$DIR/gateway.log" 2>&1 </dev/null
}

INSIDE="--internal-address=10.77.0.1/30
	--internal-address=fd73:6c75:6963:1::1/126
	--agent=10.77.0.2 --agent=fd73:6c75:6963:1::2"
OUTSIDE="--uplink=up0 --uplink-address=93.184.216.2/24
	--uplink-address=2606:2800:220:1::2/64
	--uplink-gateway=93.184.216.1 --uplink-gateway=2606:2800:220:1::1"

# boot MANIFEST OPTION...
boot()
{
	printf '%s\n' "$1" >"$DIR/manifest.yaml"
	shift
	_world_ca
	rm -f "$DIR/ready"
	mkfifo "$DIR/ready"
	_first "$@" &
	FIRST_PID=$!
	read -r word <"$DIR/ready" || word=
	[ "$word" = ready ] || fail 'the gateway did not start'
}

# boot_fails TEXT OPTION...: it says why, and the machine is off.
boot_fails()
{
	text=$1
	shift
	status=0
	rm -f "$DIR/ready"
	: >"$DIR/ready"
	_first "$@" || status=$?
	mv "$DIR/gateway.log" "$DIR/gateway-$((LOGS += 1)).log"
	grep -q -- "$text" "$DIR/gateway-$LOGS.log" || {
		cat "$DIR/gateway-$LOGS.log" >&2
		fail "it does not say: $text"
	}
	[ $status -eq 130 ] || fail "status $status is no power-off"
}

_is_first()
{
	grep -q '^NSpid:.*	1$' "/proc/$1/status" 2>/dev/null
}

# The first process of the gateway's machine, by its number here.
first()
{
	for pid in $(ip netns pids "$GATEWAY"); do
		! _is_first "$pid" || echo "$pid"
	done
}

# Another one there, by its name.
first_child()
{
	for pid in $(ip netns pids "$GATEWAY"); do
		read -r name 2>/dev/null <"/proc/$pid/comm" || continue
		[ "$name" != "$1" ] || _is_first "$pid" || echo "$pid"
	done
}

# A namespace's first process that powers off ends as by SIGINT (reboot(2)).
powers_off()
{
	status=0
	wait "$FIRST_PID" || status=$?
	[ $status -eq 130 ] || fail "it ended with status $status: no power-off"
	[ -z "$(ip netns pids "$GATEWAY")" ] || fail 'something is left running'
	FIRST_PID=
	mv "$DIR/gateway.log" "$DIR/gateway-$((LOGS += 1)).log"
}

_bare
