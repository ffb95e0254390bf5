# An origin that floods its connection, answers what was not asked or leads
# elsewhere by frames of HTTP/2 loses that connection, soon; the agent is told,
# hears nothing of it, and goes on.
. "${0%/*}/h2_lib.sh"

world_h2 -- listed.test
_world_name hostile.test
world_certificate hostile.test hostile.test
world_resolves
WORKERS=1
manifest 'routes: [{host: listed.test}, {host: hostile.test, ports: [8443]}]'

cat >"$DIR/hostile.py" <<'END'
"""What is said to a request is named by its path; floods go on while they can."""
import socket
import ssl
import struct
import sys
import threading

import hpack

MOST = 1000000  # far more than fits between two kernels


def frame(kind, flags, stream, payload=b""):
    return (struct.pack(">I", len(payload))[1:] + bytes([kind, flags])
            + struct.pack(">I", stream) + payload)


def head(stream, *fields, end=False, status="200"):
    block = hpack.Encoder().encode([(":status", status), *fields],
                                   huffman=False)
    return frame(1, 4 | end, stream, block)


def data(stream, text=b"smuggled", end=True):
    return frame(0, end, stream, text)


BOMB = hpack.Encoder().encode([(":status", "200"), ("x", "y" * 3900)],
                              huffman=False) + b"\xbe" * 10000
PUSH = hpack.Encoder().encode([(":method", "GET"), (":scheme", "https"),
                               (":authority", "hostile.test:8443"),
                               (":path", "/smuggled")], huffman=False)

# What is said again and again, to the request on stream @n.
FLOODS = {
    "pings": lambda n, i: frame(6, 0, 0, b"12345678"),
    "settings": lambda n, i: frame(4, 0, 0),
    "settings_that_change":
        lambda n, i: frame(4, 0, 0, struct.pack(">HI", 1, i % 4096)),
    "windows": lambda n, i: frame(8, 0, 0, b"\0\0\0\1"),
    "windows_of_one": lambda n, i: frame(8, 0, n, b"\0\0\0\1"),
    "priorities": lambda n, i: frame(2, 0, n, b"\0\0\0\0\1"),
    "unknown_frames": lambda n, i: frame(0x42, 0, 0, b"smuggled"),
    "other_services": lambda n, i: frame(
        10, 0, 0, b"\0\x14https://hostile.testh3=\":1\""),
    "goodbyes": lambda n, i: frame(7, 0, 0, b"\x7f\xff\xff\xff\0\0\0\0"),
    "empty_data": lambda n, i: head(n) if i == 0 else
        frame(0, 8, n, b"\3\0\0\0"),
    "interim": lambda n, i: head(n, status="103"),
    "continuations": lambda n, i: frame(1, 0, n, b"\x88") if i == 0 else
        frame(9, 0, n),
    "resets": lambda n, i: frame(3, 0, n, b"\0\0\0\x08"),
}


def fine(n):
    return head(n) + data(n, b"fine")


# What is said once.
ONCE = {
    "bomb": lambda n: frame(1, 4, n, BOMB[:16384]),
    "push": lambda n: frame(5, 4, n, b"\0\0\0\2" + PUSH) + head(2)
        + data(2) + fine(n),
    "window_overflow": lambda n: frame(8, 0, 0, b"\x7f\xff\xff\xff"),
    "stream_of_its_own": lambda n: head(2) + data(2),
    "stream_not_asked": lambda n: head(n + 40) + data(n + 40),
    "body_first": lambda n: data(n) + head(n),
    "body_of_nothing": lambda n: data(0),
    "too_large": lambda n: frame(0, 0, n, bytes(20000)),
    "garbage": lambda n: b"\xff" * 400,
    "http1": lambda n: b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled",
    "interim_that_ends": lambda n: head(n, status="103", end=True),
    "switch": lambda n: head(n, status="101") + data(n),
    "two_statuses": lambda n: head(n, (":status", "204")) + data(n),
    "no_status": lambda n: frame(1, 5, n, b"\x0f\x0d\x010"),
    "request_line": lambda n: head(n, (":path", "/")) + data(n),
    "split": lambda n: head(n, ("x", "a\r\nset-cookie: smuggled")) + data(n),
    "nul": lambda n: head(n, ("x", "a\0smuggled")) + data(n),
    "connection": lambda n: head(n, ("connection", "close")) + data(n),
    "coding": lambda n: head(n, ("transfer-encoding", "chunked")) + data(n),
    "longer": lambda n: head(n, ("content-length", "3")) + data(n),
    "body_of_204": lambda n: head(n, status="204") + data(n),
    "body_of_304": lambda n: head(n, status="304") + data(n),
    "body_of_head": lambda n: head(n) + data(n),
    "pseudo_trailer": lambda n: head(n) + data(n, b"", False)
        + frame(1, 5, n, b"\x88"),
    "length_in_trailers": lambda n: head(n) + data(n, b"fine", False)
        + frame(1, 5, n, b"\x0f\x0d\x019"),
    "heads_without_end": lambda n: head(n) + head(n) + data(n),
}
# And this is an answer after all.
PASSED = {
    "elsewhere": lambda n:
        frame(10, 0, 0, b"\0\x14https://hostile.testh3=\":1\"")
        + frame(10, 0, n, b"\0\0h3=\":1\"") + frame(12, 0, 0, b"\0\x04a.test")
        + head(n, ("alt-svc", "h3=\":1\""), ("trailer", "alt-svc"))
        + data(n, b"fine", False)
        + frame(1, 5, n, hpack.Encoder().encode([
            ("alt-svc", "h3=\":1\""), ("set-cookie", "smuggled=1"),
            ("authorization", "smuggled"), ("x-sum", "1")])),
    "fine": fine,
}
ACTS = {**ONCE, **PASSED}


def say(sock, path, stream):
    if path in FLOODS:
        for i in range(0, MOST, 1000):
            sock.sendall(b"".join(FLOODS[path](stream, j)
                                  for j in range(i, i + 1000)))
        print(path, "was heard out", flush=True)
    else:
        sock.sendall(ACTS[path](stream))


def serve(raw, tls):
    path = "nothing"
    try:
        raw.settimeout(20)
        sock = tls.wrap_socket(raw, server_side=True)
        sock.sendall(frame(4, 0, 0))
        stream = sock.makefile("rb")
        stream.read(24)
        decoder = hpack.Decoder()
        while start := stream.read(9):
            payload = stream.read(int.from_bytes(start[:3], "big"))
            if start[3] == 4 and not start[4] & 1:
                sock.sendall(frame(4, 1, 0))
            elif start[3] == 1:
                path = dict(decoder.decode(payload))[":path"].strip("/")
                print(path, "asked", flush=True)
                say(sock, path, int.from_bytes(start[5:], "big"))
        print(path, "ended", flush=True)
    except TimeoutError:
        print(path, "goes on", flush=True)
    except OSError:
        print(path, "ended", flush=True)


def main():
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.set_alpn_protocols(["h2"])
    tls.load_cert_chain(f"{sys.argv[1]}/hostile.test.pem",
                        f"{sys.argv[1]}/hostile.test.key")
    listener = socket.create_server(("::", 8443), family=socket.AF_INET6,
                                    dualstack_ipv6=True, backlog=64)
    print("listening", flush=True)
    while True:
        raw, _ = listener.accept()
        threading.Thread(target=serve, args=(raw, tls), daemon=True).start()


if __name__ == "__main__":
    main()
END
background world-hostile.log in_world $PYTHON "$DIR/hostile.py" "$DIR"
await grep -q listening "$DIR/world-hostile.log" || fail 'no hostile origin'

agent_does_h2 <<-'END'
	import hostile
	from h2_peer import *

	class Tee:
	    """A socket, and all that was read from it."""

	    def __init__(self, sock):
	        self.sock, self.heard = sock, b""

	    def recv(self, n):
	        got = self.sock.recv(n)
	        self.heard += got
	        return got

	    def __getattr__(self, name):
	        return getattr(self.sock, name)

	def kinds(heard):
	    at, seen = 0, set()
	    while at + 9 <= len(heard):
	        seen.add(heard[at + 3])
	        at += 9 + int.from_bytes(heard[at:at + 3], "big")
	    return seen

	other = Link("listed.test")
	for path in [*hostile.FLOODS, *hostile.ACTS]:
	    link = Link("hostile.test", 8443)
	    link.sock = Tee(link.sock)
	    answer = link.get("/" + path, method="HEAD" if path == "body_of_head"
	                      else "GET")
	    if path in hostile.PASSED:
	        assert answer.status == 200 and answer.body == b"fine", path
	        assert answer.field("alt-svc") is None, answer.fields
	        assert answer.trailers in ([], [("x-sum", "1")]), answer.trailers
	    elif answer.status == 502:
	        assert b"upstream_http" in answer.body or not answer.body, path
	    else:
	        assert answer.reset is not None or path in (
	            "body_of_204", "body_of_304", "body_of_head"), \
	            (path, answer.status)
	    assert b"smuggled" not in link.sock.heard, (path, link.sock.heard)
	    # HEADERS, DATA, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE
	    assert not kinds(link.sock.heard) - {0, 1, 3, 4, 6, 7, 8}, path
	    # The next is asked on another connection, once this one is lost.
	    for _ in range(3):
	        answer = link.get("/fine")
	        if answer.body == b"fine":
	            break
	    assert answer.body == b"fine", (path, answer.status, answer.reset)
	    assert other.get("/served").status == 200, path
	    link.sock.close()
END
! grep 'heard out' "$DIR/world-hostile.log" || fail 'a flood was heard out'
audit_has '"event":"request"' '"name":"hostile.test"' '"path":"/interim"' \
	'"detail":"too many interim responses"'
