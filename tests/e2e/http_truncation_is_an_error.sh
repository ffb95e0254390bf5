# An answer that the origin did not finish is never handed on as a whole one.
. "${0%/*}/peers_lib.sh"

world_peers listed.test
world_resolves
manifest 'routes: [{host: listed.test}]'

for url in http://listed.test https://listed.test; do
	for path in short short_chunked; do
		agent_fails curl -sS --max-time 10 -o "$DIR/part" "$url/$path"
		agent_fails curl -sS --max-time 10 --http1.0 -o "$DIR/part" \
			"$url/$path"
	done
	# Nothing at all is an answer of the gateway's own, and says so.
	agent $CURL "$url/nothing" | expect '"reason":"upstream_http"'
done
# Until close, but without the word that TLS has for it.
agent_fails curl -sS --max-time 10 -o "$DIR/part" https://listed.test/cut
agent_fails curl -sS --max-time 10 --http1.0 -o "$DIR/part" \
	https://listed.test/cut
audit_has '"event":"request"' '"path":"/cut"' '"reason":"upstream_http"'
audit_has '"event":"request"' '"path":"/short"' '"reason":"upstream_http"'

# With it, the same bytes are an answer.
agent $CURL -o "$DIR/whole" https://listed.test/close/1000
[ "$(wc -c <"$DIR/whole")" -eq 1000 ] || fail 'the whole one is not whole'
