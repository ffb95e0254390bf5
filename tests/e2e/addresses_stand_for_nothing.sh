# An address is no destination: the agent cannot choose one, neither bare nor
# under a listed name. The world would answer on any address and port.
. "${0%/*}/lib.sh"

world_serves listed.test unlisted.test
manifest 'routes: [{host: listed.test}]'
listed=$(world_address listed.test)
agent $CURL https://listed.test/ | expect 'hello from listed.test'
before=$(world_settled not port 53)

listed6=2606:2800:220:1::${listed##*.}
for host in 93.184.216.1 "$listed" '[2606:2800:220:1::1]' "[$listed6]" 8.8.8.8 \
	'[2001:4860:4860::8888]'; do
	agent $CURL "http://$host/" | expect '"reason":"address_not_listed"'
	agent_fails $CURL -k "https://$host/"
	for port in 22 8080 8443 65535; do
		agent_fails $CURL -k --max-time 2 "https://$host:$port/"
	done
done

# A listed name on a port that no route names.
for family in -4 -6; do
	agent $CURL $family -k https://listed.test:8443/ |
		expect '"reason":"port_not_listed"'
done
# A listed name, its own address, and no server name.
for address in "$listed" "[$listed6]"; do
	agent sh -c "openssl s_client -connect $address:443 -noservername \
		</dev/null 2>&1; :" | expect alert
done

[ "$(world_settled not port 53)" -eq "$before" ] ||
	fail 'something reached the world'
grep 'query\[' "$DIR/dnsmasq.log" | grep -v -i ' listed.test ' &&
	fail 'something else was asked for'

# A listed name at an address that it was never given: it may reach the real
# origin or nothing, and not that address.
for address in 93.184.216.1 '[2606:2800:220:1::1]'; do
	agent $CURL -k --resolve "listed.test:443:$address" \
		https://listed.test/ | expect '"reason":"address_mismatch"'
	agent $CURL --resolve "listed.test:80:$address" http://listed.test/ |
		expect '"reason":"address_mismatch"'
done
[ "$(world_packets dst 93.184.216.1 or dst 2606:2800:220:1::1)" -eq 0 ] ||
	fail 'the address that the agent chose was reached'
