# An agent that floods a connection with what costs it nothing loses that
# connection, soon; others are served meanwhile, and the origin hears little.
. "${0%/*}/h2_lib.sh"

world_h2 -- listed.test
world_resolves
WORKERS=1
manifest 'routes: [{host: listed.test}]'

agent_does_h2 <<-'END'
	import struct
	import hpack
	from h2_peer import *

	other = Link("listed.test")

	def frame(kind, flags, stream, payload=b""):
	    return (struct.pack(">I", len(payload))[1:] + bytes([kind, flags])
	            + struct.pack(">I", stream) + payload)

	HEAD = hpack.Encoder().encode([
	    (":method", "POST"), (":scheme", "https"),
	    (":authority", "listed.test"), (":path", "/flood")], huffman=False)
	UNSOUND = hpack.Encoder().encode([
	    (":method", "GET"), (":scheme", "https"),
	    (":authority", "a@listed.test"), (":path", "/flood")])
	BOMB = hpack.Encoder()
	BOMB_HEAD = BOMB.encode([
	    (":method", "GET"), (":scheme", "https"),
	    (":authority", "listed.test"), (":path", "/flood")]) + \
	    BOMB.encode([("x", "y" * 3900)], huffman=False) + b"\xbe" * 10000

	def odd(i):
	    return 2 * i + 1

	def head(i, end=0, block=HEAD):
	    return frame(1, 4 | end, odd(i), block)

	def reset(i):
	    return frame(3, 0, odd(i), struct.pack(">I", 8))

	FLOODS = {
	    "rapid reset": lambda i: head(i) + reset(i),
	    "reset after an answer": lambda i: head(i, 1) + reset(i),
	    "unsound heads": lambda i: head(i, 1, UNSOUND),
	    "resets of the gateway's own":
	        lambda i: head(i) + frame(8, 0, odd(i), b"\x7f\xff\xff\xff"),
	    "data where none may be": lambda i: head(i, 1) + frame(0, 0, odd(i),
	                                                          b"x"),
	    "ping": lambda i: frame(6, 0, 0, b"12345678"),
	    "settings": lambda i: frame(4, 0, 0),
	    "settings that change": lambda i: frame(4, 0, 0, struct.pack(
	        ">HI", 1, i % 4096)),
	    "priority": lambda i: frame(2, 0, odd(i), b"\0\0\0\0\1"),
	    "empty data": lambda i: (head(0) if i == 0 else b"")
	        + frame(0, 8, 1, b"\3\0\0\0"),
	    "windows": lambda i: frame(8, 0, 0, b"\0\0\0\1"),
	    "frames of no known kind": lambda i: frame(0x42, 0, 0, b"x"),
	    "late heads": lambda i: (head(0, 1) + reset(0) if i == 0 else b"")
	        + head(0, 1),
	    "window of nothing": lambda i: frame(8, 0, 0, b"\0\0\0\0"),
	    "continuation": lambda i: frame(1, 1, 1, HEAD) if i == 0
	        else frame(9, 0, 1),
	    "a bomb": lambda i: frame(1, 5, odd(i), BOMB_HEAD[:16384]),
	    "heads that are never whole": lambda i: frame(1, 1, odd(i), HEAD),
	    "streams": lambda i: head(i),
	    "an even stream": lambda i: frame(1, 5, 2 + i * 2, HEAD),
	    "a frame too large": lambda i: frame(0, 0, 1, bytes(20000)),
	    "garbage": lambda i: b"\xff" * 9,
	}

	def ends(link):
	    """Whether the gateway has ended it, whatever was said before that."""
	    link.sock.settimeout(PATIENCE)
	    try:
	        while link.sock.recv(65536):
	            pass
	    except ConnectionError:
	        pass
	    except socket.timeout:
	        return False
	    return True

	for name, flood in FLOODS.items():
	    link = Link("listed.test")
	    link.sock.settimeout(1)
	    try:
	        for i in range(5000):
	            link.sock.sendall(flood(i))
	            if i % 1000 == 0:
	                assert other.get("/served").status == 200, name
	    except OSError:
	        pass
	    assert ends(link), f"{name} goes on"
	    assert other.get("/served").status == 200, name
END
flooded=$(grep -c /flood "$DIR/world-h2.log" || :)
[ "$flooded" -lt 3000 ] || fail "$flooded requests of floods arrived"
