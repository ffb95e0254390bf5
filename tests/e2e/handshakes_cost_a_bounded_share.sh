# What TLS lets a client ask for again and again ends somewhere: renegotiation
# at once, new keys after so many, and names that are refused get certificates
# from a quota that leaves what is listed its own.
WORKERS=1
. "${0%/*}/lib.sh"

need python3
export PYTHONPATH="${0%/*}" PYTHONDONTWRITEBYTECODE=1
world_serves listed.test fresh.test unlisted.test
routes='routes: [{host: listed.test, ports: [443, 7002]}, {host: fresh.test}]'
manifest "$routes"
chmod 755 "$DIR"

# Renegotiation: s_client asks for one at a line that begins with R.
mkfifo "$DIR/typed"
agent openssl s_client -tls1_2 -connect listed.test:443 \
	-servername listed.test <"$DIR/typed" >"$DIR/said" 2>&1 &
PIDS="$PIDS $!"
exec 8>"$DIR/typed"
await grep -q 'Verify return code' "$DIR/said" || fail 'no handshake'
echo R >&8
await grep -q 'no renegotiation' "$DIR/said" || {
	cat "$DIR/said" >&2
	fail 'it was renegotiated'
}
exec 8>&-

# Nor is there a second handshake with an origin that asks for one: it ends the
# connection, having no answer, and the agent is told.
mkfifo "$DIR/asked"
in_world openssl s_server -tls1_2 -accept 7002 -cert "$DIR/listed.test.pem" \
	-key "$DIR/listed.test.key" <"$DIR/asked" >"$DIR/world-asks.log" 2>&1 &
PIDS="$PIDS $!"
exec 8>"$DIR/asked"
await grep -q ACCEPT "$DIR/world-asks.log" || fail 'no origin'
agent $CURL https://listed.test:7002/ >"$DIR/told" 2>&1 &
curl=$!
PIDS="$PIDS $curl"
await grep -q '^GET / ' "$DIR/world-asks.log" || fail 'the origin is not asked'
echo r >&8
wait $curl || fail "$(cat "$DIR/told")"
expect '"reason":"upstream_http"' <"$DIR/told"
[ "$(grep -c 'CIPHER is' "$DIR/world-asks.log")" -eq 1 ] || {
	cat "$DIR/world-asks.log" >&2
	fail 'it was renegotiated with an origin'
}
exec 8>&-

# New keys: OpenSSL alone has a word for them.
cat >"$DIR/keys.py" <<'END'
import ctypes
import ctypes.util
import signal
import sys
from hello import *

crypto = ctypes.CDLL(ctypes.util.find_library("crypto"))
tls = ctypes.CDLL(ctypes.util.find_library("ssl"))
for name in "TLS_client_method", "SSL_CTX_new", "SSL_new":
    getattr(tls, name).restype = ctypes.c_void_p

def client(host, link):
    context = ctypes.c_void_p(tls.SSL_CTX_new(
        ctypes.c_void_p(tls.TLS_client_method())))
    session = ctypes.c_void_p(tls.SSL_new(context))
    tls.SSL_ctrl(session, 55, ctypes.c_long(0), host.encode())  # SNI
    tls.SSL_set_fd(session, link.fileno())
    assert tls.SSL_connect(session) == 1, "no handshake"
    return session

def ask(session, host):
    request = b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % host.encode()
    got = ctypes.create_string_buffer(16384)
    if tls.SSL_write(session, request, len(request)) != len(request):
        return b""
    heard = b""
    while b"hello from" not in heard:
        n = tls.SSL_read(session, got, 16384)
        if n <= 0:
            break
        heard += got.raw[:n]
    return heard

def update(session, times):
    for _ in range(times):
        # 1: SSL_KEY_UPDATE_REQUESTED, so that each has an answer.
        if tls.SSL_key_update(session, 1) != 1 or \
                tls.SSL_do_handshake(session) != 1:
            return False
    return True

signal.signal(signal.SIGPIPE, signal.SIG_IGN)
host = "listed.test"
with connect(host) as link:
    link.settimeout(None)
    session = client(host, link)
    assert b"hello from" in ask(session, host)
    assert update(session, 50)
    if b"hello from" not in ask(session, host):
        sys.exit("fifty new keys are too many")
with connect(host) as link:
    link.settimeout(None)
    session = client(host, link)
    update(session, 20000)
    if ask(session, host):
        sys.exit("there is no end to new keys")
END
agent /usr/bin/python3 "$DIR/keys.py" || fail 'see above'

# Names nobody listed, each another one, far above the quota.
cat >"$DIR/names.py" <<'END'
import collections
import sys
from hello import *

got = collections.Counter()
for i in range(int(sys.argv[2])):
    with connect(sys.argv[1]) as link:
        link.sendall(records(hello("n%d.unlisted.test" % i)))
        got[answer(link)] += 1
print(" ".join("%s:%d" % one for one in got.items()))
END
agent /usr/bin/python3 "$DIR/names.py" unlisted.test 700 >"$DIR/got"
served=$(grep -o 'hello:[0-9]*' "$DIR/got" | cut -d: -f2)
refused=$(grep -o 'access_denied:[0-9]*' "$DIR/got" | cut -d: -f2)
[ "${served:-0}" -ge 200 ] && [ "${refused:-0}" -ge 100 ] ||
	fail "no quota: $(cat "$DIR/got")"
# A certificate that was not needed before.
agent $CURL https://fresh.test/ | expect 'hello from fresh.test'
# Where refusals are not explained, none is made at all.
manifest "refusals: terse
$routes"
agent /usr/bin/python3 "$DIR/names.py" listed.test 20 | expect '^unrecognized_name:20$'
world_heard_nothing_of unlisted
