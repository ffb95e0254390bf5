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

# What curl does not send. Each is the second request of a kept connection.
cat >"$DIR/second.py" <<'EOF'
import socket, ssl, sys

FIRST = b"GET /first HTTP/1.1\r\nHost: listed.test\r\n\r\n"
SECOND = [
    (b"GET / HTTP/1.1\r\nHost: unlisted.test\r\n\r\n", b"host_mismatch"),
    (b"GET https://unlisted.test/ HTTP/1.1\r\nHost: unlisted.test\r\n\r\n",
     b"host_mismatch"),
    (b"GET https://unlisted.test/ HTTP/1.1\r\nHost: listed.test\r\n\r\n",
     b"http_malformed"),
    (b"GET http://listed.test/ HTTP/1.1\r\nHost: listed.test\r\n\r\n",
     b"host_mismatch"),
    (b"GET / HTTP/1.1\r\nHost: listed.test\r\nHost: unlisted.test\r\n\r\n",
     b"http_malformed"),
    (b"GET / HTTP/1.1\r\nHost: unlisted.test@listed.test\r\n\r\n",
     b"http_malformed"),
    (b"GET / HTTP/1.1\r\nHost: unlisted.test,listed.test\r\n\r\n",
     b"http_malformed"),
    (b"GET / HTTP/1.1\r\n\r\n", b"http_malformed"),
    (b"GET / HTTP/1.1\r\nHost: 93.184.216.1\r\n\r\n", b"address_not_listed"),
    (b"CONNECT unlisted.test:443 HTTP/1.1\r\nHost: unlisted.test\r\n\r\n",
     b"http_method"),
    (b"POST / HTTP/1.1\r\nHost: listed.test\r\nContent-Length: 4\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled-unlisted "
     b"HTTP/1.1\r\nHost: unlisted.test\r\n\r\n", b"http_malformed"),
    (b"GET / HTTP/1.1\r\nHost: listed.test\r\nX: a\nHost: unlisted.test"
     b"\r\n\r\n", b"http_malformed"),
]

def answer(stream):
    head = b""
    while b"\r\n\r\n" not in head:
        got = stream.recv(65536)
        if not got:
            return head
        head += got
    head, body = head.split(b"\r\n\r\n", 1)
    length = int(head.lower().split(b"content-length:")[1].split()[0])
    while len(body) < length:
        body += stream.recv(65536)
    return head + body

context = ssl.create_default_context()
for request, reason in SECOND:
    with socket.create_connection(("listed.test", 443), 5) as raw, \
            context.wrap_socket(raw, server_hostname="listed.test") as tls:
        tls.settimeout(5)
        tls.sendall(FIRST)
        assert b"hello from listed.test" in answer(tls)
        tls.sendall(request)
        got = answer(tls)
        if b'"reason":"' + reason + b'"' not in got:
            sys.exit("%r was answered %r" % (request, got))
        try:
            assert tls.recv(1) == b"", "more came after the refusal"
        except ConnectionResetError:
            pass
EOF
agent /usr/bin/python3 "$DIR/second.py" || fail 'see above'
[ "$(grep -c 'GET /first' "$DIR/nginx.log")" -eq 12 ] ||
	fail 'the first requests did not all arrive'
world_heard_nothing_of unlisted
