# What HTTP/1.1 lets the two ends say to each other passes: interim answers,
# answers without a body, early ones, fields in their order, and the clients
# of HTTP/1.0.
. "${0%/*}/peers_lib.sh"

world_peers listed.test
world_resolves
manifest 'routes: [{host: listed.test}]'

agent_does <<-'END'
	from peer import *

	def ask(link, path, method="GET", more="", body=b"", version="1.1"):
	    head = (f"{method} {path} HTTP/{version}\r\nHost: listed.test\r\n"
	            f"{more}\r\n").encode()
	    return exchange(link, head, body, method)

	for port in 443, 80:
	    link = connect("listed.test", port)

	    # 204 and 304 have no body, whatever their fields say.
	    first, fields, _ = exchange(link, b"GET /status/204 HTTP/1.1\r\n"
	                                b"Host: listed.test\r\n\r\n", b"", "HEAD")
	    assert first == "HTTP/1.1 204 As It Is", first
	    assert ("x-kept", "yes") in fields and ("etag", '"e"') in fields
	    assert "content-length" not in dict(fields), fields
	    for path in "/status/304", "/not_modified":
	        first, fields, _ = ask(link, path, "HEAD")
	        assert first.startswith("HTTP/1.1 304"), first
	        link.sendall(f"GET {path} HTTP/1.1\r\n"
	                     "Host: listed.test\r\n\r\n".encode())
	        stream = link.makefile("rb")
	        first, fields = read_head(stream)
	        assert first.startswith("HTTP/1.1 304"), first
	        assert ("etag", '"e"') in fields
	    assert b"hello" in ask(link, "/after")[2]

	    # Fields keep their order and their number.
	    _, fields, _ = ask(link, "/cookies")
	    kept = [each for each in fields
	            if each[0] in ("set-cookie", "x-between")]
	    assert kept == [
	        ("set-cookie", "a=1; Path=/"), ("x-between", "them"),
	        ("set-cookie", "b=2; Expires=Wed, 09 Jun 2027 10:18:14 GMT"),
	        ("set-cookie", "c=3")], kept
	    sent = ("Cookie: a=1; b=2\r\nX-Order: 1\r\nAccept: */*\r\n"
	            "X-Order: 2\r\nX-Empty:\r\n")
	    text = ask(link, "/fields?q=a%20b&c=%2F%2f", more=sent)[2].decode()
	    assert "request GET /fields?q=a%20b&c=%2F%2f HTTP/1.1" in text, text
	    seen = [line[6:].lower() for line in text.splitlines()
	            if line.startswith("field ")]
	    order = [line for line in seen
	             if line.split(":")[0] in ("cookie", "x-order", "accept",
	                                       "x-empty")]
	    assert order == ["cookie: a=1; b=2", "x-order: 1", "accept: */*",
	                     "x-order: 2", "x-empty: "], order

	    # Large heads, both ways.
	    large = "".join(f"X-Large-{i}: {'v' * 1000}\r\n" for i in range(24))
	    text = ask(link, "/", more=large)[2].decode()
	    assert text.count("v" * 1000) == 24, len(text)
	    _, fields, _ = ask(link, "/large_head/24")
	    assert sum(name.startswith("x-large-") for name, _ in fields) == 24

	    # Trailers pass, as far as they were announced.
	    link.sendall(b"POST /trailers HTTP/1.1\r\nHost: listed.test\r\n"
	                 b"TE: trailers\r\nTrailer: X-In, Host\r\n"
	                 b"Transfer-Encoding: chunked\r\n\r\n"
	                 b"2\r\nhi\r\n0\r\nX-In: 2\r\nX-Not: 1\r\n"
	                 b"Host: other.test\r\n\r\n")
	    stream = link.makefile("rb")
	    _, fields = read_head(stream)
	    assert ("trailer", "X-Sum") in fields, fields
	    assert read_exactly(stream, 10) == b"5\r\nhello\r\n"
	    assert stream.readline() == b"0\r\n"
	    assert read_head(stream) == ("X-Sum: 5 te=trailers x-in=2", [])
	    assert b"hello from" in ask(link, "/after")[2]
	    link.close()

	    # Expect: the body is sent only when the origin asked for it ...
	    link = connect("listed.test", port)
	    stream = link.makefile("rb")
	    link.sendall(b"PUT /x HTTP/1.1\r\nHost: listed.test\r\n"
	                 b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	    assert read_head(stream)[0].startswith("HTTP/1.1 100 ")
	    link.sendall(b"hello")
	    first, fields = read_head(stream)
	    assert first == "HTTP/1.1 200 OK", first
	    assert digest(b"hello").encode() in read_body(stream, fields)
	    link.close()
	    # ... and not if it did not.
	    link = connect("listed.test", port)
	    first, _, body = ask(link, "/unexpected", "PUT", "Content-Length: 5\r\n"
	                         "Expect: 100-continue\r\n")
	    assert first == "HTTP/1.1 417 Expectation Failed", first
	    link.close()

	    # From an origin that says nothing to it, nothing is said for it; the
	    # body passes all the same once the agent has waited enough.
	    link = connect("listed.test", port)
	    stream = link.makefile("rb")
	    link.sendall(f"PUT /silent/expected{port} HTTP/1.1\r\n"
	                 "Host: listed.test\r\nContent-Length: 5\r\n"
	                 "Expect: 100-continue\r\n\r\n".encode())
	    other = connect("listed.test", port)
	    assert b"open" in ask(other, f"/await/expected{port}")[2]
	    other.close()
	    link.sendall(b"hello")
	    first, fields = read_head(stream)
	    assert first == "HTTP/1.1 200 OK", first
	    text = read_body(stream, fields)
	    assert digest(b"hello").encode() in text, text
	    assert b"field expect: 100-continue" in text, text
	    link.close()

	    # Early hints come before the answer: it waits until they are seen.
	    gate = f"hints{port}"
	    link = connect("listed.test", port)
	    stream = link.makefile("rb")
	    link.sendall(f"GET /hints/{gate} HTTP/1.1\r\n"
	                 "Host: listed.test\r\n\r\n".encode())
	    first, fields = read_head(stream)
	    assert first == "HTTP/1.1 103 Early Hints", first
	    assert ("link", "</style.css>; rel=preload") in fields
	    other = connect("listed.test", port)
	    ask(other, f"/open/{gate}")
	    other.close()
	    first, fields = read_head(stream)
	    assert first == "HTTP/1.1 200 OK", first
	    assert read_body(stream, fields) == b"after the hints\n"
	    link.close()

	    # HTTP/1.0 has none of it.
	    link = connect("listed.test", port)
	    first, _, body = ask(link, f"/hints/{gate}", version="1.0")
	    assert first == "HTTP/1.1 200 OK", first
	    assert body == b"after the hints\n", body
	    link.close()

	    # An early answer to an upload is seen by who does not stop to look.
	    link = connect("listed.test", port)
	    try:
	        link.sendall(b"POST /early HTTP/1.1\r\nHost: listed.test\r\n"
	                     b"Content-Length: 50000000\r\n\r\n" + content(300000))
	    except OSError:
	        pass
	    stream = link.makefile("rb")
	    first, fields = read_head(stream)
	    assert first and first.startswith("HTTP/1.1 413 "), first
	    assert read_body(stream, fields) == b"too large\n"
	    link.close()

	    # HTTP/1.0, from either end.
	    link = connect("listed.test", port)
	    first, fields, body = ask(link, "/chunked/20000", version="1.0")
	    assert " 200 " in first and body == content(20000), first
	    assert "transfer-encoding" not in dict(fields), fields
	    assert link.recv(1) == b""
	    link = connect("listed.test", port)
	    first, fields, body = ask(link, "/http10")
	    assert " 200 " in first and body == content(1000), (first, len(body))
	    link.close()
END
