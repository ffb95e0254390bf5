# HTTP/2 without TLS reaches an origin only by a route that says so, and then
# each stream is judged as any request is; else it is refused in its own words.
. "${0%/*}/h2_lib.sh"

need nghttp nghttpd

PRIOR="$CURL --http2-prior-knowledge"

world_h2 -- listed.test also.test closed.test narrow.test unlisted.test
for name in nghttpd.test http1.test; do
	_world_name $name
done
mkdir "$DIR/htdocs"
head -c 3000000 /dev/urandom >"$DIR/htdocs/large"
echo 'hello from nghttpd.test' >"$DIR/htdocs/index.html"
background world-nghttpd.log in_world nghttpd --no-tls -d "$DIR/htdocs" 8080
background world-http1.log in_world $PYTHON -m http.server -d "$DIR/htdocs" 8000
await in_world $CURL -o /dev/null http://93.184.216.1:8000/ ||
	fail 'no HTTP/1 in the world'
world_resolves
ROUTES='
  - {host: also.test, h2c: true}
  - {host: closed.test}
  - {host: narrow.test, h2c: true, matches: [{paths: [{type: prefix, value: /open}]}]}
  - {host: nghttpd.test, ports: [8080], h2c: true}
  - {host: http1.test, ports: [8000], h2c: true}'
manifest "routes:
  - {host: listed.test, h2c: true}$ROUTES"

# Real clients, to port 80 and to one that is listed.
agent $PRIOR -o "$DIR/out" -w '%{http_version} %{http_code}\n' \
	http://nghttpd.test:8080/large | expect '^2 200$'
cmp "$DIR/out" "$DIR/htdocs/large" || fail 'not what curl was to get'
agent nghttp http://nghttpd.test:8080/ | expect 'hello from nghttpd.test'
agent $PRIOR -T "$DIR/htdocs/large" -o "$DIR/out" http://listed.test/
sum=$(sha256sum "$DIR/htdocs/large" | cut -d' ' -f1)
expect "^body 3000000 $sum" <"$DIR/out"
expect '^field :scheme: http$' <"$DIR/out"
expect '^field :authority: listed.test$' <"$DIR/out"
audit_has '"event":"request"' '"verdict":"intercept"' '"protocol":"http"' \
	'"name":"listed.test"' '"method":"PUT"' '"status":200'
# HTTP/1 goes on as ever; where the origin speaks that alone, HTTP/2 fails.
agent $CURL http://http1.test:8000/ | expect 'hello from nghttpd.test'
agent $PRIOR http://http1.test:8000/ | expect upstream_http

# No route says so, or there is none at all.
agent $PRIOR -w '%{http_code}\n' http://closed.test/refused >"$DIR/out"
expect '"reason":"h2c_not_listed"' <"$DIR/out"
expect '"allow":"- {host: closed.test, h2c: true}"' <"$DIR/out"
expect '^403$' <"$DIR/out"
agent nghttp -v http://closed.test/refused | expect h2c_not_listed
agent $PRIOR http://unlisted.test/refused | expect '"reason":"name_not_listed"'
agent $PRIOR http://narrow.test/open | expect '^connection'
agent $PRIOR http://narrow.test/refused |
	expect '"reason":"request_not_listed"'
audit_has '"event":"request"' '"verdict":"deny"' '"name":"closed.test"' \
	'"reason":"h2c_not_listed"' '"status":403'

agent_does_h2 <<-'END'
	from h2_peer import *

	def clear(name):
	    return Link(name, port=80, protocols=())

	link = clear("listed.test")
	answer = link.get("/trailers")
	assert answer.body == b"hello" and answer.trailers == [("x-sum", "5")]
	# Its origin is one name's: another is asked for on another connection.
	for other in "also.test", "closed.test":
	    answer = link.get("/refused", authority=other)
	    assert answer.status == 421, (other, answer.status)
	assert link.get("/refused", authority="unlisted.test").status == 403
	assert link.get("/refused", authority="listed.test:81").status == 403
	answer = link.get(fields=[
	    (":method", "GET"), (":scheme", "https"),
	    (":authority", "listed.test"), (":path", "/refused")])
	assert answer.status == 421 and b"host_mismatch" in answer.body
	assert b"connection" in link.get("/").body
	assert b"connection" in clear("also.test").get("/").body

	# Many refusals on one connection, in gRPC's words to who speaks it.
	link = clear("closed.test")
	for _ in range(3):
	    answer = link.get("/refused")
	    assert answer.status == 403 and b"h2c_not_listed" in answer.body
	answer = link.get("/refused", method="POST", more=[
	    ("content-type", "application/grpc"), ("te", "trailers")])
	assert answer.status == 200 and answer.field("grpc-status") == "7"
END

# A new manifest without it ends what is under way.
cat >"$DIR/agent.py" <<-'END'
	from h2_peer import *

	link = Link("listed.test", port=80, protocols=())
	n = link.ask("/echo", method="POST", end=False)
	link.put(n, b"there")
	link.until(lambda: link.answers[n].body == b"there")
	open(sys.argv[1], "w").close()
	answer = link.wait(n)
	assert answer.reset == 8, answer.reset
	answer = link.get("/refused")
	assert answer.status == 403 and b"h2c_not_listed" in answer.body
END
agent $PYTHON "$DIR/agent.py" "$DIR/waiting" >"$DIR/said" 2>&1 &
await test -e "$DIR/waiting" || fail 'the agent does not wait'
manifest "routes:
  - {host: listed.test}$ROUTES"
wait $! || {
	cat "$DIR/said" >&2
	fail 'the stream went on'
}
audit_has '"event":"request"' '"reason":"policy_changed"' '"path":"/echo"'

! grep -q -e refused -e unlisted -e ' closed.test' "$DIR/world-h2.log" ||
	fail 'the world heard of what was refused'
