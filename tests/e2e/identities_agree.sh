# Every name in a request is the name of its connection, in the first request
# and in those that follow it. What differs never reaches the origin.
. "${0%/*}/lib.sh"

need python3
world_serves listed.test other.test unlisted.test
manifest 'routes: [{host: listed.test}, {host: other.test}]'

agent $CURL -H 'Host: unlisted.test' https://listed.test/ |
	expect '"reason":"host_mismatch"'
# Listed itself, but not what this connection is for.
agent $CURL -H 'Host: other.test' https://listed.test/ |
	expect '"reason":"host_mismatch"'
agent $CURL -H 'Host: listed.test:8443' https://listed.test/ |
	expect '"reason":"host_mismatch"'
agent $CURL -H 'Host: unlisted.test' http://listed.test/ |
	expect '"reason":"name_not_listed"'

# What curl does not send, as the first request of a connection, as the second
# once the first is answered, and in one write with the first.
cat >"$DIR/requests.py" <<'EOF_'
import socket, ssl, sys

FIRST = b"GET /first HTTP/1.1\r\nHost: listed.test\r\n\r\n"
GET = b"GET / HTTP/1.1\r\n"
MALFORMED, HOST, NAME = "http_malformed", "host_mismatch", "name_not_listed"
# The request; what refuses it with TLS; and without, where no name was
# claimed but by the request itself.
REQUESTS = [
    (GET + b"Host: unlisted.test\r\n\r\n", HOST, NAME),
    (GET + b"Host: sub.listed.test\r\n\r\n", HOST, NAME),
    (GET + b"Host: other.test\r\n\r\n", HOST, "address_mismatch"),
    (b"GET https://unlisted.test/ HTTP/1.1\r\nHost: unlisted.test\r\n\r\n",
     HOST, HOST),
    (b"GET http://unlisted.test/ HTTP/1.1\r\nHost: unlisted.test\r\n\r\n",
     HOST, NAME),
    (b"GET https://unlisted.test/ HTTP/1.1\r\nHost: listed.test\r\n\r\n",
     MALFORMED, MALFORMED),
    (b"GET http://listed.test@unlisted.test/ HTTP/1.1\r\n"
     b"Host: listed.test\r\n\r\n", MALFORMED, MALFORMED),
    (b"GET http://unlisted.test/ HTTP/1.1\r\nHost: listed.test\r\n\r\n",
     MALFORMED, MALFORMED),
    (b"GET http://listed.test/ HTTP/1.1\r\nHost: unlisted.test\r\n\r\n",
     MALFORMED, MALFORMED),
    (b"GET //unlisted.test/ HTTP/1.1\r\nHost: unlisted.test\r\n\r\n",
     HOST, NAME),
    (GET + b"Host: listed.test\r\nHost: unlisted.test\r\n\r\n",
     MALFORMED, MALFORMED),
    (GET + b"Host: listed.test\r\nHost: listed.test\r\nX: unlisted\r\n\r\n",
     MALFORMED, MALFORMED),
    (GET + b"Host: listed.test\r\nX: a\nHost: unlisted.test\r\n\r\n",
     MALFORMED, MALFORMED),
    (GET + b"Host : unlisted.test\r\nHost: listed.test\r\n\r\n",
     MALFORMED, MALFORMED),
    (GET + b"Host: listed.test\r\n Host: unlisted.test\r\n\r\n",
     MALFORMED, MALFORMED),
    (GET + b"Host: unlisted.test@listed.test\r\n\r\n", MALFORMED, MALFORMED),
    (GET + b"Host: unlisted.test,listed.test\r\n\r\n", MALFORMED, MALFORMED),
    (GET + b"Host: listed.test\0.unlisted.test\r\n\r\n",
     MALFORMED, MALFORMED),
    (GET + b"Host: listed.test unlisted.test\r\n\r\n", MALFORMED, MALFORMED),
    (GET + b"Host: \r\nX: unlisted\r\n\r\n", MALFORMED, MALFORMED),
    (GET + b"X: unlisted\r\n\r\n", MALFORMED, MALFORMED),
    (b"GET /unlisted HTTP/1.0\r\n\r\n", MALFORMED, MALFORMED),
    (GET + b"Host: 93.184.216.1\r\n\r\n", "address_not_listed",
     "address_not_listed"),
    (b"CONNECT unlisted.test:443 HTTP/1.1\r\nHost: unlisted.test\r\n\r\n",
     "http_method", "http_method"),
    (b"POST / HTTP/1.1\r\nHost: listed.test\r\nContent-Length: 4\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled-unlisted "
     b"HTTP/1.1\r\nHost: unlisted.test\r\n\r\n", MALFORMED, MALFORMED),
]

def answer(stream, buffered=b""):
    """One answer, and what came after it."""
    head = buffered
    while b"\r\n\r\n" not in head:
        got = stream.recv(65536)
        if not got:
            return head, b""
        head += got
    head, body = head.split(b"\r\n\r\n", 1)
    length = int(head.lower().split(b"content-length:")[1].split()[0])
    while len(body) < length:
        got = stream.recv(65536)
        assert got, "half an answer"
        body += got
    return head + body[:length], body[length:]

context = ssl.create_default_context()
n = 0
for tls in True, False:
    for request, *reasons in REQUESTS:
        reason = b'"reason":"%s"' % reasons[0 if tls else 1].encode()
        for place in "first", "second", "pipelined":
            raw = socket.create_connection(("listed.test", 443 if tls else 80),
                                           20)
            link = raw if not tls else \
                context.wrap_socket(raw, server_hostname="listed.test")
            rest = b""
            if place == "pipelined":
                link.sendall(FIRST + request)
            elif place == "second":
                link.sendall(FIRST)
            if place != "first":
                n += 1
                got, rest = answer(link)
                assert b"hello from listed.test" in got, got
            if place != "pipelined":
                link.sendall(request)
            got, rest = answer(link, rest)
            if reason not in got:
                sys.exit("%r (%s, %s) was answered %r" % (
                    request, "TLS" if tls else "plain", place, got))
            try:
                assert not rest and not link.recv(1), "and more after it"
            except ConnectionResetError:
                pass
            link.close()
print(n)
EOF_
first=$(agent /usr/bin/python3 "$DIR/requests.py") || fail 'see above'
[ "$(grep -c 'GET /first' "$DIR/nginx.log")" -eq "$first" ] ||
	fail 'the first requests did not all arrive'
[ "$(grep -c -v 'GET /first' "$DIR/nginx.log")" -eq \
	"$(grep -c '^93.184.216.1 ' "$DIR/nginx.log")" ] ||
	fail 'something else arrived'
world_heard_nothing_of unlisted other.test
