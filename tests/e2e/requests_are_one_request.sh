# A request is what its first line says: fields by which an origin would take it
# for another method or another path do not get it past a route's rules, nor
# does a second field that the origin could take for the one that was judged.
. "${0%/*}/peers_lib.sh"

world_peers api.test git.test free.test
world_resolves
manifest 'routes:
  - host: api.test
    matches:
      - paths: [{type: prefix, value: /api}]
        methods: [GET, POST]
      - paths: [{type: prefix, value: /any}]
      - methods: [PUT]
        headers: [{name: X-Team, value: core}]
  - {host: git.test, git: {fetch: true}}
  - host: free.test'

for scheme in https http; do
	for field in X-HTTP-Method-Override X-HTTP-Method X-Method-Override \
		x-http-method-override X_HTTP_METHOD_OVERRIDE; do
		agent $CURL -X POST -H "$field: DELETE" "$scheme://api.test/api/refused" |
			expect '"reason":"request_not_listed"'
		# The same twice over, one of them admitted.
		agent $CURL -X POST -H "$field: GET" -H "$field: DELETE" \
			"$scheme://api.test/api/refused" |
			expect '"reason":"request_not_listed"'
		agent $CURL -X POST -H "$field: GET" "$scheme://api.test/api/admitted" |
			expect 'request POST /api/admitted'
		agent $CURL -X POST -H "$field: DELETE" "$scheme://api.test/any/admitted" |
			expect 'request POST /any/admitted'
		agent $CURL -X POST -H "$field: DELETE" "$scheme://free.test/admitted" |
			expect 'request POST /admitted'
	done
	for field in X-Original-URL X-Rewrite-URL x_original_url; do
		agent $CURL -H "$field: /refused" "$scheme://api.test/api" |
			expect '"reason":"path_ambiguous"'
		agent $CURL -H "$field: /refused" "$scheme://free.test/admitted" |
			expect 'request GET /admitted'
		agent $CURL -H "$field: /refused.git/git-receive-pack" -X POST \
			"$scheme://git.test/refused.git/git-upload-pack" |
			expect '"reason":"path_ambiguous"'
	done
	# What is written to is another path than what is asked for.
	agent $CURL -X MOVE -H "Destination: $scheme://api.test/refused" \
		"$scheme://api.test/any" | expect '"reason":"path_ambiguous"'
	# What best-fit mappings make a slash, and a question mark, of.
	for path in %e2%88%95..%e2%88%95refused %e2%81%84..%e2%81%84refused \
		%e2%88%96..%e2%88%96refused %c2%a5..%c2%a5refused \
		refused%ef%bc%9fx; do
		agent $CURL "$scheme://api.test/any/$path" |
			expect '"reason":"path_ambiguous"'
	done

	agent $CURL -X PUT -H 'X-Team: core' "$scheme://api.test/admitted" |
		expect 'request PUT /admitted'
	agent $CURL -X PUT -H 'X-Team: core' -H 'X_Team: other' \
		"$scheme://api.test/refused" |
		expect '"reason":"request_not_listed"'
done
! grep refused "$DIR/world-origin.log" || fail 'the origin heard of it'
grep -q admitted "$DIR/world-origin.log" || fail 'the witness is blind'
