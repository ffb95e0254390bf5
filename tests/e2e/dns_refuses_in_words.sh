# An unlisted name leads to the refusal address, or in terse mode does not
# exist. The id is the same in the DNS answer, the HTTP answer and the record.
. "${0%/*}/lib.sh"

need dig
dig='dig +tries=1 +time=5'
world_serves listed.test unlisted.test
manifest 'routes: [{host: listed.test}]'

for over in +notcp +tcp; do
	agent $dig $over unlisted.test A >"$DIR/a"
	expect 'status: NOERROR' <"$DIR/a"
	expect 'EDE: 15 (Blocked)' <"$DIR/a"
	expect 'name_not_listed' <"$DIR/a"
	expect '- host: unlisted.test' <"$DIR/a"
	agent $dig $over unlisted.test AAAA >"$DIR/aaaa"
	expect 'status: NOERROR' <"$DIR/aaaa"
	expect 'EDE: 15 (Blocked)' <"$DIR/aaaa"
	for type in TXT MX HTTPS NS ANY SRV; do
		agent $dig $over unlisted.test $type >"$DIR/told"
		expect 'status: NXDOMAIN' <"$DIR/told"
		expect 'EDE: 15 (Blocked)' <"$DIR/told"
	done
done
id=$(sed -n 's/.*(id \([0-9a-z]\{12\}\);.*/\1/p' "$DIR/a" | head -n 1)
[ -n "$id" ] || fail 'no id in the DNS answer'
refusal=$(agent $dig +short unlisted.test A)
[ "$(agent $dig +short other.unlisted.test A)" = "$refusal" ] ||
	fail 'the refusal address is not one'

for url in http://unlisted.test/ https://unlisted.test/; do
	agent $CURL -w '%{http_code}\n' "$url" >"$DIR/told"
	expect '^403$' <"$DIR/told"
	expect "\"id\":\"$id\"" <"$DIR/told"
	agent $CURL -o /dev/null -D - "$url" | expect "^Sluice-Refusal: $id;"
done
for event in dns connect request; do
	audit_has "\"event\":\"$event\"" "\"$id\"" '"verdict":"deny"' \
		'"reason":"name_not_listed"' '"name":"unlisted.test"'
done

# Names that nobody takes for a site do not exist.
for name in unlisted printer.local 1.0.0.10.in-addr.arpa \
	use-application-dns.net; do
	agent $dig "$name" A | expect 'status: NXDOMAIN'
done

manifest 'refusals: terse
routes: [{host: listed.test}]'
agent $CURL https://listed.test/ | expect 'hello from listed.test'
for type in A AAAA TXT HTTPS; do
	agent $dig unlisted.test $type >"$DIR/told"
	expect 'status: NXDOMAIN' <"$DIR/told"
	expect 'EDE: 15 (Blocked)' <"$DIR/told"
	! grep -q 'to allow it' "$DIR/told" || fail 'terse is not'
	# The zone's SOA says how long that may be believed.
	expect 'SOA' <"$DIR/told"
done
agent $dig unlisted.test A | expect "$id"
agent_fails curl -sS --max-time 5 https://unlisted.test/
expect 'Could not resolve host' <"$DIR/out"

# Who goes there by address hears no more than it must.
agent $CURL -D - --resolve "unlisted.test:80:$refusal" \
	http://unlisted.test/ >"$DIR/told"
expect '^HTTP/1.1 403 ' <"$DIR/told"
! grep -q 'to allow it' "$DIR/told" || fail 'terse is not'
agent_fails curl -sS --max-time 5 --resolve "unlisted.test:443:$refusal" \
	https://unlisted.test/
world_heard_nothing_of unlisted
