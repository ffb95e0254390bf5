# Where no route names a raw port, what is neither TLS nor HTTP ends without a
# byte of it leaving; so does what never comes to its point.
. "${0%/*}/lib.sh"

need python3
export PYTHONPATH="${0%/*}" PYTHONDONTWRITEBYTECODE=1
world_serves listed.test spliced.test
manifest 'routes: [{host: listed.test}, {host: spliced.test, tls: splice}]'

chmod 755 "$DIR"
cat >"$DIR/others.py" <<'END'
import sys
import threading
import time
from hello import *

SECRET = b"smuggled"
whole = records(hello("spliced.test"))
noise = [
    b"SSH-2.0-" + SECRET + b"\r\n",
    b"EHLO " + SECRET + b"\r\nMAIL FROM:<a@b>\r\n",
    b"*1\r\n$4\r\nPING\r\n" + SECRET,
    b"USER " + SECRET + b"\r\n",
    b"PING\r\n" + SECRET,
    b"a1 LOGIN " + SECRET + b"\r\n",
    b"GET /" + SECRET + b"\r\n",                      # HTTP/0.9
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SECRET * 2, # HTTP/2, unasked
    b"\0\0\0\x08\x04\xd2\x16\x2f" + SECRET,           # PostgreSQL's request
    b"\x80\x2e\x01\0\x02\0\x15\0\0\0\x10" + SECRET,   # SSLv2
    b"\x16\x03\0\0\x20" + SECRET * 4,                 # SSL 3.0
    b"\x17\x03\x03\0\x08" + SECRET,
    b"\0" * 64 + SECRET, b"\xff" * 64 + SECRET, b"\r\n" * 40 + SECRET,
    b"\x13BitTorrent protocol" + SECRET,
    records(hello(server_name("listed.test"), versions=(0x0301, 0x0302),
                  early=extension(0xffaa, SECRET))),
    whole[:60] + SECRET * 40,
]

def ends(link, what):
    """Reads to the end, and gives what there was."""
    heard = b""
    try:
        while True:
            got = link.recv(65536)
            if not got:
                return heard
            heard += got
    except ConnectionError:
        return heard
    except TimeoutError:
        sys.exit("%r does not end" % (what,))

for name in "listed.test", "spliced.test":
    for *_, (address, port, *_) in socket.getaddrinfo(
            name, 80, type=socket.SOCK_STREAM) + socket.getaddrinfo(
            name, 443, type=socket.SOCK_STREAM):
        for said in noise:
            with connect(address, port) as link:
                try:
                    link.sendall(said)
                    heard = ends(link, (address, port, said))
                except ConnectionError:
                    heard = b""
                # An alert, or a refusal in HTTP's words to what spoke HTTP,
                # or nothing at all. To HTTP/2 it is SETTINGS and GOAWAY.
                if heard[:1] not in (b"", b"\x15") and not (
                        said.startswith(b"GET /") and
                        heard.startswith(b"HTTP/1.1 4")) and not (
                        said.startswith(b"PRI *") and
                        heard[3:5] == b"\x04\0"):
                    sys.exit("%r was answered %r" % (said, heard))

# TLS that would carry what is not HTTP.
for alpn in ("http/0.9",), ("\0",), ("http/1.1\0",), ("spdy/3", "acme-tls/1"):
    for *_, (address, port, *_) in socket.getaddrinfo(
            "listed.test", 443, type=socket.SOCK_STREAM):
        with connect(address, port) as link:
            link.sendall(records(hello("listed.test", alpn=alpn)))
            if (got := answer(link)) != "no_application_protocol":
                sys.exit("%r was answered %r" % (alpn, got))

# A hello or a head that stops, or that comes byte by byte, has a deadline.
failed = []

def stalls(name, port, said, drip):
    with connect(name, port) as link:
        link.settimeout(0.5 if drip else PATIENCE)
        try:
            link.sendall(said)
            for _ in range(2 * PATIENCE):
                try:
                    if not link.recv(65536):
                        return
                except TimeoutError:
                    if not drip:
                        break
                    link.sendall(b"x")
            failed.append((name, port, said, drip))
        except ConnectionError:
            pass

slow = []
for name in "listed.test", "spliced.test":
    for port, said in ((443, b""), (80, b""), (443, b"\x16"),
                       (443, whole[:-1]), (443, whole[:100]),
                       (80, b"G"), (80, b"GET / HTTP/1.1\r\nHost: " + SECRET)):
        slow.append((name, port, said, False))
    slow.append((name, 80, b"GET /", True))
    slow.append((name, 443, b"\x16\x03\x01\x20\0\x01\0\x1f\xfc\x03\x03", True))
threads = [threading.Thread(target=stalls, args=one) for one in slow]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
if failed:
    sys.exit("these were waited for: %r" % failed)
END
agent $CURL https://listed.test/ >/dev/null
world_settled >/dev/null
before=$(world_packets tcp)
agent /usr/bin/python3 "$DIR/others.py" || fail 'see above'
world_settled >/dev/null
[ "$(world_packets tcp)" -eq "$before" ] || fail 'an origin was dialled'
world_heard_nothing_of smuggled
for agent in 10.77.0.2 fd73:6c75:6963:1::2; do
	audit_has '"verdict":"deny"' '"reason":"protocol_unknown"' \
		'"detail":"not TLS, not HTTP"' "\"agent\":\"$agent\""
done
audit_has '"verdict":"deny"' '"reason":"timed_out"'
agent $CURL https://listed.test/ | expect 'hello from listed.test'
