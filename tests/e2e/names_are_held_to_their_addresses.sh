# A listed name on the way to an address that it never had leads nowhere: not
# there, and not to the name's own either; in TLS, spliced or not, and in HTTP.
. "${0%/*}/lib.sh"

world_serves listed.test spliced.test attacker.test
manifest 'routes: [{host: listed.test}, {host: spliced.test, tls: splice}]'
v4=$(world_address attacker.test)
v6=[2606:2800:220:1::${v4##*.}]

# What was told is what it may be used for, so that all of it is known.
for name in listed spliced; do
	agent curl -sS -o /dev/null --max-time 10 -k "https://$name.test/" ||
		fail "$name is not reached at all"
done
world_settled >/dev/null
before=$(world_packets tcp)
for address in "$v4" "$v6" 93.184.216.9; do
	for port in 443 80; do
		scheme=https
		[ $port = 443 ] || scheme=http
		for name in listed.test spliced.test; do
			agent $CURL -k --resolve "$name:$port:$address" \
				"$scheme://$name/secret" |
				expect '"reason":"address_mismatch"'
		done
	done
	# Nor under its own name, which nobody lists, or with none.
	for name in attacker.test ''; do
		agent sh -c "openssl s_client -connect '$address:443' \
			${name:+-servername }${name:--noservername} \
			</dev/null 2>&1; :" >"$DIR/said"
		! grep -q 'CN = the world' "$DIR/said" || fail "$address answers"
	done
done
for name in listed.test spliced.test; do
	audit_has '"verdict":"deny"' '"reason":"address_mismatch"' \
		"\"name\":\"$name\"" '"protocol":"tls"'
done
world_settled >/dev/null
[ "$(world_packets tcp)" -eq "$before" ] || fail 'somebody was dialled'
world_heard_nothing_of secret attacker
