# What an origin says bit by bit arrives bit by bit, events and WebSockets too.
. "${0%/*}/peers_lib.sh"

world_peers listed.test
world_resolves
manifest 'routes: [{host: listed.test}]'

agent_does <<-'END'
	import os
	from peer import *

	for port in 443, 80:
	    # Each event is sent only when the one before it has been seen.
	    link = connect("listed.test", port)
	    other = connect("listed.test", port)
	    stream = link.makefile("rb")
	    link.sendall(f"GET /events/at{port}- HTTP/1.1\r\n"
	                 "Host: listed.test\r\n\r\n".encode())
	    first, fields = read_head(stream)
	    assert ("content-type", "text/event-stream") in fields, fields
	    for i in range(5):
	        size = int(stream.readline(), 16)
	        event = read_exactly(stream, size + 2)
	        assert event == b"data: %d\n\n\r\n" % i, event
	        exchange(other, f"GET /open/at{port}-{i} HTTP/1.1\r\n"
	                 "Host: listed.test\r\n\r\n".encode())
	    assert stream.readline() == b"0\r\n"
	    link.close()
	    other.close()

	    link = connect("listed.test", port)
	    stream = link.makefile("rb")
	    key = base64.b64encode(os.urandom(16)).decode()
	    link.sendall("GET /websocket HTTP/1.1\r\nHost: listed.test\r\n"
	                 "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
	                 "Sec-WebSocket-Version: 13\r\n"
	                 f"Sec-WebSocket-Key: {key}\r\n\r\n".encode())
	    first, fields = read_head(stream)
	    assert first.startswith("HTTP/1.1 101 "), first
	    proof = base64.b64encode(hashlib.sha1(key.encode() + GUID).digest())
	    assert dict(fields)["sec-websocket-accept"] == proof.decode(), fields
	    assert read_frame(stream) == (0x81, b"welcome")
	    for size in 0, 1, 125, 126, 70000, 1 << 20:
	        data = content(size)
	        link.sendall(frame(0x82, data, os.urandom(4)))
	        assert read_frame(stream) == (0x82, data), size
	    link.sendall(frame(0x88, b"\x03\xe8", os.urandom(4)))
	    assert read_frame(stream) == (0x88, b"\x03\xe8")
	    assert stream.read() == b""
	    link.close()
END
audit_has '"event":"request"' '"path":"/websocket"' '"status":101'
