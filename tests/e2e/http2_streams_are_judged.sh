# Each stream is judged by itself: whatever the one before it was allowed, none
# reaches the world that is for another name, has two readings, or asks for
# what is not carried. The others go on.
. "${0%/*}/h2_lib.sh"

world_h2 -- listed.test also.test unlisted.test
world_resolves
manifest 'routes: [{host: listed.test}, {host: also.test}]'

agent_does_h2 <<-'END'
	from h2_peer import *

	PSEUDO = {":method": "GET", ":scheme": "https",
	          ":authority": "listed.test", ":path": "/refused"}

	def fields(*more, **pseudo):
	    changed = {f":{name}": value for name, value in pseudo.items()}
	    return [(name, value) for name, value in {**PSEUDO, **changed}.items()
	            if value is not None] + list(more)

	def refused(what, status, reason=b"http_malformed"):
	    """On a connection where other streams are served, before and after."""
	    link = Link("listed.test", validate=False)
	    assert link.get("/served").status == 200
	    long = link.ask("/echo", method="POST", end=False)
	    answer = link.get(fields=what)
	    if status:
	        assert answer.status == status, (what, answer.status, answer.reset)
	        assert reason in answer.body, (what, answer.body)
	        assert answer.field("content-type") == "application/problem+json"
	    else:
	        assert answer.reset == 1 and answer.status is None, what
	    link.put(long, b"still here", True)
	    assert link.wait(long).body == b"still here"
	    assert link.get("/served").status == 200
	    link.sock.close()

	# Another name: one that is denied, one that is admitted elsewhere.
	refused(fields(authority="unlisted.test"), 403, b"host_mismatch")
	refused(fields(authority="also.test"), 421, b"host_mismatch")
	refused(fields(authority="listed.test:8443"), 403, b"host_mismatch")
	refused(fields(authority="93.184.216.101"), 403, b"address_not_listed")
	refused(fields(scheme="http"), 421, b"host_mismatch")
	# Two names.
	refused(fields(("host", "unlisted.test")), 400)
	refused(fields(("host", "listed.test:444")), 400)
	refused(fields(("host", "listed.test"), ("host", "unlisted.test")), 0)
	refused(fields((":authority", "unlisted.test")), 0)
	refused(fields(authority="unlisted.test@listed.test"), 400)
	refused(fields(authority="listed.test@unlisted.test"), 400)
	refused(fields(authority="listed.test,unlisted.test"), 400)
	refused(fields(path="https://unlisted.test/refused"), 0)
	refused(fields(authority="unlisted.test", path="//listed.test/refused"),
	        403, b"host_mismatch")
	# What is not carried.
	refused([(":method", "CONNECT"), (":authority", "unlisted.test:443")],
	        501, b"http_method")
	refused([(":method", "CONNECT"), (":authority", "listed.test:443")],
	        501, b"http_method")
	refused(fields((":protocol", "websocket"), method="CONNECT"), 0)
	refused(fields(method="TRACE"), 501, b"http_method")
	# What another version would read differently.
	refused(fields(("transfer-encoding", "chunked")), 0)
	refused(fields(("connection", "host")), 0)
	refused(fields(("x", "a\r\nhost: unlisted.test")), 400)
	refused(fields(path="/refused HTTP/1.1\r\nhost: unlisted.test\r\n\r\n"), 0)

	# The same name in other words is the same name.
	link = Link("listed.test", validate=False)
	for same in "LISTED.test", "listed.test:443", "listed.test.":
	    answer = link.get(fields=fields(authority=same, path="/same"))
	    assert answer.status == 200, (same, answer.status)
	    assert b"field :authority: listed.test" in answer.body, answer.body
	assert link.get(fields=fields(("host", "listed.test"),
	                              path="/same")).status == 200
	# Nothing of Host, hop by hop or leading elsewhere goes out or comes in.
	answer = link.get(more=[("proxy-authorization", "x"), ("alt-svc", "y"),
	                        ("host", "listed.test")])
	assert b"proxy-auth" not in answer.body and b"alt-svc" not in answer.body
	assert b"field host" not in answer.body
	# A refused upload is refused at once, and what it still sends is nobody's.
	n = link.ask(method="POST", authority="unlisted.test", end=False)
	answer = link.wait(n)
	assert answer.status == 403
	link.until(lambda: answer.reset == 0)
	assert link.get().status == 200
END
grep -q ' /same$' "$DIR/world-h2.log" || fail 'the witness is blind'
! grep -q -e refused -e unlisted -e also "$DIR/world-h2.log" ||
	fail 'the world heard of what was refused'
! grep -E '^[0-9]+ [0-9]+ [A-Z]' "$DIR/world-h2.log" |
	grep -q -v -E ' listed.test(:443)? ' ||
	fail 'the world heard of something else'
audit_has '"event":"request"' '"verdict":"deny"' '"reason":"host_mismatch"' \
	'"name":"listed.test"' '"asked":"unlisted.test"' '"status":403'
audit_has '"event":"request"' '"verdict":"deny"' '"reason":"host_mismatch"' \
	'"asked":"also.test"' '"status":421'
audit_has '"event":"request"' '"verdict":"deny"' '"reason":"http_malformed"' \
	'"detail":"the head is malformed"'
audit_has '"event":"request"' '"verdict":"intercept"' '"path":"/served"' \
	'"status":200'

# A new manifest is for streams under way, too.
cat >"$DIR/agent.py" <<-'END'
	from h2_peer import *

	link = Link("listed.test")
	n = link.ask("/never/again")
	link.get("/")
	open(sys.argv[1], "w").close()
	link.until_over()
END
agent $PYTHON "$DIR/agent.py" "$DIR/waiting" >"$DIR/out" 2>&1 &
await test -e "$DIR/waiting" || fail 'the agent does not wait'
manifest 'routes: [{host: also.test}]'
wait $! || {
	cat "$DIR/out" >&2
	fail 'the connection went on'
}
audit_has '"event":"close"' '"reason":"policy_changed"' '"name":"listed.test"'
audit_has '"event":"request"' '"path":"/never/again"' '"detail":"cut short"'
