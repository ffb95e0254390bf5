# However a ClientHello is cut, into segments and into records, its verdict is
# that of the whole; what is cut too fine is refused like anything unreadable.
. "${0%/*}/lib.sh"

need python3
export PYTHONPATH="${0%/*}" PYTHONDONTWRITEBYTECODE=1
world_serves listed.test spliced.test unlisted.test
manifest 'routes: [{host: listed.test}, {host: spliced.test, tls: splice}]'

chmod 755 "$DIR"
cat >"$DIR/pieces.py" <<'END'
import ssl
import sys
import time
from hello import *

def cut(message, spots):
    ends = sorted({s for s in spots if 0 < s < len(message)}) + [len(message)]
    return [message[a:b] for a, b in zip([0] + ends, ends)]

def fetch(name, address, recut, segment):
    """What a real client gets whose first flight is cut anew."""
    context = ssl.create_default_context()
    context.load_verify_locations(sys.argv[1])
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with connect(address) as link:
        def wait(do, *args):
            while True:
                try:
                    return do(*args)
                except ssl.SSLWantReadError:
                    flush()
                    got = link.recv(65536)
                    if got:
                        incoming.write(got)
                    else:
                        incoming.write_eof()
        def flush():
            flight = outgoing.read()
            if flight:
                link.sendall(flight)

        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        message = outgoing.read()[5:]
        spot = message.index(name.encode())
        flight = recut(message, spot)
        for at in range(0, len(flight), segment):
            link.sendall(flight[at:at + segment])
            if segment > 40:
                time.sleep(0.002)
        try:
            wait(tls.do_handshake)
            tls.write(b"GET / HTTP/1.1\r\nHost: " + name.encode() +
                      b"\r\nConnection: close\r\n\r\n")
            flush()
            body = b""
            while b'"}' not in body and b"hello from" not in body:
                got = wait(tls.read, 65536)
                if not got:
                    break
                body += got
            return body
        except (ssl.SSLError, ConnectionError) as error:
            return repr(error).encode()

ways = [
    ("whole", lambda m, s: records(m), 99999),
    ("bytes", lambda m, s: records(m), 1),
    ("segments of 61", lambda m, s: records(m), 61),
    ("records of 100", lambda m, s: records(m, 100), 99999),
    ("records of 7, segments of 3", lambda m, s: records(m, 7), 3),
    ("a record of one byte first",
     lambda m, s: records(m[:1]) + records(m[1:]), 99999),
    ("the name in two", lambda m, s: records(m[:s + 3]) + records(m[s + 3:]),
     99999),
    ("the name by bytes", lambda m, s: b"".join(
        map(records, cut(m, range(s - 9, s + 14)))), 50),
    ("the last byte alone", lambda m, s: records(m[:-1]) + records(m[-1:]), 97),
]
expected = {"listed.test": b"hello from listed.test",
            "spliced.test": b"hello from spliced.test",
            "unlisted.test": b'"reason":"name_not_listed"'}
for name, words in expected.items():
    for family in socket.AF_INET, socket.AF_INET6:
        address = socket.getaddrinfo(name, 443, family)[0][4][0]
        for way, recut, segment in ways:
            got = fetch(name, address, recut, segment)
            if words not in got:
                sys.exit("%s, %s, %s: %r" % (name, address, way, got))

# Long ones, and ones that no reader should be patient with.
for name in "listed.test", "spliced.test":
    with connect(name) as link:
        link.sendall(records(hello(name, padding=20000)))
        got = answer(link)
        assert got == "hello", "%s, long: %s" % (name, got)
whole = hello("unlisted.test")
for what, flight in (
        ("by records of one byte", records(whole, 1)),
        ("with an empty record", records(whole[:50]) + b"\x16\x03\x01\0\0" +
         records(whole[50:])),
        ("with an alert in it", records(whole[:50]) +
         b"\x15\x03\x01\0\2\1\0" + records(whole[50:])),
        ("with data in it", records(whole[:50]) +
         b"\x17\x03\x01\0\1x" + records(whole[50:])),
        ("too long", records(hello("unlisted.test", padding=65000) + b"x")),
        ("claiming too much", records(b"\1\xff\xff\xff" + whole[4:])),
        ("with more in its record", records(whole + whole)),
        ("with too little", records(whole[:3] + bytes([whole[3] - 1]) +
                                    whole[4:])),
        ):
    for name in "listed.test", "spliced.test":
        with connect(name) as link:
            try:
                link.sendall(flight)
                got = answer(link)
            except ConnectionError:
                got = "reset"
            if got in ("hello", "retry", "nonsense", "silence", "closed"):
                sys.exit("a hello %s at %s: %s" % (what, name, got))
END
agent /usr/bin/python3 "$DIR/pieces.py" "$DIR/world-ca.pem" || fail 'see above'
world_heard_nothing_of unlisted
audit_has '"verdict":"deny"' '"protocol":"tls"' '"reason":"name_not_listed"'
audit_has '"verdict":"deny"' '"reason":"tls_malformed"'
