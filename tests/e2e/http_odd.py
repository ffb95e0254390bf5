"""http_odd.py - HTTP/1 as it should not be, or only just: requests, responses.

A request is Odd(said, want): "pass" and "refuse" say what must become of its
first request, None leaves that to the gateway. A response has also what asks
for it. Bytes that would be a request or an answer of their own if a reader
ended the one before elsewhere are marked "smuggled".
"""
from collections import namedtuple

Odd = namedtuple("Odd", "said want")
Answer = namedtuple("Answer", "said want method keeps")

PASS, REFUSE = "pass", "refuse"
HOST = b"Host: listed.test\r\n"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"
NEXT = b"GET /smuggled HTTP/1.1\r\nHost: listed.test\r\n\r\n"
OTHER = b"GET /smuggled HTTP/1.1\r\nHost: unlisted.test\r\n\r\n"

# What stands round, in and instead of a value that would be sound.
PADDINGS = ((b" ", b""), (b"  ", b""), (b"\t", b""), (b"", b""), (b" ", b" "),
            (b" ", b"\t"), (b"\t ", b" \t"), (b"\x0b", b""), (b"\x0c", b""),
            (b"\x00", b""), (b" ", b"\x00"), (b" ", b"\x0b"), (b"\r", b""),
            (b" ", b"\r"), (b"\r\n ", b""), (b"\r\n\t", b""), (b"\n", b""),
            (b" ", b"\r\n "), (b"\xa0", b""), (b"\xc2\xa0", b""),
            (b'"', b'"'), (b"'", b"'"), (b" ", b","), (b" ,", b""),
            (b" ", b";"), (b" ", b";q=1"), (b" ", b"\x7f"), (b":", b""))
BLANKS = (b" ", b"\t", b"")


def sound_padding(before, after):
    return not (before + after).strip(b" \t")


def names(name):
    """Spellings of a field's name that somebody may take for it."""
    yield from (name + b" ", name + b"\t", b" " + name, b"\t" + name,
                name + b"\x00", b"\x00" + name, name + b"\x0b",
                name.replace(b"-", b"\xe2\x80\x90"), name + b"\r",
                b"\r" + name, b"\n" + name, name + b"\xa0", b"x: y\n" + name,
                b"x: y\r" + name, b"x: y\r\r\n" + name, b'"' + name + b'"',
                name + b"(c)", name + b"\r\n ")


def post(fields, body=b"", first=b"POST /odd HTTP/1.1"):
    return first + b"\r\n" + HOST + fields + b"\r\n" + body


def lengths():
    for before, after in PADDINGS:
        sound = sound_padding(before, after)
        yield Odd(post(b"Content-Length:%b5%b\r\n" % (before, after),
                       b"hello"), PASS if sound else REFUSE)
    for value in (b"+5", b"-5", b"05", b"5.0", b"0x5", b"5e0", b"5,5", b"5, 5",
                  b"5,6", b"5 5", b"", b"five", b"1_0", b"\xef\xbc\x95",
                  b"18446744073709551616", b"18446744073709551621",
                  b"9" * 19, b"9" * 20, b"00", b"0005", b"5\\", b"%35"):
        yield Odd(post(b"Content-Length: %b\r\n" % value, b"hello"),
                  REFUSE if value != b"9" * 19 else None)
    for name in names(b"Content-Length"):
        yield Odd(post(name + b": 5\r\n", b"hello"), REFUSE)
    for one, two in ((5, 5), (5, 0), (0, 5), (5, 6)):
        yield Odd(post(b"Content-Length: %d\r\nContent-Length: %d\r\n"
                       % (one, two), b"hello" + NEXT), REFUSE)
    yield Odd(post(b"Content_Length: 0\r\nContent-Length: 5\r\n", b"hello"),
              None)
    for method in b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"QUERY":
        yield Odd(post(b"Content-Length: 5\r\n", b"hello",
                       method + b" /odd HTTP/1.1"), None)


def codings():
    for before, after in PADDINGS:
        sound = sound_padding(before, after)
        yield Odd(post(b"Transfer-Encoding:%bchunked%b\r\n" % (before, after),
                       HELLO), PASS if sound else REFUSE)
        yield Odd(post(b"Transfer-Encoding:%bchunked%b\r\n"
                       b"Content-Length: %d\r\n" % (before, after, len(HELLO)),
                       HELLO + NEXT), REFUSE)
    values = (b"chunked", b"Chunked", b"CHUNKED", b"xchunked", b"chunkedx",
              b"chunked, identity", b"identity, chunked", b"chunked, chunked",
              b"gzip, chunked", b"chunked, gzip", b"identity", b"gzip", b"",
              b"chunk ed", b"chu\nnked", b"chu\r\n nked", b"\xc7hunked",
              b"chunKed\xe2\x84\xaa", b"chun\xe2\x84\xaaed", b"chunked;a=b",
              b"none", b"trailers", b"chunked chunked")
    for value in values:
        sound = value.lower() == b"chunked"
        te = b"Transfer-Encoding: %b\r\n" % value
        yield Odd(post(te, HELLO), PASS if sound else REFUSE)
        yield Odd(post(te, HELLO, b"POST /odd HTTP/1.0"), REFUSE)
        yield Odd(post(te, HELLO, b"GET /odd HTTP/1.1"),
                  None if sound else REFUSE)
        for cl in b"Content-Length: 0\r\n", b"Content-Length: 5\r\n":
            yield Odd(post(te + cl, HELLO + NEXT), REFUSE)
            yield Odd(post(cl + te, HELLO + NEXT), REFUSE)
        yield Odd(post(te + b"Transfer-Encoding: chunked\r\n", HELLO), REFUSE)
        yield Odd(post(b"Transfer-Encoding: chunked\r\n" + te, HELLO), REFUSE)
    for name in names(b"Transfer-Encoding"):
        yield Odd(post(name + b": chunked\r\n", HELLO), REFUSE)
        yield Odd(post(name + b": chunked\r\nContent-Length: 5\r\n", HELLO),
                  REFUSE)
    yield Odd(post(b"Transfer_Encoding: chunked\r\nContent-Length: 5\r\n",
                   b"hello"), None)
    yield Odd(post(b"TE: chunked\r\nContent-Length: 5\r\n", b"hello"), None)


def chunks():
    te = b"Transfer-Encoding: chunked\r\n"

    for size, sound in (
            (b"5", True), (b"05", True), (b"0000000000000005", True),
            (b"00000000000000005", False), (b"+5", False), (b"-5", False),
            (b"0x5", False), (b"0X5", False), (b"5 ", False), (b" 5", False),
            (b"5\t", False), (b"5h", False), (b"5_", False), (b"", False),
            (b"g", False), (b"5,", False), (b"5;", True), (b"5;a", True),
            (b"5;a=b", True), (b"5;a=\"b\"", True), (b"5; a=b", True),
            (b"5 ;a", False), (b"5;a=\"\r\n\"", False), (b"5;a\nb", False),
            (b"5;a\rb", False), (b"5;a\x00b", False), (b"5;\x80", True),
            (b"5;" + b"a" * 900, True), (b"5;" + b"a" * 1100, False),
            (b"5\n", False), (b"5\r", False), (b"\r\n5", False),
            (b"\n5", False), (b"5\x00", False), (b"5\x0b", False),
            (b"FFFFFFFFFFFFFFFF5", False), (b"100000005", False),
            (b"8000000000000005", False), (b"10000000000000005", False),
            (b"\xef\xbc\x95", False), (b"5.", False), (b"5e0", False)):
        for more in b"", NEXT:
            yield Odd(post(te, size + b"\r\nhello\r\n0\r\n\r\n" + more),
                      PASS if sound else REFUSE)
        yield Odd(post(te, b"5\r\nhello\r\n%b\r\nworld\r\n0\r\n\r\n" % size),
                  PASS if sound else REFUSE)
    for line in b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\r\n", b"", b"\x00\n":
        yield Odd(post(te, b"5%bhello\r\n0\r\n\r\n" % line), REFUSE)
        yield Odd(post(te, b"5\r\nhello%b0\r\n\r\n" % line), REFUSE)
        yield Odd(post(te, b"5\r\nhello\r\n0%b\r\n" % line),
                  REFUSE if line != b"\r\n\r\n" else None)
        if line != b"\r\n\r\n":
            yield Odd(post(te, b"5\r\nhello\r\n0\r\n" + line), REFUSE)
    for data in b"hell", b"helloo", b"hello ", b"hello;":
        yield Odd(post(te, b"5\r\n%b\r\n0\r\n\r\n" % data), REFUSE)
    for last in b"0", b"00", b"000", b"0;a", b"0;a=b":
        yield Odd(post(te, b"5\r\nhello\r\n%b\r\n\r\n" % last), PASS)
        yield Odd(post(te, b"%b\r\n\r\n" % last + NEXT), PASS)
    for trailer, sound in (
            (b"X: y", True), (b"Content-Length: 5", True),
            (b"Transfer-Encoding: chunked", True),
            (b"Host: unlisted.test", True), (b"Authorization: x", True),
            (b"Cookie: x", True), (b" X: y", False),
            (b"X : y", False), (b"X", False), (b": y", False),
            (b"X: y\n Z: 1", False), (b"X: y\r\n folded", False),
            (b"X: \x00", False), (b"X: y\nGET /smuggled HTTP/1.1", False),
            (b"X: " + b"y" * 9000, False)):
        for declared in (b"", b"Trailer: X, Content-Length, Host\r\n",
                         b"Trailer: Authorization, Cookie\r\n"):
            yield Odd(post(te + declared, b"5\r\nhello\r\n0\r\n%b\r\n\r\n"
                           % trailer), PASS if sound else REFUSE)


def lines():
    good = b"POST /odd HTTP/1.1\r\nHost: listed.test\r\nX-A: 1\r\n" \
        b"Content-Length: 5\r\n\r\nhello"
    at = -1
    while (at := good.find(b"\r\n", at + 1)) >= 0:
        for line in b"\n", b"\r", b"\r\r\n", b"\n\r\n", b"\x00\r\n", b"\r\n ":
            if line == b"\r\n " and at > good.find(b"Length: 5"):
                continue
            yield Odd(good[:at] + line + good[at + 2:], REFUSE)
    for before in (b"\r\n", b"\n", b"\r", b" ", b"\t", b"\x00", b"\r\n\r\n",
                   b"\xef\xbb\xbf", b"\x0b"):
        yield Odd(before + good, REFUSE)
    yield Odd(good.replace(b"\r\n", b"\n"), REFUSE)
    yield Odd(good.replace(b"\r\n", b"\r"), REFUSE)
    token = b"!#$%&'*+-.^_`|~0Aa"
    for byte in list(range(33)) + [127, 128, 160, 255] + [
            b for b in range(33, 127) if not chr(b).isalnum()]:
        c = bytes([byte])
        yield Odd(post(b"X%bY: v\r\n" % c),
                  PASS if c in token or c == b":" else REFUSE)
        yield Odd(post(b"%bX: v\r\n" % c), PASS if c in token else REFUSE)
        yield Odd(post(b"X%b: v\r\n" % c),
                  PASS if c in token + b":" else REFUSE)
        if byte < 33 or byte > 126:
            yield Odd(post(b"X: a%bb\r\n" % c), PASS if c in
                      b" \t\x80\xa0\xff" else REFUSE)
            yield Odd(post(b"", first=b"GET /a%bb HTTP/1.1" % c), REFUSE)
            yield Odd(post(b"", first=b"G%bET / HTTP/1.1" % c), REFUSE)
            yield Odd(post(b"", first=b"GET / HT%bTP/1.1" % c), REFUSE)
            yield Odd(post(b"", first=b"GET / HTTP/1.1" + c), REFUSE)
            yield Odd(b"GET /odd HTTP/1.1\r\nHost: listed%b.test\r\n\r\n" % c,
                      REFUSE)
    yield Odd(post(b": v\r\n"), REFUSE)
    yield Odd(post(b"X\r\n"), REFUSE)
    yield Odd(post(b"X v\r\n"), REFUSE)
    yield Odd(post(b"X:\r\n"), PASS)
    yield Odd(post(b"".join(b"X-%d: v\r\n" % i for i in range(98))), PASS)
    yield Odd(post(b"".join(b"X-%d: v\r\n" % i for i in range(200))), REFUSE)
    yield Odd(post(b"X: " + b"v" * 30000 + b"\r\n"), PASS)
    yield Odd(post(b"X: " + b"v" * 70000 + b"\r\n"), REFUSE)


def hosts():
    for value, want in (
            (b"listed.test", PASS), (b"LISTED.test", PASS),
            (b"listed.test.", None), (b"listed.test:80", PASS),
            (b"listed.test:", REFUSE), (b"listed.test:0", REFUSE),
            (b"listed.test:080", REFUSE), (b"listed.test:65616", REFUSE),
            (b"listed.test:443", REFUSE), (b"listed.test:8080", REFUSE),
            (b"listed.test:80:80", REFUSE), (b"listed.test: 80", REFUSE),
            (b"listed.test :80", REFUSE), (b"listed.test:+80", REFUSE),
            (b"listed.test:80@unlisted.test", REFUSE),
            (b"listed.test@unlisted.test", REFUSE),
            (b"unlisted.test@listed.test", REFUSE),
            (b"listed.test/unlisted.test", REFUSE),
            (b"listed.test?unlisted.test", REFUSE),
            (b"listed.test#unlisted.test", REFUSE),
            (b"listed.test\\unlisted.test", REFUSE),
            (b"listed.test,unlisted.test", REFUSE),
            (b"listed.test, unlisted.test", REFUSE),
            (b"listed.test unlisted.test", REFUSE),
            (b"listed.test;unlisted.test", REFUSE),
            (b"listed.test%00.unlisted.test", REFUSE),
            (b"listed%2etest", REFUSE), (b"listed.test%", REFUSE),
            (b"http://listed.test", REFUSE), (b"//listed.test", REFUSE),
            (b'"listed.test"', REFUSE), (b"[listed.test]", REFUSE),
            (b"listed..test", REFUSE), (b".listed.test", REFUSE),
            (b"listed.test..", REFUSE), (b"-", REFUSE), (b"", REFUSE),
            (b"unlisted.test", REFUSE), (b"other.test", REFUSE),
            (b"test", REFUSE), (b"93.184.216.101", REFUSE),
            (b"[::1]", REFUSE), (b"0x5db8d865", REFUSE), (b"1", REFUSE),
            (b"localhost", REFUSE), (b"l\xc4\xb1sted.test", REFUSE),
            (b"\xef\xbd\x8cisted.test", REFUSE), (b"listed.test\xe3\x80\x82",
                                                 REFUSE)):
        yield Odd(b"GET /odd HTTP/1.1\r\nHost: %b\r\n\r\n" % value, want)
        yield Odd(b"GET /odd HTTP/1.0\r\nHost: %b\r\n\r\n" % value, want)
        yield Odd(b"GET http://listed.test/odd HTTP/1.1\r\nHost: %b\r\n\r\n"
                  % value, want)
        if value and b"/" not in value:
            yield Odd(b"GET http://%b/odd HTTP/1.1\r\nHost: listed.test\r\n"
                      b"\r\n" % value, want)
    for more in (b"Host: listed.test\r\n", b"Host: unlisted.test\r\n",
                 b"host: unlisted.test\r\n", b"Host:\r\n",
                 b"Host : unlisted.test\r\n", b" Host: unlisted.test\r\n",
                 b"\tHost: unlisted.test\r\n", b"Host\x00: unlisted.test\r\n",
                 b"X: y\nHost: unlisted.test\r\n",
                 b"X: y\rHost: unlisted.test\r\n"):
        yield Odd(post(more, first=b"GET /odd HTTP/1.1"), REFUSE)
        yield Odd(b"GET /odd HTTP/1.1\r\n" + more + HOST + b"\r\n", REFUSE)
    for more in (b"X-Forwarded-Host: unlisted.test\r\n",
                 b"X-Host: unlisted.test\r\n",
                 b"Forwarded: host=unlisted.test\r\n",
                 b"X-Original-URL: http://unlisted.test/\r\n"):
        yield Odd(post(more, first=b"GET /odd HTTP/1.1"), PASS)
    yield Odd(b"GET /odd HTTP/1.1\r\n\r\n", REFUSE)
    yield Odd(b"GET /odd HTTP/1.0\r\n\r\n", REFUSE)


def targets():
    for target, want in (
            (b"/", PASS), (b"/a/../b", PASS), (b"/%2e%2e/b", PASS),
            (b"/a/..%2fb", PASS), (b"/a%2fb", PASS), (b"/./", PASS),
            (b"//unlisted.test/", PASS), (b"///", PASS), (b"/;p=1", PASS),
            (b"/a;/../b", PASS), (b"/a?b?c", PASS), (b"/?", PASS),
            (b"/?http://unlisted.test/", PASS), (b"/@unlisted.test", PASS),
            (b"/http://unlisted.test/", PASS), (b"/\\unlisted", None),
            (b"/%00", None), (b"/%", None), (b"/%zz", None), (b"/%u002f", None),
            (b"/../..", None), (b"/%2e%2e/%2e%2e/", None), (b"/|^`{}<>\"", None),
            (b"/" + b"a" * 8000, PASS), (b"/a#b", REFUSE), (b"/#", REFUSE),
            (b"/a b", REFUSE), (b"/ HTTP/1.1", REFUSE), (b"", REFUSE),
            (b"*", REFUSE), (b"a", REFUSE), (b"?a", REFUSE), (b".", REFUSE),
            (b"listed.test", REFUSE), (b"listed.test:80", REFUSE),
            (b"\\", REFUSE), (b"\xe2\x81\x84", REFUSE), (b"/\xc3\xa4", REFUSE),
            (b"http:/listed.test/", REFUSE), (b"http:listed.test", REFUSE),
            (b"http:///odd", REFUSE), (b"http://", REFUSE),
            (b"http://listed.test", PASS), (b"HTTP://listed.test/", PASS),
            (b"http://listed.test:80/", PASS), (b"http://listed.test/a?b", PASS),
            (b"http://listed.test?b", REFUSE), (b"http://listed.test#b", REFUSE),
            (b"https://listed.test/", REFUSE), (b"ftp://listed.test/", REFUSE),
            (b"ws://listed.test/", REFUSE), (b"http://listed.test\\/", REFUSE),
            (b"http://listed.test\\@unlisted.test/", REFUSE),
            (b"http://unlisted.test\\.listed.test/", REFUSE),
            (b"http://a:b@listed.test/", REFUSE),
            (b"http://listed.test@unlisted.test/", REFUSE),
            (b"http://unlisted.test/", REFUSE), (b"http://[::1]/", REFUSE),
            (b"http://listed.test//unlisted.test", PASS),
            (b"http://listed.test:443/", REFUSE),
            (b"file:///etc/passwd", REFUSE), (b"data:,", REFUSE)):
        yield Odd(post(b"", first=b"GET %b HTTP/1.1" % target), want)
        yield Odd(post(b"Content-Length: 5\r\n", b"hello" + NEXT,
                       b"PUT %b HTTP/1.1" % target), want)
    for target in b"*", b"http://listed.test":
        yield Odd(post(b"", first=b"OPTIONS %b HTTP/1.1" % target), PASS)


def first_lines():
    for version in (b"HTTP/0.9", b"HTTP/1.2", b"HTTP/1.9", b"HTTP/2.0",
                    b"HTTP/3.0", b"HTTP/1.10", b"HTTP/1.01", b"HTTP/01.1",
                    b"HTTP/1.", b"HTTP/1", b"HTTP/.1", b"HTTP/", b"HTTP",
                    b"http/1.1", b"Http/1.1", b"HTTP /1.1", b"HTTP/ 1.1",
                    b"HTTP/1.1 ", b" HTTP/1.1", b"HTTP/1.1\t", b"HTTP/+1.1",
                    b"HTTP/-1.1", b"HTTP/1,1", b"HTTP/1.1.1", b"HTTP\\1.1",
                    b"HTTPS/1.1", b"FTP/1.1", b"ICAP/1.0", b"RTSP/1.0", b"",
                    b"HTTP/\xef\xbc\x91.1", b"HTTP/0x1.1", b"HTTP/1.1 x",
                    b"HTTP/1.1;", b"HTTP/11", b"HTTP/1.1\x00"):
        yield Odd(post(b"", first=b"GET /odd " + version), REFUSE)
    for method, want in (
            (b"GET", PASS), (b"HEAD", PASS), (b"DELETE", PASS),
            (b"OPTIONS", PASS), (b"PROPFIND", PASS), (b"PURGE", PASS),
            (b"M-SEARCH", PASS), (b"get", None), (b"Get", None),
            (b"FOOBAR", None), (b"", REFUSE), (b"CONNECT", REFUSE),
            (b"TRACE", REFUSE), (b"PRI", REFUSE), (b"GET\t", REFUSE),
            (b"\"GET\"", REFUSE), (b"(GET)", REFUSE), (b"GET,", REFUSE),
            (b"GET:", REFUSE), (b"G ET", REFUSE), (b"GET ", REFUSE),
            (b" GET", REFUSE), (b"G" * 2000, None), (b"GET@", REFUSE),
            (b"GET /smuggled HTTP/1.1\nPOST", REFUSE),
            (b"GET[", REFUSE), (b"GET=", REFUSE), (b"HTTP/1.1", REFUSE)):
        yield Odd(post(b"", first=method + b" /odd HTTP/1.1"), want)
        yield Odd(post(b"Content-Length: 0\r\n",
                       first=method + b" /odd HTTP/1.0"), want)
    for first in (b"GET", b"GET /odd", b"GET  /odd HTTP/1.1", b"GET /odd  HTTP"
                  b"/1.1", b"GET\t/odd\tHTTP/1.1", b"GET /odd\tHTTP/1.1",
                  b"/odd GET HTTP/1.1", b"HTTP/1.1 200 OK", b"/odd", b""):
        yield Odd(post(b"", first=first), REFUSE)


def hops():
    for listed in (b"Host", b"Content-Length", b"content-length",
                   b"Transfer-Encoding", b"Content-Type", b"Authorization",
                   b"Cookie", b"X, Host", b"Host, close", b"close,host",
                   b"X\tY", b"@", b"\"X\"", b"X;Y", b"X Y", b"\x80"):
        for fields, body in ((b"Content-Length: 5\r\n", b"hello"),
                             (b"Transfer-Encoding: chunked\r\n", HELLO)):
            yield Odd(post(b"Connection: %b\r\n" % listed + fields, body),
                      REFUSE)
            yield Odd(post(fields + b"Connection: %b\r\n" % listed, body),
                      REFUSE)
    for listed in (b"close", b"keep-alive", b"Close", b"KEEP-ALIVE", b"X-A",
                   b"x-a, X-B", b",", b", ,", b"", b"close, keep-alive",
                   b"keep-alive, close", b"Connection", b"TE", b"Trailer",
                   b"Expect", b"Upgrade", b"Accept", b"X-A\r\nConnection: X-B"):
        yield Odd(post(b"X-A: 1\r\nX-B: 2\r\nConnection: %b\r\n"
                       b"Content-Length: 5\r\n" % listed, b"hello" + NEXT),
                  PASS)
    yield Odd(post(b"".join(b"Connection: x%d\r\n" % i for i in range(40))),
              REFUSE)
    for field in (b"Proxy-Connection: keep-alive", b"Proxy-Authorization: x",
                  b"Keep-Alive: timeout=5", b"TE: trailers", b"TE: chunked",
                  b"Close: x", b"Alt-Svc: h2=\":443\"", b"Trailer: Host"):
        yield Odd(post(field + b"\r\n"), PASS)
    for expect, want in ((b"100-continue", PASS), (b"100-Continue", PASS),
                         (b"100-continue, x", REFUSE), (b"200-ok", REFUSE),
                         (b"", REFUSE), (b"100-continue\x0b", REFUSE),
                         (b"100", REFUSE), (b"100-continue;x", REFUSE)):
        for fields, body in ((b"Content-Length: 5\r\n", b"hello"), (b"", b""),
                             (b"Transfer-Encoding: chunked\r\n", HELLO)):
            yield Odd(post(b"Expect: %b\r\n" % expect + fields, body), want)
    yield Odd(post(b"Expect: 100-continue\r\nContent-Length: 5\r\n", b"hello",
                   b"POST /odd HTTP/1.0"), PASS)
    yield Odd(post(b"Expect: 100-continue\r\nExpect: 100-continue\r\n"
                   b"Content-Length: 5\r\n", b"hello"), None)

    settings = b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
    key = b"Sec-WebSocket-Version: 13\r\n" \
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    for upgrade in (b"h2c", b"H2C", b"h2", b" h2c", b"h2c ", b"h2c,", b",h2c",
                    b"h2c;q=1", b"\"h2c\"", b"websocket, h2c",
                    b"h2c, websocket", b"foo, h2c",
                    b"websocket\r\nUpgrade: h2c", b"h2c\r\nUpgrade: websocket",
                    b"TLS/1.0", b"HTTP/2.0", b"websocket", b"WebSocket",
                    b"websocket/13", b"connect-udp", b"connect-ip", b""):
        for connection in (b"Upgrade", b"upgrade, HTTP2-Settings",
                           b"HTTP2-Settings", b"keep-alive",
                           b"keep-alive, Upgrade"):
            yield Odd(post(b"Upgrade: %b\r\nConnection: %b\r\n"
                           % (upgrade, connection) + settings,
                           first=b"GET /odd HTTP/1.1"), PASS)
        yield Odd(post(b"Upgrade: %b\r\nConnection: Upgrade\r\n" % upgrade
                       + key, first=b"GET /odd HTTP/1.1"), PASS)
        yield Odd(post(b"Upgrade: %b\r\nConnection: Upgrade\r\n"
                       b"Content-Length: 5\r\n" % upgrade + key, b"hello"),
                  PASS)


def pairs():
    firsts = (b"GET /odd HTTP/1.1\r\n" + HOST + b"\r\n",
              post(b"Content-Length: 5\r\n", b"hello"),
              post(b"Content-Length: 0\r\n"),
              post(b"Transfer-Encoding: chunked\r\n", HELLO),
              post(b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
              b"HEAD /odd HTTP/1.1\r\n" + HOST + b"\r\n")
    seconds = (NEXT, OTHER, NEXT + NEXT, b"\r\n" + NEXT, b"\n" + NEXT,
               b"\r" + NEXT, b" " + NEXT, b"\x00" + NEXT, b"x" + NEXT,
               b"0\r\n\r\n" + NEXT, NEXT[:-2], NEXT[:30], NEXT[:3],
               b"hello", b"\r\n", b"\x16\x03\x01\x02\x00\x01\x00",
               b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
               post(b"Content-Length: 5\r\n", b"hel"),
               post(b"Transfer-Encoding: chunked\r\n", b"5\r\nhel"),
               post(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                    HELLO),
               NEXT.replace(b"\r\n", b"\n"), b"A" * 70000)
    for first in firsts:
        for second in seconds:
            yield Odd(first + second, PASS)


def early_ends():
    for whole in (post(b"Content-Length: 5\r\n", b"hello"),
                  post(b"Transfer-Encoding: chunked\r\n", HELLO)):
        for n in list(range(1, 20, 3)) + list(
                range(len(whole) - 20, len(whole))):
            yield Odd(whole[:n], REFUSE)


def requests():
    for kind in (lengths, codings, chunks, lines, hosts, targets, first_lines,
                 hops, pairs, early_ends):
        yield from kind()


# --- responses ---

def answer(fields=b"", body=b"", first=b"HTTP/1.1 200 OK"):
    return first + b"\r\n" + fields + b"\r\n" + body


FALSE = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled"


def responses():
    def one(said, want=None, method=b"GET", keeps=False):
        return Answer(said, want, method, keeps)

    five = b"Content-Length: 5\r\n"
    te = b"Transfer-Encoding: chunked\r\n"

    yield one(answer(five, b"hello"), PASS, keeps=True)
    yield one(answer(te, HELLO), PASS, keeps=True)
    yield one(answer(b"", b"hello"), PASS)
    yield one(answer(five, b"hello" + FALSE), PASS, keeps=True)
    yield one(answer(te, HELLO + FALSE), PASS, keeps=True)
    for more in (b"\r\n", b"x", b"\x00", b"0\r\n\r\n"):
        yield one(answer(five, b"hello" + more), PASS, keeps=True)
        yield one(answer(te, HELLO + more), PASS, keeps=True)
    yield one(answer(b"Content-Length: 0\r\n", FALSE), PASS, keeps=True)
    for before, after in PADDINGS:
        sound = PASS if sound_padding(before, after) else REFUSE
        yield one(answer(b"Content-Length:%b5%b\r\n" % (before, after),
                         b"hello"), sound)
        yield one(answer(b"Transfer-Encoding:%bchunked%b\r\n"
                         % (before, after), HELLO), sound)
        yield one(answer(b"Transfer-Encoding:%bchunked%b\r\n"
                         % (before, after) + five, HELLO), REFUSE)
    for value in (b"+5", b"-5", b"05", b"0x5", b"5,5", b"5, 5", b"5,6", b"",
                  b"five", b"5 5", b"18446744073709551621", b"5.0", b"1_0"):
        yield one(answer(b"Content-Length: %b\r\n" % value, b"hello"), REFUSE)
    yield one(answer(five + five, b"hello"), None)
    yield one(answer(five + b"Content-Length: 6\r\n", b"hello!"), REFUSE)
    for value in (b"xchunked", b"chunked, identity", b"identity, chunked",
                  b"gzip, chunked", b"chunked, chunked", b"identity", b"gzip",
                  b"", b"chunked;a=b", b"chun\xe2\x84\xaaed"):
        coding = b"Transfer-Encoding: %b\r\n" % value
        yield one(answer(coding, HELLO), REFUSE)
        yield one(answer(te + coding, HELLO), REFUSE)
        yield one(answer(coding + te, HELLO), REFUSE)
    for field, body in ((five, b"hello"), (te, HELLO)):
        for name in names(field.split(b":")[0]):
            yield one(answer(name + b":" + field.split(b":")[1], body), REFUSE)
    yield one(answer(te, HELLO, b"HTTP/1.0 200 OK"), REFUSE)
    for size, sound in (
            (b"05", True), (b"5;a=b", True), (b"0x5", False), (b"+5", False),
            (b"5 ", False), (b" 5", False), (b"5\n", False), (b"5\r", False),
            (b"5;\n", False), (b"5_", False), (b"10000000000000005", False),
            (b"FFFFFFFFFFFFFFFF5", False), (b"5;" + b"a" * 1100, False)):
        yield one(answer(te, size + b"\r\nhello\r\n0\r\n\r\n"),
                  PASS if sound else REFUSE)
        yield one(answer(te, b"5\r\nhello\r\n%b\r\nworld\r\n0\r\n\r\n" % size),
                  PASS if sound else REFUSE)
    for body in (b"5\r\nhello\n0\r\n\r\n", b"5\nhello\r\n0\r\n\r\n",
                 b"5\r\nhello0\r\n\r\n", b"5\r\nhelloo\r\n0\r\n\r\n",
                 b"5\r\nhello\r\n0\n\r\n", b"5\r\nhello\r\n0\r\n\n",
                 b"5\r\nhello\r\n0\r\nX : y\r\n\r\n",
                 b"5\r\nhello\r\n0\r\nX: y\n\r\n",
                 b"5\r\nhello\r\n0\r\n X: y\r\n\r\n",
                 b"5\r\nhello\r\n0\r\nX: \x00\r\n\r\n"):
        yield one(answer(te, body), REFUSE)
    for trailer in (b"X: y", b"Content-Length: 9", b"Set-Cookie: a=b",
                    b"Alt-Svc: h3=\":443\"", b"Transfer-Encoding: chunked",
                    b"Location: /smuggled"):
        yield one(answer(te + b"Trailer: X, Content-Length, Alt-Svc, Location"
                         b"\r\n",
                         b"5\r\nhello\r\n0\r\n%b\r\n\r\n" % trailer), PASS)
    for cut in range(1, len(HELLO)):
        yield one(answer(te, HELLO[:cut]), REFUSE)
    for cut in range(5):
        yield one(answer(five, b"hello"[:cut]), REFUSE)
    good = answer(b"X-A: 1\r\n" + five, b"hello")
    for cut in 1, 4, 9, 12, 15, 17, 19, 25, 27, 40, 46:
        yield one(good[:cut], REFUSE)

    # Where there is no body, whatever is said of it.
    for status in b"204 No Content", b"304 Not Modified":
        first = b"HTTP/1.1 " + status
        yield one(answer(b"", b"", first), PASS, keeps=True)
        yield one(answer(b"", FALSE, first), PASS, keeps=True)
    yield one(answer(five, b"", b"HTTP/1.1 304 Not Modified"), PASS,
              keeps=True)
    yield one(answer(five, b"hello", b"HTTP/1.1 304 Not Modified"), PASS,
              keeps=True)
    yield one(answer(te, b"", b"HTTP/1.1 304 Not Modified"), PASS, keeps=True)
    yield one(answer(te, HELLO, b"HTTP/1.1 304 Not Modified"), PASS,
              keeps=True)
    for fields, body in ((five, b"hello"), (te, HELLO), (five + te, HELLO)):
        yield one(answer(fields, body, b"HTTP/1.1 204 No Content"), REFUSE)
        yield one(answer(fields, body, b"HTTP/1.1 100 Continue")
                  + answer(five, b"hello"), REFUSE)
        yield one(answer(fields, body, b"HTTP/1.1 205 Reset Content"), None)
    yield one(answer(b"Content-Length: 0\r\n",
                     first=b"HTTP/1.1 205 Reset Content"), PASS, keeps=True)
    for fields in five, te, b"", b"Content-Length: 0\r\n":
        yield one(answer(fields), PASS, b"HEAD", True)
        yield one(answer(fields, b"hello"), PASS, b"HEAD", True)
        yield one(answer(fields, FALSE), PASS, b"HEAD", True)
    yield one(answer(five + te), REFUSE, b"HEAD")

    for n in 1, 3, 16:
        for status in b"100 Continue", b"102 Processing", b"103 Early Hints":
            yield one((b"HTTP/1.1 %b\r\nX-I: 1\r\n\r\n" % status) * n
                      + answer(five, b"hello"), PASS, keeps=True)
    yield one(b"HTTP/1.1 103 Early Hints\r\nAlt-Svc: h3=\":443\"\r\n"
              b"Connection: close\r\n\r\n" + answer(five, b"hello"), PASS,
              keeps=True)
    yield one(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 17
              + answer(five, b"hello"), REFUSE)
    yield one(b"HTTP/1.1 100 Continue\r\n\r\n", REFUSE)
    for upgrade in b"", b"Upgrade: h2c\r\nConnection: Upgrade\r\n", \
            b"Upgrade: websocket\r\nConnection: Upgrade\r\n" \
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n":
        yield one(answer(upgrade, FALSE, b"HTTP/1.1 101 Switching Protocols"),
                  REFUSE)

    for first, want in (
            (b"HTTP/1.1 200", PASS), (b"HTTP/1.1 200 ", PASS),
            (b"HTTP/1.0 200 OK", PASS), (b"HTTP/1.1 200 \xc3\xa4", PASS),
            (b"HTTP/1.1 599 Odd", PASS), (b"HTTP/1.1 299 Odd", PASS),
            (b"HTTP/1.1 600 Odd", REFUSE), (b"HTTP/1.1 099 Odd", REFUSE),
            (b"HTTP/1.1 000 Odd", REFUSE), (b"HTTP/1.1 20 OK", REFUSE),
            (b"HTTP/1.1 2000 OK", REFUSE), (b"HTTP/1.1 2e2 OK", REFUSE),
            (b"HTTP/1.1 +200 OK", REFUSE), (b"HTTP/1.1 -200 OK", REFUSE),
            (b"HTTP/1.1  200 OK", REFUSE), (b"HTTP/1.1\t200 OK", REFUSE),
            (b"HTTP/1.1 200\tOK", REFUSE), (b"HTTP/1.1 200OK", REFUSE),
            (b"HTTP/1.1 OK", REFUSE), (b"HTTP/1.1", REFUSE), (b"", REFUSE),
            (b"HTTP/1.2 200 OK", REFUSE), (b"HTTP/2 200 OK", REFUSE),
            (b"HTTP/2.0 200 OK", REFUSE), (b"HTTP/0.9 200 OK", REFUSE),
            (b"http/1.1 200 OK", REFUSE), (b"ICY 200 OK", REFUSE),
            (b"HTTPS/1.1 200 OK", REFUSE), (b" HTTP/1.1 200 OK", REFUSE),
            (b"\r\nHTTP/1.1 200 OK", REFUSE), (b"\nHTTP/1.1 200 OK", REFUSE),
            (b"HTTP/1.1 200 O\rK", REFUSE), (b"HTTP/1.1 200 O\x00K", REFUSE),
            (b"HTTP/1.1 200 O\nX-Smuggled: 1", REFUSE),
            (b"HTTP/1.1 200 O\x0bK", REFUSE), (b"hello", REFUSE),
            (b"HTTP/1.1 \xef\xbc\x92\xef\xbc\x90\xef\xbc\x90 OK", REFUSE)):
        yield one(answer(five, b"hello", first), want)
    at = -1
    while (at := good.find(b"\r\n", at + 1)) >= 0:
        for line in (b"\n", b"\r", b"\r\r\n", b"\n\r\n", b"\x00\r\n",
                     b"\r\n ", b"\r\n\t"):
            if line in (b"\r\n ", b"\r\n\t") and \
                    at == good.find(b"\r\nhello"):
                continue  # the blank is the body's
            yield one(good[:at] + line + good[at + 2:], REFUSE)
    for byte in list(range(33)) + [127, 128, 255] + list(b"\"(),/:;<=>?@[]{}"):
        c = bytes([byte])
        yield one(answer(b"X%bY: v\r\n" % c + five, b"hello"),
                  PASS if c == b":" else REFUSE)
        if byte < 33 or byte > 126:
            yield one(answer(b"X: a%bb\r\n" % c + five, b"hello"),
                      PASS if c in b"\t \x80\xff" else REFUSE)
    for listed in b"Content-Length", b"Transfer-Encoding", b"Set-Cookie", b"@":
        yield one(answer(b"Connection: %b\r\n" % listed + five, b"hello"),
                  REFUSE)
    for listed in b"close", b"keep-alive", b"X-A", b"":
        yield one(answer(b"X-A: 1\r\nConnection: %b\r\n" % listed + five,
                         b"hello"), PASS)
    for field in (b"Alt-Svc: h3=\":443\"", b"Proxy-Authenticate: Basic",
                  b"Upgrade: h2c", b"Keep-Alive: max=1", b"TE: x",
                  b"Public-Key-Pins: x", b"Proxy-Connection: close",
                  b"HTTP2-Settings: AA", b"Trailer: X", b"Close: 1"):
        yield one(answer(b"ETag: \"e\"\r\n" + field + b"\r\n"
                         b"Strict-Transport-Security: max-age=9\r\n" + five,
                         b"hello"), PASS, keeps=True)
    yield one(answer(b"".join(b"X-%d: v\r\n" % i for i in range(98)) + five,
                     b"hello"), PASS)
    yield one(answer(b"".join(b"X-%d: v\r\n" % i for i in range(300)) + five,
                     b"hello"), REFUSE)
    yield one(answer(b"X: " + b"v" * 70000 + b"\r\n" + five, b"hello"), REFUSE)
