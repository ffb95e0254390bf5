# What a route says of requests holds for each stream of HTTP/2: which are
# admitted, and whose credential they carry. A new manifest ends the streams
# that it does not admit, and those alone.
. "${0%/*}/h2_lib.sh"

umask 077
echo 'API_TOKEN=sluice-t0ken-0123456789' >"$DIR/secrets"
umask 022
SECRETS=$DIR/secrets
world_h2 -- api.test
world_resolves
WORKERS=1
manifest 'routes:
  - host: api.test
    auth: {scheme: Bearer, token_ref: API_TOKEN}
    matches:
      - {paths: [{type: prefix, value: /api}], methods: [GET, POST]}
      - {paths: [{type: prefix, value: /never}]}
      - {paths: [{type: prefix, value: /echo}]}
      - {paths: [{type: prefix, value: /say_back}]}'

agent_does_h2 <<-'END'
	from h2_peer import *

	link = Link("api.test")
	answer = link.get("/api/x", more=[("authorization", "of the agent")])
	assert answer.status == 200
	assert b"field authorization: Bearer ****" in answer.body, answer.body
	assert b"of the agent" not in answer.body
	for path, method in ("/other", "GET"), ("/api/x", "DELETE"), \
	        ("/api/../other", "GET"):
	    answer = link.get(path, method=method)
	    assert answer.status == 403, (path, method, answer.status)

	for field, value in ("x-http-method-override", "DELETE"), \
	        ("x_http_method", "DELETE"), ("x-original-url", "/other"):
	    answer = link.get("/api/refused", method="POST",
	                      more=[(field, value)])
	    assert answer.status == 403, (field, answer.status)

	# A gRPC method is a path; who calls one that is not listed is told so as
	# gRPC tells it.
	answer = link.get("/api.Service/Refused", method="POST",
	                  more=[("content-type", "application/grpc"),
	                        ("te", "trailers")])
	assert answer.status == 200 and answer.field("grpc-status") == "7", \
	    answer.fields
	assert "request_not_listed" in answer.field("grpc-message"), answer.fields

	# What the origin says back is struck out, in whatever pieces it comes.
	answer = link.get("/say_back")
	said = "Bearer sluice-t0ken-0123456789"
	assert answer.field("x-said") == answer.trailers[0][1], answer.trailers
	assert "0123456789" not in answer.field("x-said")
	assert len(answer.body) == 2 * len(said), answer.body
	assert b"t0ken-0123456789" not in answer.body[:len(said)], answer.body
	assert answer.body.endswith(b" Bearer sluice-t0ken-012345678"), answer.body
END
grep -q 'with Bearer sluice-t0ken-0123456789$' "$DIR/world-h2.log" ||
	fail 'the credential did not arrive'
! grep -q -e ' /other' -e efused -e DELETE -e 'of the agent' "$DIR/world-h2.log" ||
	fail 'the world heard of what was refused'
! grep -q t0ken "$DIR/audit.jsonl" || fail 'the record has the credential'

# Streams under way when the manifest changes: one that waits, one that has
# been answered in part, and one that goes on.
cat >"$DIR/agent.py" <<-'END'
	from h2_peer import *

	link = Link("api.test")
	waits = link.ask("/never/answered")
	begun = link.ask("/echo/not", method="POST", end=False)
	link.put(begun, b"x")
	stays = link.ask("/echo/api", method="POST", end=False)
	link.put(stays, b"x")
	link.until(lambda: link.answers[begun].body and link.answers[stays].body)
	open(sys.argv[1], "w").close()
	answer = link.wait(waits)
	assert answer.status == 403 and b"policy_changed" in answer.body, answer.body
	assert link.wait(begun).reset == 8
	link.put(stays, b"y", True)
	assert link.wait(stays).body == b"xy"
END
agent $PYTHON "$DIR/agent.py" "$DIR/waiting" >"$DIR/out" 2>&1 &
await test -e "$DIR/waiting" || fail 'the agent does not wait'
manifest 'routes:
  - host: api.test
    auth: {scheme: Bearer, token_ref: API_TOKEN}
    matches: [{paths: [{type: prefix, value: /echo/api}]}]'
wait $! || {
	cat "$DIR/out" >&2
	fail 'the agent saw otherwise'
}
audit_has '"event":"request"' '"reason":"policy_changed"' '"path":"/echo/not"'
