# The agent cannot undo what holds it: as the program that sluice-init starts it
# has no privilege to begin with; and with every capability that its machine
# has, after it has taken that machine's network apart, it gets no further.
. "${0%/*}/steady_lib.sh"

world_serves listed.test unlisted.test
manifest 'routes: [{host: listed.test}]'

# --- as the agent ---

agent cat /proc/self/status >"$DIR/status"
for set in Inh Prm Eff Bnd Amb; do
	grep -q "^Cap$set:	0000000000000000\$" "$DIR/status" ||
		fail "the agent has capabilities: $(grep ^Cap "$DIR/status")"
done
grep -q '^NoNewPrivs:	1$' "$DIR/status" || fail 'it may get privileges'

# What is refused below works for root of the machine; else it shows nothing.
in_agent ip link set eth0 up
in_agent ip route replace 192.0.2.0/24 dev eth0
in_agent ip route del 192.0.2.0/24
in_agent nft add table inet trial
in_agent nft delete table inet trial
in_agent $PYTHON -c 'import socket
socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3)'
cat >"$DIR/undo.sh" <<-'END'
	python=$1
	tried() {
		if "$@" >/dev/null 2>&1; then
			echo "WORKED $*"
		else
			echo "refused $*"
		fi
	}
	tried ip route replace default via 10.77.0.9
	tried ip route del default
	tried ip route add 93.184.216.0/24 dev eth0
	tried ip addr add 10.77.0.3/30 dev eth0
	tried ip link set eth0 down
	tried ip neigh replace 10.77.0.1 lladdr 02:00:00:00:00:01 dev eth0
	tried ip link add undo0 type dummy
	tried nft flush ruleset
	tried nft add table inet undo
	tried sysctl -q -w net.ipv4.ip_forward=1
	tried mount -t tmpfs none /mnt
	tried $python -c 'import socket
	socket.socket(socket.AF_INET, socket.SOCK_RAW, 255)'
	tried $python -c 'import socket
	socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3)'
	tried $python -c 'import socket
	socket.socket().setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 1)'
	tried $python -c 'import socket
	socket.socket().setsockopt(socket.SOL_IP, 19, 1)' # IP_TRANSPARENT
	tried nsenter --net=/proc/1/ns/net true
	tried unshare --user --map-root-user ip link set eth0 down
	tried unshare --user --map-root-user nft flush ruleset
	echo end
END
before=$(in_agent ip -4 route; in_agent ip -6 route)
agent sh "$DIR/undo.sh" $PYTHON >"$DIR/undone"
! grep WORKED "$DIR/undone" >&2 || fail 'the agent may do this'
[ "$(grep -c ^refused "$DIR/undone")" -eq 18 ] || fail 'not all was tried'
[ "$(tail -n 1 "$DIR/undone")" = end ] || fail 'it was cut short'

# --- as root of its machine ---

# gets_no_further WHAT: after the agent has done that to its machine.
gets_no_further()
{
	at=$(world_address unlisted.test)
	in_agent $PYTHON "$HERE/tries.py" "undone-$1" unlisted.test "$at" \
		"2606:2800:220:1::${at##*.}" >"$DIR/tries" 2>&1 || :
	! grep -q 'hello\|tick' "$DIR/tries" || fail "$1 reaches something"
	[ "$(world_packets)" -eq "$heard" ] ||
		fail "the world hears the agent: $1"
	world_heard_nothing_of "undone-$1"
}

in_agent grep -q '^CapEff:	0*[1-9a-f][0-9a-f]*$' /proc/self/status ||
	fail 'root of the machine has no capabilities'
heard=$(world_settled)

in_agent nft flush ruleset
in_agent sysctl -q -w net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 \
	net.ipv4.conf.eth0.rp_filter=0 net.ipv4.conf.eth0.accept_local=1
in_agent ip route flush all 2>/dev/null || :
in_agent ip route replace 10.77.0.0/30 dev eth0
in_agent ip route replace default via 10.77.0.1
in_agent ip -6 route replace default via fd73:6c75:6963:1::1 dev eth0
gets_no_further routes

# Everything is on the link, by the gateway's hardware address.
mac=$(ip -n "$GATEWAY" link show int0 | awk '/ether/ { print $2 }')
in_agent ip route replace default dev eth0
in_agent ip -6 route replace default dev eth0
at=$(world_address unlisted.test)
for address in "$at" 93.184.216.53; do
	in_agent ip neigh replace "$address" lladdr "$mac" dev eth0
done
in_agent ip neigh replace "2606:2800:220:1::${at##*.}" lladdr "$mac" dev eth0
gets_no_further neighbours

# It calls itself by other names: a neighbour, the world's resolver, the gateway.
for source in 10.77.0.5 93.184.216.53 10.77.0.1; do
	in_agent ip addr add "$source/32" dev eth0
	in_agent ip route replace default dev eth0 src "$source"
	in_agent ip route replace 10.77.0.0/30 dev eth0 src "$source"
	gets_no_further "as-$source"
done

# Tunnels that end at the gateway, or beyond; each kernel has some of them.
in_agent ip addr flush dev eth0 scope global
in_agent ip addr add 10.77.0.2/30 dev eth0
in_agent ip addr add fd73:6c75:6963:1::2/126 dev eth0 nodad
in_agent ip route replace 93.184.216.0/24 via 10.77.0.1
made=0
for remote in 10.77.0.1 93.184.216.1; do
	for link in ipip gre sit "vxlan id 7 dstport 4789" "geneve id 7"; do
		kind=${link%% *}
		in_agent ip link add tunnel$made type $link remote $remote \
			$([ "$kind" = geneve ] || echo local 10.77.0.2) \
			2>/dev/null || continue
		in_agent ip link set tunnel$made up
		in_agent ip addr add "198.51.100.$((made + 1))/24" \
			dev tunnel$made 2>/dev/null || :
		in_agent ip route replace "$at" dev tunnel$made 2>/dev/null || :
		in_agent bash -c \
			"echo undone-tunnel >/dev/udp/$at/9000" || :
		made=$((made + 1))
	done
done
gets_no_further tunnel
[ $made -gt 0 ] || echo 'no tunnels on this machine; not tried'

# Another card on the same wire, with another hardware address.
in_agent ip link add link eth0 name other0 type macvlan mode bridge \
	2>/dev/null && {
	in_agent ip link set other0 up
	in_agent ip addr add 10.77.0.5/24 dev other0
	in_agent ip route replace "$at" via 10.77.0.1 dev other0
	gets_no_further card
}

# The gateway is no worse for it, and sluice-init can set the machine up again.
for link in other0 $(seq -f tunnel%g 0 9); do
	in_agent ip link del "$link" 2>/dev/null || :
done
in_agent ip route del "$at" 2>/dev/null || :
in_agent ip neigh flush dev eth0 nud permanent
agent $CURL https://listed.test/ | expect 'hello from listed.test'
agent $CURL https://unlisted.test/ | expect name_not_listed
audit_has '"event":"packet"' '"reason":"source_spoofed"'
died 0
