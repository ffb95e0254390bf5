# The credential of a route goes to its origin, over TLS, once, and nowhere
# else: the agent never reads it, nor does the record have it, and what the
# agent sends in its place does not arrive.
. "${0%/*}/peers_lib.sh"

umask 077
cat >"$DIR/secrets" <<'END'
# what the gateway is given
API_TOKEN=sluice-t0ken-0123456789
OTHER_TOKEN=sluice-other-token
LOGIN=somebody:sluice-pass-word
END
umask 022
SECRETS=$DIR/secrets
basic=$(printf %s somebody:sluice-pass-word | base64)
world_certificate liar.test elsewhere.test
PORTS='80 443 8443'
world_peers api.test basic.test plain.test two.test liar.test
world_resolves
manifest 'routes:
  - {host: api.test, auth: {scheme: Bearer, token_ref: API_TOKEN}}
  - {host: api.test, ports: [8443]}
  - {host: liar.test, auth: {scheme: Bearer, token_ref: API_TOKEN}}
  - {host: basic.test, auth: {scheme: Basic, token_ref: LOGIN}}
  - host: two.test
    auth: {scheme: token, token_ref: OTHER_TOKEN}
    matches: [{paths: [{type: prefix, value: /other}]}]
  - host: two.test
    auth: {scheme: token, token_ref: API_TOKEN}
    matches: [{paths: [{type: prefix, value: /api}]}]
  - host: plain.test'

# arrived HOST VALUE: so much Authorization has the origin had by now.
arrived()
{
	grep -c -x "[0-9.]* $1 authorization $2" "$DIR/world-origin.log" || :
}

agent_reads()
{
	agent $CURL -i "$@" | tee -a "$DIR/read"
}

agent_reads https://api.test/ | expect 'hello from api.test'
[ "$(arrived api.test 'Bearer sluice-t0ken-0123456789')" = 1 ] ||
	fail 'it did not arrive'
agent_reads -H 'Authorization: Bearer of-the-agent' \
	-H 'authorization: Basic of-the-agent' -H 'Accept-Encoding: gzip' \
	https://api.test/ | expect 'field accept-encoding: identity'
[ "$(arrived api.test 'Bearer sluice-t0ken-0123456789')" = 2 ] ||
	fail 'it did not arrive beside the own of the agent'
agent_reads -u agent:of-the-agent https://basic.test/ |
	expect 'field authorization: Basic \*\*\*'
[ "$(arrived basic.test "Basic $basic")" = 1 ] || fail 'Basic did not arrive'
agent_reads https://two.test/other/x https://two.test/api/x >/dev/null
[ "$(arrived two.test 'token sluice-other-token')" = 1 ] ||
	fail 'the first of two did not arrive'
[ "$(arrived two.test 'token sluice-t0ken-0123456789')" = 1 ] ||
	fail 'the second of two did not arrive'

# However it is said back.
agent_reads https://api.test/back_in_chunks |
	expect "('authorization', 'Bearer \*\*\*\*"
agent_reads https://api.test/back_to_the_end |
	expect "('authorization', 'Bearer \*\*\*\*"
agent_reads -H 'Connection: TE' -H 'TE: trailers' \
	https://api.test/back_in_trailers | expect 'X-Was: Bearer \*\*\*\*'
agent_reads https://api.test/length/200000 >/dev/null
agent_reads -L https://api.test/redirect/plain.test |
	expect 'Location: https://plain.test/?was=\*\*\*'
grep -q 'hello from plain.test' "$DIR/read" || fail 'nobody was redirected'
grep -q 'GET /?was=\*\*\*' "$DIR/world-origin.log" || fail 'redirected elsewhere'
# A stream is not held up for it.
agent $CURL -N https://api.test/events/held >"$DIR/events" &
events=$!
PIDS="$PIDS $events"
for i in 0 1 2 3 4; do
	await grep -q "data: $i" "$DIR/events" || fail "event $i is late"
	agent $CURL https://api.test/open/held$i >/dev/null
done
wait $events || fail 'the stream was cut'

# The agent's own goes where no credential is; nothing else does.
agent_reads -H 'Authorization: Bearer of-the-agent' https://plain.test/ |
	expect 'field authorization: Bearer of-the-agent'
[ "$(arrived '[^ ]*' '.*of-the-agent.*')" = 1 ] ||
	fail "the agent's own reached another origin"
[ "$(arrived plain.test '.*')" = 1 ] || fail 'a credential went elsewhere'

# Nor to another port of the same name, nor under that name to another.
given=$(arrived '[^ ]*' '.*')
agent_reads https://api.test:8443/ | expect 'hello from api.test'
for host in api.test api.test:443; do
	agent_reads -H "Host: $host" https://api.test:8443/ |
		expect '"reason":"host_mismatch"'
	agent_reads -H "Host: $host" https://plain.test/ |
		expect '"reason":"host_mismatch"'
done
[ "$(arrived '[^ ]*' '.*')" = "$given" ] || fail 'a credential went elsewhere'

# Never without TLS.
before=$(grep -c . "$DIR/world-origin.log")
agent_reads http://api.test/ | expect '"reason":"auth_needs_tls"'
[ "$(grep -c . "$DIR/world-origin.log")" = "$before" ] ||
	fail 'plain HTTP went out'

# To nobody who only says that he is the origin.
agent_reads https://liar.test/ | expect '"reason":"upstream_tls"'
[ "$(arrived liar.test '.*')" = 0 ] || fail 'it was believed'

# What the agent could read, what is recorded and logged, what ps shows.
ps -e -o args >"$DIR/ps"
for secret in sluice-t0ken-0123456789 sluice-other-token sluice-pass-word \
	"$basic"; do
	! grep -q -F -e "$secret" "$DIR/read" "$DIR/audit.jsonl" \
		"$DIR/gateway.log" "$DIR/ps" || fail "$secret can be read"
done

# A new manifest comes with the secrets as they are then.
sed -i 's/^API_TOKEN=.*/API_TOKEN=sluice-new-token-9876/' "$DIR/secrets"
manifest 'routes:
  - {host: two.test, auth: {scheme: Bearer, token_ref: API_TOKEN}}'
agent_reads https://two.test/ | expect 'hello from two.test'
[ "$(arrived two.test 'Bearer sluice-new-token-9876')" = 1 ] ||
	fail 'the new one did not arrive'
# One that names what is not there changes nothing.
manifest 'routes:
  - {host: api.test, auth: {scheme: Bearer, token_ref: API_TOKEN}}
  - {host: two.test, auth: {scheme: token, token_ref: MISSING_TOKEN}}'
audit_has '"event":"reload"' '"detail":"refused: secrets that it names are missing"'
grep -q 'manifest.yaml:3:55: the secret MISSING_TOKEN was not given: add it to the file of --secrets' \
	"$DIR/gateway.log" || fail 'it was not said where'
agent_reads https://two.test/ | expect 'hello from two.test'
rm "$DIR/secrets"
manifest 'routes: [{host: two.test}]'
audit_has '"event":"reload"' '"detail":"refused: the secrets cannot be read"'
agent_reads https://two.test/ | expect 'hello from two.test'
[ "$(arrived two.test 'Bearer sluice-new-token-9876')" = 3 ] ||
	fail 'what was good is not kept'
! grep -q -F sluice-new-token "$DIR/read" "$DIR/audit.jsonl" \
	"$DIR/gateway.log" || fail 'the new one can be read'
