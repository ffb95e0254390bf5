# At the gateway's own address there is one page on one port: nothing else can
# be read, asked for, changed or guessed there, by whatever protocol.
. "${0%/*}/lib.sh"

PYTHON=/usr/bin/python3
need $PYTHON dig
world_serves listed.test
manifest 'routes: [{host: listed.test}]'

cat >"$DIR/knock.py" <<'END'
import socket
import sys

PAGE = "/.well-known/sluice/ca.pem"
HOSTS = ("10.77.0.1", "fd73:6c75:6963:1::1")


def say(host, text, port=80, kind=socket.SOCK_STREAM):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as peer:
        peer.settimeout(8)
        got = b""
        try:
            peer.connect((host, port))
            peer.sendall(text)
            if kind == socket.SOCK_STREAM:
                peer.shutdown(socket.SHUT_WR)
            while True:
                piece = peer.recv(65536)
                if not piece:
                    break
                got += piece
                if kind == socket.SOCK_DGRAM:
                    break
        except OSError:
            pass
        return got


def request(line, *fields, body=""):
    return "\r\n".join((line, *fields, "", body)).encode("latin-1")


bad = []


def check(what, good):
    if not good:
        bad.append(what)


for host in HOSTS:
    bracketed = f"[{host}]" if ":" in host else host
    ours = f"Host: {bracketed}"
    got = say(host, request(f"GET {PAGE} HTTP/1.1", ours))
    check((host, "the page", got), got.startswith(b"HTTP/1.1 200 ") and
          got.count(b"-----BEGIN") == 1 and b"BEGIN CERTIFICATE" in got)
    # Two at once: one answer, and the connection is over.
    got = say(host, 2 * request(f"GET {PAGE} HTTP/1.1", ours))
    check((host, "twice", got), got.count(b"HTTP/1.1 ") == 1)
    for line, *fields in (
            ("GET / HTTP/1.1",), ("GET /ca.pem HTTP/1.1",),
            (f"GET {PAGE}/ HTTP/1.1",), (f"GET /{PAGE} HTTP/1.1",),
            (f"GET {PAGE[:-1]} HTTP/1.1",), (f"GET {PAGE}x HTTP/1.1",),
            (f"GET {PAGE.upper()} HTTP/1.1",),
            (f"GET {PAGE.replace('ca.pem', 'ca.key')} HTTP/1.1",),
            (f"GET {PAGE.replace('ca.pem', '')} HTTP/1.1",),
            (f"GET {PAGE.replace('ca.pem', '../sluice/ca.pem')} HTTP/1.1",),
            (f"GET {PAGE.replace('ca', '%63a')} HTTP/1.1",),
            (f"GET {PAGE}%00 HTTP/1.1",),
            ("GET /../../../../etc/passwd HTTP/1.1",),
            ("GET /proc/self/environ HTTP/1.1",),
            (f"POST {PAGE} HTTP/1.1", "Content-Length: 1"),
            (f"PUT {PAGE} HTTP/1.1", "Content-Length: 1"),
            (f"DELETE {PAGE} HTTP/1.1",), (f"PATCH {PAGE} HTTP/1.1",),
            (f"OPTIONS {PAGE} HTTP/1.1",), ("OPTIONS * HTTP/1.1",),
            (f"TRACE {PAGE} HTTP/1.1",), (f"get {PAGE} HTTP/1.1",),
            ("CONNECT listed.test:443 HTTP/1.1",),
            ("GET http://listed.test/proxied HTTP/1.1",),
            (f"GET {PAGE} HTTP/1.1", "Transfer-Encoding: chunked",
             "Content-Length: 3"),
            (f"GET {PAGE} HTTP/2.0",), ("PRI * HTTP/2.0",),
            (f"GET {PAGE}",), ("\x16\x03\x01",), ("\0" * 70000,),
            (f"GET {PAGE} HTTP/1.1", "X: " + "x" * 70000)):
        got = say(host, request(line, *([ours] if "HTTP/1" in line else []),
                                *fields, body="x"))
        status = got[9:12]
        check((host, line[:60], fields, got[:200]),
              b"BEGIN" not in got and b"hello" not in got and
              (not got or status in (b"400", b"403", b"404", b"405", b"431",
                                     b"501", b"505")))
    # As a proxy by Host: it is the gateway that was connected to.
    got = say(host, request("GET /proxied HTTP/1.1", "Host: listed.test"))
    check((host, "Host", got), got[9:12] == b"404")
    for port in (1, 22, 25, 443, 1518, 3128, 8080, 8443, 15001, 15053, 65535):
        got = say(host, request("GET / HTTP/1.1", ours), port)
        check((host, port, got), not got)
    # 53 is the resolver's: what is no question has no answer.
    got = say(host, request("GET / HTTP/1.1", ours), 53)
    check((host, 53, got), not got)
    for port in (67, 123, 161, 443, 1518, 15001):
        got = say(host, b"hello", port, socket.SOCK_DGRAM)
        check((host, "udp", port, got), not got)
for what in bad:
    print(what)
sys.exit(1 if bad else 0)
END

# As the agent's user, then as root of its machine, which is told no more.
agent $PYTHON "$DIR/knock.py" >"$DIR/knocked" || {
	cat "$DIR/knocked" >&2
	fail 'the gateway serves more than its page'
}
in_agent $PYTHON "$DIR/knock.py" >"$DIR/knocked" || {
	cat "$DIR/knocked" >&2
	fail 'the gateway serves more than its page, to root'
}
audit_has '"reason":"gateway_itself"' '"port":22' '"verdict":"deny"'
audit_has '"reason":"gateway_itself"' '"port":15001' '"verdict":"deny"'
audit_has '"reason":"gateway_itself"' '"port":80' '"method":"POST"'
world_heard_nothing_of proxied 'etc/passwd'

# Its resolver does not say who it is, and all the while it works.
for type in VERSION.BIND hostname.bind; do
	agent dig +time=2 +tries=1 @10.77.0.1 chaos txt $type |
		grep -q '"' && fail "the resolver tells its $type"
done
agent $CURL http://listed.test/ | expect 'hello from listed.test'
