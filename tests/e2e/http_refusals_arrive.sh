# An agent that is refused while it still sends can send on and then read why,
# in whole; it is not asked for a body that nobody will read, and what it had
# asked before is answered first.
. "${0%/*}/peers_lib.sh"

world_peers listed.test unlisted.test
world_resolves
manifest 'routes: [{host: listed.test}]'

agent_does <<-'END'
	import json
	from peer import *

	HOST = b"Host: listed.test\r\n"
	MUCH = content(700 << 10)

	def refusal(stream):
	    """The status, and the reason in a body that is whole."""
	    first, fields = read_head(stream)
	    assert ("connection", "close") in fields, fields
	    return int(first.split()[1]), json.loads(
	        read_body(stream, fields))["reason"]

	def post(fields, more=b""):
	    return b"POST / HTTP/1.1\r\n" + fields + b"\r\n" + more

	length = b"Content-Length: %d\r\n" % len(MUCH)
	chunks = b"Transfer-Encoding: chunked\r\n"
	line = b"X: %b\r\n" % (b"v" * 1000)
	# Each with all that the agent would still say.
	CASES = [
	    (post(HOST + HOST + length, MUCH), 400, "http_malformed"),
	    (post(b"Host: unlisted.test\r\n" + length, MUCH), 403, None),
	    (post(HOST + b"Expect: wonders\r\n" + length, MUCH), 417,
	     "http_malformed"),
	    (post(HOST + chunks, b"nonsense" + MUCH), 400, "http_malformed"),
	    (post(HOST + chunks, chunked(MUCH).replace(b"\r\n", b"\n")), 400,
	     "http_malformed"),
	    (b"CONNECT unlisted.test:443 HTTP/1.1\r\nHost: unlisted.test:443"
	     b"\r\n\r\n" + MUCH, 501, "http_method"),
	    # More than a head may have, in one line and in many.
	    (post(HOST + b"X: " + b"v" * (1 << 20)), 431, "http_malformed"),
	    (post(HOST + line * 700), 431, "http_malformed"),
	    (post(HOST + b"X: v\r\n" * 65536), 431, "http_malformed"),
	    (post(HOST + b"X: v\r\n" * 101), 431, "http_malformed"),
	    (b"GET /" + b"a" * 700000 + b" HTTP/1.1\r\n" + HOST, 431,
	     "http_malformed"),
	    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + MUCH, 400,
	     "http_malformed"),
	    (b"G" * 24 + b" /" + MUCH, 400, "http_malformed"),
	]
	for port in 443, 80:
	    for said, status, reason in CASES:
	        for before in (b"", b"GET /hello HTTP/1.1\r\n" + HOST + b"\r\n"):
	            # Where it comes first, and without TLS, it is HTTP/2.
	            if port == 80 and not before and said.startswith(b"PRI"):
	                continue
	            reason_here = reason or (
	                "host_mismatch" if port == 443 else "name_not_listed")
	            link = connect("listed.test", port)
	            # As whoever writes first and reads then: nothing may fail.
	            link.sendall(before + said[:600000])
	            stream = link.makefile("rb")
	            if before:
	                first, fields = read_head(stream)
	                assert first == "HTTP/1.1 200 OK", (first, said[:200])
	                assert b"hello from" in read_body(stream, fields)
	            got = refusal(stream)
	            assert got == (status, reason_here), (got, said[:200], before)
	            assert stream.read() == b"", said[:200]
	            link.close()

	    # Who asks whether to send a body is told, and not "100 Continue".
	    link = connect("listed.test", port)
	    link.sendall(post(b"Host: unlisted.test\r\nContent-Length: 5\r\n"
	                      b"Expect: 100-continue\r\n"))
	    assert refusal(link.makefile("rb"))[0] == 403
	    link.close()

	    # A head that stops in the middle is waited for only so long, also
	    # when it is not the first.
	    link = connect("listed.test", port)
	    exchange(link, b"GET /hello HTTP/1.1\r\n" + HOST + b"\r\n")
	    link.sendall(b"GET / HTTP/1.1\r\nHost: ")
	    assert refusal(link.makefile("rb")) == (408, "timed_out")
	    link.close()
END
# Who takes a second to speak, as Java on a busy machine, is told as well.
agent_does <<-'END'
	import time
	from peer import *

	for port in 443, 80:
	    link = connect("unlisted.test", port, tls=False)
	    time.sleep(1.5)
	    if port == 443:
	        link = ssl.create_default_context().wrap_socket(
	            link, server_hostname="unlisted.test")
	    first, _, body = exchange(
	        link, b"GET / HTTP/1.1\r\nHost: unlisted.test\r\n\r\n")
	    assert first.startswith("HTTP/1.1 403 "), first
	    assert b"name_not_listed" in body, body
END

# An origin may have seen the head of what then went wrong, and no body.
! grep ' body [1-9]' "$DIR/world-origin.log" || fail 'a body arrived'
! grep -v -e ' GET /hello ' -e ' POST / ' "$DIR/world-origin.log" |
	grep ' HTTP/1.1$' || fail 'a refused request arrived'
world_heard_nothing_of unlisted
