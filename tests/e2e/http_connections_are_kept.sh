# Many requests on the agent's connection are as many on one connection to the
# origin; those sent without waiting are answered in their order.
. "${0%/*}/peers_lib.sh"

world_peers listed.test
world_resolves
manifest 'routes: [{host: listed.test}]'

agent_does <<-'END'
	from peer import *

	for port in 443, 80:
	    link = connect("listed.test", port)
	    seen = set()
	    for i in range(50):
	        _, _, body = exchange(link, f"GET /{i} HTTP/1.1\r\n"
	                              "Host: listed.test\r\n\r\n".encode())
	        number = body.split(b"connection ")[1].split(b"\n")[0]
	        seen.add(number.split(b".")[0])
	        assert number.split(b".")[1] == b"%d" % (i + 1), number
	    assert len(seen) == 1, seen
	    link.close()

	    link = connect("listed.test", port)
	    many = [f"POST /p{i} HTTP/1.1\r\nHost: listed.test\r\n"
	            f"Content-Length: {i}\r\n\r\n{'x' * i}" for i in range(100)]
	    link.sendall("".join(many).encode())
	    stream = link.makefile("rb")
	    for i in range(100):
	        first, fields = read_head(stream)
	        body = read_body(stream, fields).decode()
	        assert f"request POST /p{i} " in body, (i, body)
	        assert f"body {i} {digest(b'x' * i)}" in body, (i, body)
	    link.close()

	    # Asked to be the last, it is.
	    link = connect("listed.test", port)
	    first, fields, _ = exchange(link, b"GET / HTTP/1.1\r\nHost: listed."
	                                b"test\r\nConnection: close\r\n\r\n")
	    assert ("connection", "close") in fields, fields
	    assert link.recv(1) == b""
END
agent curl -sS --max-time 10 -o /dev/null -w '%{num_connects}\n' \
	'https://listed.test/[1-20]' >"$DIR/connects"
[ "$(grep -c '^0$' "$DIR/connects")" -eq 19 ] || fail 'curl had to reconnect'
