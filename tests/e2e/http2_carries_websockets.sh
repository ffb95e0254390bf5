# WebSockets over HTTP/2 (RFC 8441) are offered where a route says so and the
# origin offers them, are judged as the GET that they would be in HTTP/1, and
# then pass bytes both ways until both sides have ended.
. "${0%/*}/h2_lib.sh"

world_h2 -- websocket.test websockets.test plain.test
world_resolves
(umask 077 && echo 'TOKEN=s3cret-s3cret' >"$DIR/secrets")
SECRETS="$DIR/secrets"
WIDE='{host: websocket.test, http2_websocket: true}'
NARROW='{host: websocket.test, http2_websocket: true,
    matches: [{paths: [{type: prefix, value: /echo}], methods: [GET]}]}'
REST='{host: plain.test, http2_websocket: true}'
with()
{
	manifest "routes: [$1, {host: websockets.test}, $REST]"
}
with "$NARROW"

cat >"$DIR/websocket.py" <<-'END'
	from h2_peer import *

	def offered(link):
	    return link.h2.remote_settings.enable_connect_protocol == 1

	def link_to(name):
	    """Once it has been offered; an answer comes after that."""
	    link = Link(name, validate=False)
	    link.until(lambda: offered(link))
	    return link

	def opening(link, path, *more, protocol="websocket"):
	    return [(":method", "CONNECT"), (":protocol", protocol),
	            (":scheme", "https"), (":authority", link.name),
	            (":path", path), ("sec-websocket-version", "13"), *more]

	def open_at(link, path, *more, **how):
	    return link.ask(fields=opening(link, path, *more, **how), end=False)

	def heard(link, n, what):
	    link.until(lambda: bytes(link.answers[n].body).endswith(what))
END
export PYTHONPATH="$DIR:$PYTHONPATH"

agent_does_h2 <<-'END'
	from websocket import *

	link = link_to("websocket.test")
	n = open_at(link, "/echo", ("origin", "https://x.test"))
	link.until(lambda: link.answers[n].status == 200)
	# Bytes, as they come, both ways, beside other streams.
	for i in range(5):
	    link.put(n, b"\x82\x05piece" + bytes([i]))
	    heard(link, n, b"\x82\x05piece" + bytes([i]))
	# It is read no further: not even trailers' length is held to anything.
	data = content(300000)
	link.put(n, data)
	heard(link, n, data)
	# Half-close: the origin ends after the agent has.
	link.put(n, b"last", True)
	answer = link.wait(n)
	assert answer.ended and answer.body.endswith(b"last")

	# Judged as a GET of that path, in words.
	answer = link.wait(open_at(link, "/refused"))
	assert answer.status == 403 and b"request_not_listed" in answer.body
	assert b'methods: [GET]' in answer.body, answer.body
	for protocol in "connect-udp", "connect-ip":
	    answer = link.wait(open_at(link, "/echo/refused",
	                               protocol=protocol))
	    assert answer.status == 501 and b"http_method" in answer.body
	for authority, status in (("plain.test", 421), ("other.test", 403)):
	    fields = [(":authority", authority) if name == ":authority" else
	              (name, value)
	              for name, value in opening(link, "/echo/refused")]
	    assert link.wait(link.ask(fields=fields, end=False)).status == status
	# Resets pass.
	n = open_at(link, "/echo")
	link.until(lambda: link.answers[n].status == 200)
	link.h2.reset_stream(n, 8)
	link.flush()
	assert link.get("/echo/still", end=True).status == 200


	# Not offered: by the route, or by the origin.
	for name in "websockets.test", "plain.test":
	    link = Link(name, validate=False)
	    for _ in range(3):
	        link.get("/")
	    assert not offered(link), name
	    assert link.wait(open_at(link, "/refused")).reset == 1
END
await grep -q 'reset 8' "$DIR/world-h2.log" ||
	fail 'the origin did not hear of the reset'
grep -q ' CONNECT websocket.test /echo$' "$DIR/world-h2.log" ||
	fail 'the witness is blind'
! grep -q refused "$DIR/world-h2.log" || fail 'the world heard of what was refused'
audit_has '"event":"request"' '"verdict":"intercept"' '"method":"CONNECT"' \
	'"path":"/echo"' '"status":200'
audit_has '"event":"request"' '"verdict":"deny"' '"method":"CONNECT"' \
	'"path":"/refused"' '"reason":"request_not_listed"'

# The origin may end first, and hear the agent to its end. With a credential it
# is opened as any request is, and its bytes are nobody's to change.
with '{host: websocket.test, http2_websocket: true,
    auth: {scheme: Bearer, token_ref: TOKEN}}'
agent_does_h2 <<-'END'
	from websocket import *

	link = link_to("websocket.test")
	n = open_at(link, "/early_and_patient")
	link.until(lambda: link.answers[n].ended)
	assert link.answers[n].status == 202
	assert link.answers[n].body == b"go on\n"
	link.put(n, content(100000), True)
	n = open_at(link, "/echo")
	# A beginning of the secret is not waited for to go on.
	for said in b"Bearer s3cret-s3c", b"ret":
	    link.put(n, said)
	    heard(link, n, said)
	assert link.answers[n].body == b"Bearer s3cret-s3cret"

	# Another connection to the origin has to take them too, and may not have
	# said so yet: then it may be tried again.
	link = link_to("websocket.test")
	link.get("/goaway")
	refused = 0
	while True:
	    n = open_at(link, "/echo")
	    link.until(lambda: link.answers[n].status == 200 or
	               link.answers[n].reset == 7)
	    if link.answers[n].status == 200:
	        break
	    refused += 1
	assert refused > 0
END
await grep -q 'ended 100000' "$DIR/world-h2.log" ||
	fail 'the origin did not hear the agent to its end'
grep -q 'with Bearer s3cret-s3cret' "$DIR/world-h2.log" ||
	fail 'no credential'

# A new manifest that does not admit it ends it, also if that is all it says.
with "$WIDE"
cat >"$DIR/agent.py" <<-'END'
	from websocket import *

	link = link_to("websocket.test")
	n = open_at(link, "/echo")
	link.put(n, b"there")
	heard(link, n, b"there")
	open(sys.argv[1], "w").close()
	assert link.wait(n).reset == 8
	answer = link.wait(open_at(link, "/refused"))
	assert answer.status == 403 and b"websocket_not_listed" in answer.body
	assert b"http2_websocket: true" in answer.body, answer.body
	assert link.get("/").status == 200
END
agent $PYTHON "$DIR/agent.py" "$DIR/waiting" >"$DIR/said" 2>&1 &
await test -e "$DIR/waiting" || fail 'the agent does not wait'
with '{host: websocket.test}'
wait $! || {
	cat "$DIR/said" >&2
	fail 'it went on'
}
audit_has '"event":"request"' '"reason":"policy_changed"' '"path":"/echo"'
! grep -q refused "$DIR/world-h2.log" || fail 'the world heard of what was refused'
