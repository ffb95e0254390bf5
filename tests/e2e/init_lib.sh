# What the tests of sluice-init share: a machine to set up, and a gateway that
# is an ordinary HTTP server with a CA's certificate.
#
#	agent namespace          gateway namespace
#	  eth0 10.77.0.2 ======= br0 10.77.0.1 ------- neighbour namespace
#	       fd77::2               fd77::1             10.77.0.9, fd77::9
#
# The machine's files are copies in a private mount namespace. Everything is
# gone when the test ends.
set -eu
. "${0%/*}/browsers_lib.sh"

init=${SLUICE_BIN:?names the folder of the programs}/sluice-init
gateway=10.77.0.1

skip() {
	echo "skipped: $*"
	exit 77
}

[ "$(id -u)" = 0 ] || skip 'needs root'
for tool in ip unshare setpriv openssl curl python3; do
	command -v "$tool" >/dev/null || skip "needs $tool"
done

tag=sl$$
work=$(mktemp -d)
chmod 755 "$work"
servers=

clean_up() {
	for pid in $servers; do
		kill "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	for name in agent gateway neighbour; do
		ip netns del "$tag-$name" 2>/dev/null || :
	done
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

fail() {
	echo "FAILED: $*" >&2
	[ ! -s "$work/err" ] || sed 's/^/	err: /' "$work/err" >&2
	[ ! -s "$work/out" ] || sed 's/^/	out: /' "$work/out" >&2
	exit 1
}

in_ns() {
	namespace=$tag-$1
	shift
	ip netns exec "$namespace" "$@"
}

# Standard input has a line that matches; it is shown if not.
expect() {
	cat >"$work/seen"
	grep -qE -- "$1" "$work/seen" || {
		sed 's/^/	seen: /' "$work/seen" >&2
		fail "expected $1"
	}
}

make_ca() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
		-nodes -days 2 -subj "/CN=$1" -keyout "$work/$1.key" \
		-out "$work/$1.pem" 2>/dev/null
}

# Serves the file as the gateway's CA, in place of what was served before.
hand_out() {
	mkdir -p "$work/www/.well-known/sluice"
	cp "$1" "$work/www/.well-known/sluice/ca.pem"
}

make_namespaces() {
	ip netns add "$tag-agent" 2>/dev/null || skip 'needs namespaces'
	ip netns add "$tag-gateway"
	ip netns add "$tag-neighbour"
	in_ns gateway ip link add br0 type bridge
	for name in agent neighbour; do
		in_ns gateway ip link add "to-$name" type veth peer name eth0 \
			netns "$tag-$name"
		in_ns gateway ip link set "to-$name" master br0 up
	done
	in_ns gateway ip link set lo up
	in_ns gateway ip link set br0 up
	in_ns gateway ip addr add 10.77.0.1/24 dev br0
	in_ns gateway ip addr add fd77::1/64 dev br0 nodad
	in_ns neighbour ip link set eth0 up
	in_ns neighbour ip addr add 10.77.0.9/24 dev eth0
	in_ns neighbour ip addr add fd77::9/64 dev eth0 nodad
	in_ns agent ip addr add 10.77.0.2/24 dev eth0
	in_ns agent ip addr add fd77::2/64 dev eth0 nodad
}

# http.server by itself would look its own name up, which takes seconds.
serve_ca() {
	cat >"$work/server.py" <<-'END'
		import functools, http.server, socketserver, sys
		serve = functools.partial(
		    http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
		socketserver.ThreadingTCPServer.allow_reuse_address = True
		socketserver.ThreadingTCPServer(
		    ("10.77.0.1", 80), serve).serve_forever()
	END
	in_ns gateway python3 "$work/server.py" "$work/www" >/dev/null 2>&1 &
	servers="$servers $!"
}

# The machine's own files: copies, which its mount namespace shows in place of
# the host's.
make_files() {
	mkdir -p "$work/etc"
	echo 'nameserver 192.0.2.53' >"$work/etc/resolv.conf"
	cp /etc/ssl/certs/ca-certificates.crt "$work/etc/bundle" ||
		skip 'needs ca-certificates'
	cat >"$work/mounts" <<-END
		mount --bind "\$WORK/etc/resolv.conf" /etc/resolv.conf
		mount --bind "\$WORK/etc/bundle" \\
			/etc/ssl/certs/ca-certificates.crt
		mount -t tmpfs none /run
		$LAY_BROWSERS
		exec "\$@"
	END
}

# Runs a command on the machine as it was before sluice-init.
on_machine() {
	WORK=$work in_ns agent unshare --mount sh -e "$work/mounts" "$@"
}

# sluice-init with options and a command; out, err and status are kept.
start() {
	status=0
	on_machine "$init" --gateway "$gateway" "$@" \
		>"$work/out" 2>"$work/err" || status=$?
}

# The same, and it must succeed.
started() {
	start "$@"
	[ "$status" = 0 ] || fail "status $status of: $*"
}

make_namespaces
make_files
make_ca ca
hand_out "$work/ca.pem"
serve_ca
