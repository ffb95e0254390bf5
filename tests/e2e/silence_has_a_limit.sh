# A connection that is silent for longer than its route allows is ended,
# whatever it carries; one that is not lasts as long as it likes. Another
# manifest applies to the silence that there is.
. "${0%/*}/h2_lib.sh"

world_h2 -- quick.test slow.test
PORTS='8080 8443' world_peers quick.test slow.test spliced.test clock.test
world_tcp raw.test
world_resolves

# routes QUICK SLOW: how long each may be silent. The clock is a connection that
# says nothing, and ends when others must still be there.
routes()
{
	cat <<-END
		routes:
		  - {host: quick.test, ports: [443, 8080, 8443], limits: {idle: $1}}
		  - {host: spliced.test, ports: 8443, tls: splice, limits: {idle: $1}}
		  - {host: raw.test, ports: 7000, tls: none, limits: {idle: $1}}
		  - {host: slow.test, ports: [443, 8080, 8443], limits: {idle: $2}}
		  - {host: clock.test, ports: 8443, limits: {idle: 12s}}
	END
}

cat >"$DIR/silent.py" <<'END'
import os
import sys
from h2_peer import Link
from peer import *


class Events:
    """Server-sent events, each of which is asked for."""

    def __init__(self, name, port, tls=None):
        self.id, self.n = f"{name}{port}-{next(NUMBERS)}-", 0
        self.link = connect(name, port, tls=tls)
        self.other = connect(name, port, tls=tls)
        self.host = f"Host: {name}:{port}\r\n\r\n"
        self.stream = self.link.makefile("rb")
        self.link.sendall(f"GET /events/{self.id}/100000 HTTP/1.1\r\n"
                          f"{self.host}".encode())
        read_head(self.stream)
        self.event()
        self.speak()

    def event(self):
        size = int(self.stream.readline(), 16)
        got = read_exactly(self.stream, size + 2)
        assert got == b"data: %d\n\n\r\n" % self.n, got
        self.n += 1

    def speak(self):
        first, _, _ = exchange(self.other, f"GET /open/{self.id}{self.n - 1} "
                               f"HTTP/1.1\r\n{self.host}".encode())
        assert first == "HTTP/1.1 200 OK", first
        self.event()

    def ended(self):
        assert not read_or_reset(self.other), "a request's answer from nowhere"
        return read_or_reset(self.link)


class WebSocket:
    def __init__(self, name, port):
        self.link = connect(name, port)
        self.stream = self.link.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        self.link.sendall(f"GET /websocket HTTP/1.1\r\nHost: {name}:{port}\r\n"
                          "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                          "Sec-WebSocket-Version: 13\r\n"
                          f"Sec-WebSocket-Key: {key}\r\n\r\n".encode())
        first, _ = read_head(self.stream)
        assert first.startswith("HTTP/1.1 101 "), first
        assert read_frame(self.stream) == (0x81, b"welcome")

    def speak(self):
        self.link.sendall(frame(0x82, b"ping", os.urandom(4)))
        assert read_frame(self.stream) == (0x82, b"ping")

    def ended(self):
        return read_or_reset(self.link)


class Raw:
    def __init__(self, name, port):
        self.link = connect(name, port, tls=False)
        self.speak()

    def speak(self):
        self.link.sendall(b"echo")
        assert read_exactly(self.link.makefile("rb"), 4) == b"echo"

    def ended(self):
        return read_or_reset(self.link)


class Streams:
    """HTTP/2: a stream on which something comes back, and one that waits."""

    def __init__(self, name):
        self.link = Link(name)
        self.echo = self.link.ask("/echo", method="POST", end=False)
        self.never = self.link.ask("/never")
        self.speak()

    def speak(self):
        answer = self.link.answers[self.echo]
        before = len(answer.body)
        self.link.put(self.echo, b"echo")
        self.link.until(lambda: len(answer.body) == before + 4)

    def ended(self):
        # Both streams are told, and the connection: the record has that.
        return b"" if read_or_reset(self.link.sock) else b"not a word"


class Unanswered:
    """A request to which nothing is said."""

    def __init__(self, name, port):
        self.link = connect(name, port)
        self.link.sendall(f"GET /await/{name}{port} HTTP/1.1\r\n"
                          f"Host: {name}:{port}\r\n\r\n".encode())

    def ended(self):
        first, _ = read_head(self.link.makefile("rb"))
        assert first.startswith("HTTP/1.1 504 "), first
        return b""


def read_or_reset(link):
    """What comes before it ends, however it does."""
    got = b""
    try:
        while data := link.recv(4096):
            got += data
    except (ConnectionError, ssl.SSLError):
        pass
    return got


def all_kinds(name):
    return [Events(name, 8443), Events(name, 8080), WebSocket(name, 8443),
            WebSocket(name, 8080), Streams(name)]


def unread():
    """What passes unread; it may be silent as long as quick.test."""
    world = ssl.create_default_context(cafile=sys.argv[1])
    return [Events("spliced.test", 8443, world), Raw("raw.test", 7000)]


def clock():
    quiet = WebSocket("clock.test", 8443).link
    quiet.setblocking(False)

    def runs():
        try:
            return bool(quiet.recv(1))
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except (ConnectionError, ssl.SSLError):
            return False
    return runs


def step(word):
    print(word, flush=True)
    sys.stdin.readline()


# Whoever speaks goes on.
runs = clock()
lively = all_kinds("quick.test") + unread()
rounds = 0
while runs():
    for one in lively:
        one.speak()
    rounds += 1
    time.sleep(0.2)
for one in lively:
    one.speak()
assert rounds > 1, rounds
# Whoever does not is let go.
for one in lively + [Unanswered("quick.test", 8443)]:
    assert one.ended() == b"", one
step("quick ones ended")

# Another manifest, with less patience: for those that are silent by now.
silent = all_kinds("slow.test")
step("silent")
for one in silent:
    assert one.ended() == b"", one
step("slow ones ended")

# And one with more.
runs = clock()
silent = all_kinds("quick.test") + unread()
step("silent again")
while runs():
    time.sleep(0.2)
for one in silent:
    one.speak()
print("they spoke", flush=True)
END

reached()
{
	until grep -q -x "$1" "$DIR/silent.out"; do
		kill -0 $client 2>/dev/null || fail "$(cat "$DIR/silent.out")"
		sleep 0.05
	done
}

manifest "$(routes 3s 24h)"
mkfifo "$DIR/go"
agent $PYTHON "$DIR/silent.py" "$DIR/world-ca.pem" \
	<"$DIR/go" >"$DIR/silent.out" 2>&1 &
client=$!
exec 8>"$DIR/go"
reached 'quick ones ended'
audit_has '"event":"request"' '"path":"/websocket"' '"status":101'
audit_has '"event":"request"' '"path":"/never"' '"status":504' 'nothing moved'
audit_has '"event":"request"' '"path":"/echo"' '"status":200' 'nothing moved'
audit_has '"event":"close"' '"name":"raw.test"' '"reason":"timed_out"'
audit_has '"event":"close"' '"name":"spliced.test"' '"reason":"timed_out"'
echo go >&8

reached silent
manifest "$(routes 10s 1s)"
echo go >&8
reached 'slow ones ended'
echo go >&8

reached 'silent again'
manifest "$(routes 24h 1s)"
echo go >&8
wait $client || fail "$(cat "$DIR/silent.out")"
grep -q 'they spoke' "$DIR/silent.out" || fail "$(cat "$DIR/silent.out")"
