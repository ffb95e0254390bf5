# What HTTP/2 lets the two ends say to each other passes, stream by stream:
# trailers, interim and early answers, resets with their codes, bodies of any
# length in either direction at once. Both legs speak the same version.
. "${0%/*}/h2_lib.sh"

need nghttp nghttpd h2load

world_h2 -- listed.test
_world_name nghttpd.test
world_certificate nghttpd.test nghttpd.test
mkdir "$DIR/htdocs"
head -c 3000000 /dev/urandom >"$DIR/htdocs/large"
echo 'hello from nghttpd.test' >"$DIR/htdocs/index.html"
background world-nghttpd.log in_world nghttpd -d "$DIR/htdocs" \
	--address "$(world_address nghttpd.test)" 8443 \
	"$DIR/nghttpd.test.key" "$DIR/nghttpd.test.pem"
world_resolves
manifest 'routes: [{host: listed.test}, {host: nghttpd.test, ports: [8443]}]'

agent_does_h2 <<-'END'
	from h2_peer import *

	link = Link("listed.test")

	# A request and its answer, field by field.
	answer = link.get("/fields?q=a%20b&c=%2F%2f", more=[
	    ("cookie", "a=1"), ("x-order", "1"), ("cookie", "b=2"),
	    ("x-order", "2"), ("x-empty", ""), ("te", "trailers")])
	seen = [line[6:] for line in answer.body.decode().splitlines()
	        if line.startswith("field ")]
	assert seen == [
	    ":method: GET", ":scheme: https", ":authority: listed.test",
	    ":path: /fields?q=a%20b&c=%2F%2f", "cookie: a=1", "x-order: 1",
	    "cookie: b=2", "x-order: 2", "x-empty: ", "te: trailers"], seen
	answer = link.get("/cookies")
	assert answer.fields == [(":status", "200"), ("set-cookie", "a=1"),
	                         ("x-between", "them"), ("set-cookie", "b=2")]

	# Answers without a body, whatever their fields say.
	answer = link.get("/not_modified")
	assert answer.status == 304 and answer.body == b""
	assert answer.field("content-length") == "5000"
	assert link.get("/status/204").field("x-kept") == "yes"
	assert link.get("/fields", method="HEAD").body == b""

	# Trailers, after a body, without one, and in a request.
	answer = link.get("/trailers")
	assert answer.body == b"hello" and answer.trailers == [("x-sum", "5")]
	answer = link.get("/only_trailers")
	assert answer.field("grpc-status") == "5" and answer.ended
	answer = link.get("/", method="POST", body=b"abc",
	                  trailers=[("x-end", "yes"), ("authorization", "no")])
	assert b"trailer x-end: yes" in answer.body
	assert b"trailer authorization" not in answer.body

	# Interim answers come first.
	answer = link.get("/hints")
	assert answer.interim == [[(":status", "103"),
	                           ("link", "</style.css>; rel=preload")]]
	assert answer.body == b"after the hints\n"
	answer = link.get("/", method="PUT", body=b"x" * 10,
	                  more=[("expect", "100-continue")])
	assert [dict(i)[":status"] for i in answer.interim] == ["100"]
	assert b"body 10 " in answer.body

	# Bodies, of known and of unknown length, empty and large.
	for n in 0, 1, 65535, 65536, 1000000:
	    assert link.get(f"/bytes/{n}").body == content(n), n
	    assert link.get(f"/unknown_length/{n}").body == content(n), n
	    answer = link.get("/", method="POST", body=content(n))
	    assert f"body {n} {digest(content(n))}".encode() in answer.body, n

	# Many at once.
	asked = [link.ask(f"/bytes/{100000 + i}") for i in range(50)]
	for i, n in enumerate(asked):
	    assert link.wait(n).body == content(100000 + i), i

	# Both directions at once: each piece comes back before the next is sent.
	n = link.ask("/echo", method="POST", end=False)
	for i in range(5):
	    link.put(n, b"piece %d" % i)
	    link.until(lambda: link.answers[n].body.endswith(b"piece %d" % i))
	link.put(n, b"", True)
	assert link.wait(n).ended

	# An early answer is seen, and the rest of the request not wanted ...
	n = link.ask("/early", method="POST", end=False)
	link.put(n, b"some")
	answer = link.wait(n)
	assert answer.status == 413 and answer.body == b"too large\n"
	link.until(lambda: answer.reset == 0)
	# ... unless the origin reads on.
	n = link.ask("/early_and_patient", method="POST", end=False)
	answer = link.wait(n)
	assert answer.status == 202 and answer.reset is None
	link.put(n, content(200000), True)
	link.get("/")

	# Resets keep their codes, before and after an answer has begun.
	for code in 1, 2, 7, 8, 11, 13:
	    assert link.get(f"/reset_unanswered/{code}").reset == code
	    answer = link.get(f"/reset/{code}")
	    assert answer.reset == code and not answer.ended
	# What the origin did not say as it must, the agent does not hear.
	answer = link.get("/malformed")
	assert answer.status == 502 and b"upstream_http" in answer.body
	answer = link.get("/long")
	assert answer.reset == 1 and answer.body != b"more than that"

	# An agent that changes its mind.
	n = link.ask("/never")
	link.get("/")
	link.h2.reset_stream(n, 8)
	link.flush()

	# Goodbyes of the origin: what it answers is answered, what it does not is
	# refused so that it can be tried again, and the next request is served.
	for path in "/goaway", "/close":
	    assert link.get(path).status == 200
	    answer = link.get("/after" + path)
	    if answer.reset == 7:  # it crossed the goodbye (RFC 9113 8.7)
	        answer = link.get("/after" + path)
	    assert b"connection" in answer.body
	assert link.get("/goaway_before").reset == 7
	assert b"connection" in link.get("/again").body
	slow, gone = link.ask("/never"), link.ask("/vanish")
	# One that found the connection idle may have found it stale.
	assert link.wait(slow).reset == 7
	answer = link.wait(gone)
	assert answer.status == 502, answer.status
	assert link.get("/at_last").status == 200
	assert link.goaway is None
END
await grep -q 'ended 200000' "$DIR/world-h2.log" ||
	fail 'the patient origin did not get it all'
await grep -q 'reset 8' "$DIR/world-h2.log" ||
	fail 'the origin did not hear of the reset'

# An agent that leaves: what it had begun is taken back.
agent_does_h2 <<-'END'
	from h2_peer import *

	link = Link("listed.test")
	link.get("/")
	link.ask("/never/left")
	link.get("/")
	link.sock.close()
END
number=$(sed -n 's/^\([0-9]*\) .* \/never\/left$/\1/p' "$DIR/world-h2.log")
await grep -q "^$number closed" "$DIR/world-h2.log" ||
	fail 'the origin was not told that the agent left'

# Real clients.
agent $CURL --http2 -o "$DIR/out" -w '%{http_version} %{http_code}\n' \
	https://nghttpd.test:8443/large | expect '^2 200$'
cmp "$DIR/out" "$DIR/htdocs/large" || fail 'not what curl was to get'
agent $CURL --http2 -T "$DIR/htdocs/large" -o "$DIR/out" https://listed.test/
sum=$(sha256sum "$DIR/htdocs/large" | cut -d' ' -f1)
expect "^body 3000000 $sum" <"$DIR/out"
agent nghttp -y --no-verify-peer https://nghttpd.test:8443/ |
	expect 'hello from nghttpd.test'
agent h2load -n 500 -c 4 -m 20 https://nghttpd.test:8443/ |
	expect '500 succeeded, 0 failed'
