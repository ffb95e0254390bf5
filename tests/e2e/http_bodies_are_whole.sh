# Requests and answers of every method, size and framing arrive as they were
# sent, to the byte, over TLS and in the clear, over IPv4 and IPv6.
. "${0%/*}/peers_lib.sh"

world_peers listed.test
world_resolves
manifest 'routes: [{host: listed.test}]'

agent_does <<-'END'
	import socket
	from peer import *

	for family in socket.AF_INET, socket.AF_INET6:
	    for port in 443, 80:
	        # All of it on one connection: nothing is left over in between.
	        link = connect("listed.test", port, family)
	        for size in 0, 1, 16384, 5 << 20:
	            data = content(size)
	            for method in "POST", "PUT", "PATCH", "DELETE":
	                if size == 5 << 20 and method != "PUT":
	                    continue
	                start = f"{method} /x HTTP/1.1\r\nHost: listed.test\r\n"
	                for framing, body in (
	                        (f"Content-Length: {size}", data),
	                        ("Transfer-Encoding: chunked", chunked(data))):
	                    head = f"{start}{framing}\r\n\r\n".encode()
	                    first, _, got = exchange(link, head, body)
	                    assert first == "HTTP/1.1 200 OK", first
	                    want = f"\nbody {size} {digest(data)}\n".encode()
	                    assert want in got, (method, size, framing, got)
	            for framing in "length", "chunked":
	                for method in "GET", "HEAD":
	                    head = (f"{method} /{framing}/{size} HTTP/1.1\r\n"
	                            "Host: listed.test\r\n\r\n").encode()
	                    first, fields, got = exchange(link, head,
	                                                  method=method)
	                    assert first == "HTTP/1.1 200 OK", first
	                    if method == "GET":
	                        assert got == data, (framing, size, len(got))
	                    elif framing == "length":
	                        assert ("content-length", str(size)) in fields
	        link.close()
	        # Until close: whole too, to each version of the protocol.
	        for size in 0, 1, 5 << 20:
	            for version in "1.0", "1.1":
	                link = connect("listed.test", port, family)
	                head = (f"GET /close/{size} HTTP/{version}\r\n"
	                        "Host: listed.test\r\n\r\n").encode()
	                first, fields, got = exchange(link, head)
	                assert first.startswith("HTTP/1.1 200"), first
	                assert got == content(size), (version, size, len(got))
	                if version == "1.0":
	                    assert "transfer-encoding" not in dict(fields)
	                link.close()
END
