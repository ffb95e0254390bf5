# As the first process of a bare machine the gateway brings it all up: rules,
# then interfaces, addresses and routes, of both families; and the agent works.
# On the way it turns off what would forward, and what neighbours might teach.
. "${0%/*}/first_lib.sh"

need pgrep nsenter
world_serves listed.test
boot 'routes: [{host: listed.test}]' $INSIDE $OUTSIDE --agent-mac=$MAC \
	--resolver=93.184.216.53
agent $CURL https://listed.test/ | expect 'hello from listed.test'
agent $CURL -6 https://listed.test/ | expect 'hello from listed.test'
agent $CURL https://unlisted.test/ | expect name_not_listed

for scope in all default int0 up0 lo; do
	for file in ipv4/conf/$scope/forwarding ipv6/conf/$scope/forwarding \
		ipv4/conf/$scope/accept_redirects \
		ipv4/conf/$scope/send_redirects \
		ipv6/conf/$scope/accept_redirects; do
		[ "$(in_gateway cat /proc/sys/net/$file)" = 0 ] ||
			fail "$file is on"
	done
done
for scope in all default int0 up0; do
	for file in ipv6/conf/$scope/accept_ra ipv6/conf/$scope/autoconf \
		ipv4/conf/$scope/proxy_arp; do
		[ "$(in_gateway cat /proc/sys/net/$file)" = 0 ] ||
			fail "$file is on"
	done
	[ "$(in_gateway cat /proc/sys/net/ipv4/conf/$scope/rp_filter)" = 1 ] ||
		fail "$scope takes packets from anywhere"
	[ "$(in_gateway cat /proc/sys/net/ipv4/conf/$scope/arp_ignore)" = 1 ] ||
		fail "$scope answers for the other side"
done

# The first process has nothing but the right to end it all.
grep CapEff "/proc/$(first)/status" | expect '0000000000400000$'

# Whatever loses its parent is the first process's, and is reaped.
mkfifo "$DIR/end"
in_gateway nsenter -t "$(first)" -p -m sh -c 'cat "$0" & cat "$0" & :' \
	"$DIR/end" >"$DIR/out" 2>&1
pgrep -c -P "$(first)" -x cat | expect '^2$'
echo >"$DIR/end"
none_is_left() { ! pgrep -P "$(first)" -x cat; }
await none_is_left || fail 'orphans stay as zombies'

# A new manifest, and the end.
echo 'routes: []' >"$DIR/manifest.yaml"
kill -HUP "$(first)"
audit_has '"event":"reload"'
agent $CURL https://listed.test/ | expect name_not_listed
for signal in TERM INT PWR; do
	kill -$signal "$(first)"
	powers_off
	audit_has '"event":"stop"'
	grep -q 'init: powering off' "$DIR/gateway-$LOGS.log" || fail 'no word'
	rm "$DIR/audit.jsonl"
	[ $signal = PWR ] || boot 'routes: [{host: listed.test}]' $INSIDE \
		$OUTSIDE --agent-mac=$MAC --resolver=93.184.216.53
done
