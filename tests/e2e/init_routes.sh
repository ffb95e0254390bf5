# The gateway is the one way out, in both families: no route is left by which
# a neighbour on the segment could be reached.
. "${0%/*}/init_lib.sh"

# Whether anybody at $2 says anything, be it that the port is closed.
reaches() {
	in_ns "$1" python3 -c '
import socket, sys
try:
    socket.create_connection((sys.argv[1], 9), timeout=1)
except ConnectionRefusedError:
    pass
except OSError as error:
    sys.exit(1)' "$2"
}

in_ns agent ip link set eth0 up
in_ns agent ip route add default via 10.77.0.9
in_ns agent ip route add 198.51.100.0/24 via 10.77.0.9
in_ns agent ip route add 203.0.113.0/24 dev eth0 table 77
in_ns agent ip -6 route add default via fd77::9 metric 5
reaches agent 10.77.0.9 || fail 'no neighbour to lose'
reaches agent fd77::9 || fail 'no IPv6 neighbour'

routes() {
	# What loopback has in the main table is of no interest.
	in_ns agent ip "$1" -o route show table all type unicast |
		grep -v 'dev lo' | sed 's/ pref medium//; s/ *$//' | sort
}

started --gateway6 fd77::1 -- sh -c 'cat /etc/resolv.conf'
# Resolving the gateway's IPv6 address works with these routes alone.
in_ns agent ip -6 neigh flush dev eth0
printf '%s\n' 'nameserver 10.77.0.1' 'nameserver fd77::1' 'options edns0' |
	cmp - "$work/out" || fail 'resolv.conf'
routes -4 >"$work/routes"
printf '%s\n' '10.77.0.1 dev eth0 scope link' \
	'default via 10.77.0.1 dev eth0' |
	cmp - "$work/routes" || { cat "$work/routes"; fail 'IPv4 routes'; }
routes -6 >"$work/routes"
printf '%s\n' 'default via fd77::1 dev eth0 metric 1024' \
	'fd77::1 dev eth0 metric 1024' |
	cmp - "$work/routes" || { cat "$work/routes"; fail 'IPv6 routes'; }

reaches agent 10.77.0.1 || fail 'the gateway is lost'
reaches agent fd77::1 || fail 'the IPv6 gateway is lost'
reaches gateway fd77::2 || fail 'cannot be reached'
! reaches agent 10.77.0.9 || fail 'neighbour reached'
! reaches agent fd77::9 || fail 'IPv6 neighbour reached'

# Nor past the routes, which any program may ask for. This address is one that
# has never spoken to the machine, as its own kernel would about the other.
in_ns neighbour ip addr add 10.77.0.10/24 dev eth0
cat >"$work/past.py" <<'END'
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
past = socket.socket(family)
past.settimeout(1)
past.setsockopt(socket.SOL_SOCKET, 5, 1)  # SO_DONTROUTE
past.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
try:
    past.connect((sys.argv[1], 9))
except ConnectionRefusedError:
    print("reached", sys.argv[1])
except OSError as error:
    print("lost", sys.argv[1], error)
END
started --gateway6 fd77::1 --user nobody -- sh -c "
	for host in 10.77.0.1 10.77.0.10 fd77::9; do
		python3 '$work/past.py' \$host
	done"
expect '^reached 10.77.0.1$' <"$work/out"
expect '^lost 10.77.0.10 ' <"$work/out"
expect '^lost fd77::9 ' <"$work/out"
in_ns agent ip neigh show dev eth0 >"$work/neighbours"
expect '^10.77.0.1 lladdr .* PERMANENT' <"$work/neighbours"

# A second start changes nothing.
started --gateway6 fd77::1 -- true
routes -6 | cmp - "$work/routes" || fail 'another start, other routes'

# Without a gateway for it there is no IPv6.
started -- cat /etc/resolv.conf
! grep fd77 "$work/out" || fail 'an IPv6 resolver'
[ -z "$(routes -6)" ] || fail 'IPv6 routes'
[ -z "$(in_ns agent ip -6 -o addr show dev eth0)" ] || fail 'IPv6 addresses'

# The same where /proc/sys cannot be written, as in containers.
in_ns agent sh -c 'echo 0 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6'
in_ns agent ip addr add fd77::2/64 dev eth0 nodad
sed -i 's,^exec,mount --bind /proc/sys /proc/sys\
mount -o remount\,bind\,ro /proc/sys\
&,' "$work/mounts"
started -- true
[ -z "$(routes -6)" ] || fail 'IPv6 routes, with /proc/sys read-only'
[ -z "$(in_ns agent ip -6 -o addr show dev eth0)" ] ||
	fail 'IPv6 addresses, with /proc/sys read-only'

# An interface that comes late is waited for, and so is its address.
in_ns agent ip addr flush dev eth0
in_ns agent ip link set eth0 down
in_ns agent ip link set eth0 name later0
start --timeout 20 -- echo agent &
starting=$!
in_ns agent ip link set later0 name eth0
until in_ns agent ip -o link show eth0 up | grep -q eth0; do :; done
in_ns agent ip addr add 10.77.0.2/24 dev eth0
wait "$starting"
expect '^agent$' <"$work/out"
