# Where a route says which requests it admits, the others are refused before
# the origin hears of them, with the entry that would admit them; and so is
# what an origin could read as another path.
. "${0%/*}/peers_lib.sh"

world_peers api.test free.test
world_resolves
manifest 'routes:
  - host: api.test
    matches:
      - paths:
          - {type: prefix, value: /free/one}
          - {type: exact, value: /exact}
          - {type: regex, value: "/item/[0-9]+"}
        methods: [GET, HEAD]
      - paths: [{type: prefix, value: /write/}]
        methods: [POST]
        headers: [{name: X-Team, value: core}]
  - host: free.test'

CURL="$CURL --path-as-is"
for scheme in https http; do
	for path in /free/one /free/one/x /free/one?x=/../other /exact \
		/item/17 /%66ree/./one /x/../free/one; do
		agent $CURL "$scheme://api.test$path" |
			expect "request GET $(printf %s "$path" |
				sed 's/[.]/\\&/g') "
	done
	agent $CURL -X POST -H 'x-team: core' "$scheme://api.test/write/x" |
		expect 'request POST /write/x'
	# What may be written goes out as it was, whatever that is.
	agent $CURL "$scheme://free.test/a//%2e%2e%2fb" |
		expect 'request GET /a//%2e%2e%2fb '

	for path in /secret /free/onesecret /free/one/../secret /exact/secret \
		/item/17secret /write/secret; do
		agent $CURL "$scheme://api.test$path" |
			expect '"reason":"request_not_listed"'
	done
	agent $CURL -X POST "$scheme://api.test/free/one/secret" |
		expect '"reason":"request_not_listed"'
	agent $CURL -X POST -H 'X-Team: Core' "$scheme://api.test/write/secret" |
		expect '"reason":"request_not_listed"'
	agent $CURL -X POST -H 'X-Team: core' -H 'x-team: core' \
		"$scheme://api.test/write/secret" |
		expect '"reason":"request_not_listed"'
	# Not there for the origin, so not there for the rule.
	agent $CURL -X POST -H 'X-Team: core' -H 'Connection: x-team' \
		"$scheme://api.test/write/secret" |
		expect '"reason":"request_not_listed"'

	for path in /free/one/..%2fsecret /free/one/%2e%2e/secret \
		/free/one/..%5csecret '/free/one/..\secret' \
		'/free/one/..;/secret' '/free/one/..;x=1/secret' \
		/free/one//../secret /free/one/%252e%252e/secret \
		/free/one/%25%32%65%25%32%65/secret /free/one/secret%00 \
		/free/one/%c0%ae%c0%ae/secret /free/one/secret%zz \
		/free/one/%ef%bc%8e%ef%bc%8e/secret /../free/one/secret; do
		agent $CURL "$scheme://api.test$path" |
			expect '"reason":"path_ambiguous"'
	done
done

# On a kept connection each request is judged by itself.
agent $CURL https://api.test/free/one https://api.test/secret \
	https://api.test/free/one >"$DIR/three"
[ "$(grep -c 'request GET /free/one' "$DIR/three")" -eq 2 ] ||
	fail 'not each request was judged'
expect request_not_listed <"$DIR/three"
! grep secret "$DIR/world-origin.log" || fail 'the origin heard of it'

# The words of a refusal, and that they help.
agent $CURL 'https://api.test/wanted%2d?key=word' >"$DIR/refusal"
expect 'request_not_listed: routes admit this name, but not this request: api.test port 443 / GET /wanted%2d (id' \
	<"$DIR/refusal"
agent curl -sS -o /dev/null -D - https://api.test/wanted |
	expect 'HTTP/1.1 403 Forbidden: request_not_listed'
line=$(sed 's/.*"allow":"\(.*}\]}\)".*/\1/; s/\\"/"/g' "$DIR/refusal")
[ "$line" = '- {host: api.test, matches: [{paths: [{type: exact, value: "/wanted-"}], methods: [GET]}]}' ] ||
	fail "the line is $line"
audit_has '"event":"request"' '"verdict":"deny"' \
	'"reason":"request_not_listed"' '"asked":"GET /wanted%2d"' '"line":2'
audit_has '"reason":"path_ambiguous"' '"detail":"an encoded slash"'
! grep -q 'key=word' "$DIR/audit.jsonl" || fail 'the record has a query'
manifest "routes:
  $line
  - host: free.test"
agent $CURL 'https://api.test/wanted%2d?key=word' |
	expect 'request GET /wanted%2d?key=word '

# A new manifest holds for the request that is under way.
agent $CURL -N https://free.test/events/gate >"$DIR/events" 2>&1 &
PIDS="$PIDS $!"
await grep -q 'data: 0' "$DIR/events" || fail 'no events'
manifest 'routes: [{host: free.test, matches: [{paths: [{type: prefix, value: /}]}]}]'
agent $CURL https://free.test/open/gate0 | expect open
await grep -q 'data: 1' "$DIR/events" || fail 'what is still admitted ended'
manifest 'routes: [{host: free.test, matches: [{paths: [{type: prefix, value: /open}]}]}]'
await grep -q 'curl: (' "$DIR/events" || fail 'it goes on'
audit_has '"event":"close"' '"name":"free.test"' '"reason":"policy_changed"'
agent $CURL https://free.test/open/gate1 | expect open
! grep -q 'data: 2' "$DIR/events" || fail 'it went on'
