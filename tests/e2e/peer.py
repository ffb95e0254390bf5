"""peer.py - origins with manners that nginx has not, and an agent's side.

`peer.py origin FOLDER [PORT...]` serves HTTP/1.1 on each port, with TLS but on
port 80; a server name's certificate is FOLDER/NAME.pem with NAME.key.
`peer.py tcp PORT...` are raw TCP services; `peer.py silent ADDRESS` takes
datagrams on port 53 and says nothing. What they hear goes to standard output.

As a module it has what a test's own agent needs.
"""
import base64
import hashlib
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

BLOCK = hashlib.sha256(b"sluice").digest() * 2048  # 64 KiB
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PATIENCE = 20  # seconds, for anything at all


def content(n):
    """The same n bytes, each time."""
    whole, rest = divmod(n, len(BLOCK))
    return BLOCK * whole + BLOCK[:rest]


def digest(data):
    return hashlib.sha256(data).hexdigest()


def chunked(data, size=10007):
    """@data in chunks of an odd size, and their end."""
    out = []
    for at in range(0, len(data), size):
        piece = data[at:at + size]
        out.append(b"%x\r\n%s\r\n" % (len(piece), piece))
    return b"".join(out) + b"0\r\n\r\n"


def read_head(stream):
    """The first line and the fields, or (None, []) at the end."""
    first = stream.readline()
    if not first:
        return None, []
    fields = []
    while (line := stream.readline()) not in (b"\r\n", b"\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        fields.append((name.strip().lower(), value.strip()))
    return first.decode("latin-1").strip(), fields


def read_exactly(stream, n):
    data = stream.read(n)
    if len(data) != n:
        raise EOFError(f"{len(data)} bytes of {n}")
    return data


def read_chunks(stream, trailers=None):
    data = []
    while n := int(stream.readline().split(b";")[0] or b"x", 16):
        data.append(read_exactly(stream, n))
        read_exactly(stream, 2)
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        if trailers is not None:
            trailers.append((name.strip().lower(), value.strip()))
    return b"".join(data)


def read_body(stream, fields, until_close=False, trailers=None):
    fields = dict(fields)
    if fields.get("transfer-encoding", "").lower() == "chunked":
        return read_chunks(stream, trailers)
    if "content-length" in fields:
        return read_exactly(stream, int(fields["content-length"]))
    return stream.read() if until_close else b""


def read_frame(stream):
    """One WebSocket frame: its first byte, and its payload unmasked."""
    first, length = read_exactly(stream, 2)
    masked, length = length & 128, length & 127
    if length == 126:
        length, = struct.unpack(">H", read_exactly(stream, 2))
    elif length == 127:
        length, = struct.unpack(">Q", read_exactly(stream, 8))
    mask = read_exactly(stream, 4) if masked else bytes(4)
    data = read_exactly(stream, length)
    key = int.from_bytes((mask * (length // 4 + 1))[:length], "big")
    data = (int.from_bytes(data, "big") ^ key).to_bytes(length, "big")
    return first, data


def frame(first, data, mask=None):
    n = len(data)
    bit = 128 if mask else 0
    if n < 126:
        head = struct.pack(">BB", first, n | bit)
    elif n < 65536:
        head = struct.pack(">BBH", first, 126 | bit, n)
    else:
        head = struct.pack(">BBQ", first, 127 | bit, n)
    if mask:
        key = int.from_bytes((mask * (n // 4 + 1))[:n], "big")
        data = (int.from_bytes(data, "big") ^ key).to_bytes(n, "big")
    return head + (mask or b"") + data


# --- an agent ---

def connect(name, port=443, family=0, tls=None):
    """A connection that trusts what this machine trusts."""
    info = socket.getaddrinfo(name, port, family, socket.SOCK_STREAM)[0]
    raw = socket.socket(info[0], socket.SOCK_STREAM)
    raw.settimeout(PATIENCE)
    raw.connect(info[4])
    if tls or (tls is None and port not in (80, )):
        if not isinstance(tls, ssl.SSLContext):
            tls = ssl.create_default_context()
            tls.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
        return tls.wrap_socket(raw, server_hostname=name,
                               suppress_ragged_eofs=False)
    return raw


def half_close(connection):
    """Ends our direction of the TCP connection below any TLS."""
    with socket.socket(fileno=os.dup(connection.fileno())) as below:
        below.shutdown(socket.SHUT_WR)


def exchange(connection, head, body=b"", method=None):
    """Sends @head and @body; returns (status line, fields, body)."""
    connection.sendall(head + body)
    stream = connection.makefile("rb")
    first, fields = read_head(stream)
    if method == "HEAD":
        return first, fields, b""
    return first, fields, read_body(stream, fields, until_close=True)


# --- origins ---

class Gate:
    """Opened by one request, awaited by another: order without clocks."""

    def __init__(self):
        self.open = {}
        self.lock = threading.Lock()

    def __getitem__(self, name):
        with self.lock:
            return self.open.setdefault(name, threading.Event())


GATES = Gate()
NUMBERS = iter(range(1, 1 << 30))


def log(*words):
    # In one piece: threads share it.
    print(" ".join(map(str, words)) + "\n", end="", flush=True)


# An answer that nobody asked for.
FALSE = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsmuggled\n"


def say(connection, status, body=b"", fields=(), head=False):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in fields]
    text = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    connection.sendall(text if head else text + body)


def git(connection, method, target, fields, body):
    """git-http-backend, as CGI (RFC 3875)."""
    path, _, query = target.partition("?")
    given = dict(fields)
    environment = dict(
        os.environ, GIT_PROJECT_ROOT=os.path.join(FOLDER, "git"),
        GIT_HTTP_EXPORT_ALL="1", REQUEST_METHOD=method, QUERY_STRING=query,
        PATH_INFO=path[len("/git"):], CONTENT_LENGTH=str(len(body)),
        CONTENT_TYPE=given.get("content-type", ""), REMOTE_USER="agent",
        REMOTE_ADDR="192.0.2.1",
        HTTP_CONTENT_ENCODING=given.get("content-encoding", ""),
        GIT_PROTOCOL=given.get("git-protocol", ""))
    out = subprocess.run(["git", "http-backend"], input=body,
                         env=environment, stdout=subprocess.PIPE,
                         check=False).stdout
    head, _, rest = out.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    status = "200 OK"
    for line in list(lines):
        if line.lower().startswith("status:"):
            status = line.split(":", 1)[1].strip()
            lines.remove(line)
    text = "\r\n".join([f"HTTP/1.1 {status}", "Transfer-Encoding: chunked",
                        *lines])
    connection.sendall(text.encode("latin-1") + b"\r\n\r\n" + chunked(rest))


def websocket(connection, stream, fields, key=None):
    key = key or dict(fields)["sec-websocket-key"].encode()
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
    # A frame in the same segment as the answer must not be lost.
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Accept: "
        + accept.encode() + b"\r\n\r\n" + frame(0x81, b"welcome"))
    while True:
        first, data = read_frame(stream)
        connection.sendall(frame(first, data))
        if first & 15 == 8:
            return


def heard_or_gone(connection, gate):
    """Whether @gate was opened before the other side went, or forgot."""
    for _ in range(PATIENCE * 20):
        if GATES[gate].wait(0.05):
            return True
        with socket.socket(fileno=os.dup(connection.fileno())) as below:
            try:
                if not below.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                    return False
            except BlockingIOError:
                pass
            except OSError:
                return False
    return False


def answer(connection, stream, request, fields, where):
    """Answers one request. False if the connection is to end."""
    method, target, _ = request.split(" ")
    head = method == "HEAD"
    words = target.partition("?")[0].strip("/").split("/")
    what = words[0]
    expects = dict(fields).get("expect", "").lower() == "100-continue"
    length = ("Content-Length: %s\r\n\r\n" % words[-1]).encode()
    ok = b"HTTP/1.1 200 OK\r\n"

    if what == "early":  # before a byte of the body is read
        say(connection, "413 Content Too Large", b"too large\n",
            [("Connection", "close")])
        return False
    if expects and what == "unexpected":
        say(connection, "417 Expectation Failed", b"no\n",
            [("Connection", "close")])
        return False
    if expects and what != "silent":
        log(where, "continue")
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if what == "silent":  # the head is there: let somebody know
        GATES[words[1]].set()
    if what == "stalled":
        GATES[words[1]].wait(PATIENCE * 3)
    trailers = []
    body = (stream.read() if what == "to_the_end"
            else read_body(stream, fields, trailers=trailers))
    log(where, "body", len(body), digest(body))
    if what == "git":
        git(connection, method, target, fields, body)
    elif what == "to_the_end":
        say(connection, "200 OK", f"{len(body)} {digest(body)}\n".encode())
        return False
    elif what == "length":
        data = content(int(words[1]))
        connection.sendall(ok + length + (b"" if head else data))
    elif what == "chunked":
        data = chunked(content(int(words[1])))
        connection.sendall(ok + b"Transfer-Encoding: chunked\r\n\r\n"
                           + (b"" if head else data))
    elif what == "close":
        connection.sendall(ok + b"\r\n" + content(int(words[1])))
        return False
    elif what == "http10":
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + content(1000))
        return False
    elif what == "cut":  # until close, but TLS does not say that it ends
        connection.sendall(ok + b"\r\n" + content(1000))
        return None
    elif what == "short":
        connection.sendall(ok + b"Content-Length: 2000\r\n\r\n"
                           + content(1000))
        return False
    elif what == "short_chunked":
        connection.sendall(ok + b"Transfer-Encoding: chunked\r\n\r\n"
                           + chunked(content(1000))[:-5])
        return False
    elif what == "last":
        say(connection, "200 OK", b"the last\n", [("Connection", "close")])
        return False
    elif what == "nothing":
        return False
    elif what == "stale" and not where.endswith(".1"):
        return False
    elif what == "reset":
        connection.sendall(ok + b"Content-Length: 2000\r\n\r\n"
                           + content(1000))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                              struct.pack("ii", 1, 0))
        return None
    elif what == "hints":
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n"
                           b"Link: </style.css>; rel=preload\r\n\r\n")
        GATES[words[1]].wait(PATIENCE)
        say(connection, "200 OK", b"after the hints\n")
    elif what == "status":
        connection.sendall(b"HTTP/1.1 %s As It Is\r\nETag: \"e\"\r\n"
                           b"X-Kept: yes\r\n\r\n" % words[1].encode())
    elif what == "not_modified":  # the length of what is not sent
        connection.sendall(b"HTTP/1.1 304 Not Modified\r\n"
                           b"Content-Length: 5000\r\nETag: \"e\"\r\n\r\n")
    elif what == "cookies":
        say(connection, "200 OK", b"cookies\n", [
            ("Set-Cookie", "a=1; Path=/"), ("X-Between", "them"),
            ("Set-Cookie", "b=2; Expires=Wed, 09 Jun 2027 10:18:14 GMT"),
            ("Set-Cookie", "c=3")])
    elif what == "large_head":
        say(connection, "200 OK", b"large\n",
            [(f"X-Large-{i}", "v" * 1000) for i in range(int(words[1]))])
    elif what == "events":  # the next only when the last was seen
        connection.sendall(ok + b"Content-Type: text/event-stream\r\n"
                           b"Transfer-Encoding: chunked\r\n\r\n")
        for i in range(int(words[2]) if len(words) > 2 else 5):
            line = b"data: %d\n\n" % i
            connection.sendall(b"%x\r\n%s\r\n" % (len(line), line))
            if not heard_or_gone(connection, f"{words[1]}{i}"):
                log(where, "gone", words[1])
                return None
        connection.sendall(b"0\r\n\r\n")
    elif what == "open":
        GATES[words[1]].set()
        say(connection, "200 OK", b"open\n")
    elif what == "await":
        GATES[words[1]].wait(PATIENCE)
        say(connection, "200 OK", b"it is open\n")
    elif what == "beyond":
        connection.sendall(ok + b"Content-Length: 6\r\n\r\nfirst\n" + FALSE)
    elif what == "later":  # beyond it, but when it has long been read
        say(connection, "200 OK", b"first\n")
        GATES[words[1]].wait(PATIENCE)
        connection.sendall(FALSE)
        GATES[words[1] + "-said"].set()
    elif what == "moved":
        say(connection, "302 Found", b"", [("Location", "/".join(words[1:]))])
    elif what == "websocket":
        websocket(connection, stream, fields)
        return False
    elif what == "redirect":  # with what was sent in the URL
        given = dict(fields).get("authorization", "").split(" ")[-1]
        say(connection, "302 Found", b"elsewhere\n",
            [("Location", f"https://{words[1]}/?was={given}")])
    elif what == "back_in_chunks":
        connection.sendall(ok + b"Transfer-Encoding: chunked\r\n\r\n"
                           + chunked(repr(fields).encode(), 1))
    elif what == "back_in_trailers":
        connection.sendall(ok + b"Transfer-Encoding: chunked\r\n"
                           b"Trailer: X-Was\r\n\r\n5\r\nhello\r\n0\r\n"
                           + f"X-Was: {dict(fields)['authorization']}".encode()
                           + b"\r\n\r\n")
    elif what == "back_to_the_end":
        connection.sendall(ok + b"\r\n" + repr(fields).encode())
        return False
    elif what == "false_websocket":  # it proves nothing
        websocket(connection, stream, fields, b"another key")
        return False
    elif what == "trailers":
        heard = f"te={dict(fields).get('te')}" + "".join(
            f" {name}={value}" for name, value in trailers)
        connection.sendall(ok + b"Transfer-Encoding: chunked\r\n"
                           b"Trailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\n"
                           b"X-Sum: 5 %s\r\nX-Secret: 1\r\n\r\n"
                           % heard.encode())
    else:
        text = [f"hello from {dict(fields).get('host')}",
                f"connection {where}", f"request {request}",
                f"body {len(body)} {digest(body)}"]
        text += [f"field {name}: {value}" for name, value in fields]
        say(connection, "200 OK", "\n".join(text).encode() + b"\n", head=head)
    return dict(fields).get("connection", "").lower() != "close"


def end_tls(connection):
    """Says that it ends, and waits until the other side has it all."""
    try:
        connection.unwrap()
    except (OSError, ValueError):
        pass


def converse(connection):
    """Answers requests; returns what the last of them said of the end."""
    stream = connection.makefile("rb")
    number = next(NUMBERS)
    index, more = 0, True
    while more:
        request, fields = read_head(stream)
        if not request:
            return True
        index += 1
        where = f"{number}.{index}"
        log(where, request)
        for name, value in fields:
            if name == "authorization":
                log(where, dict(fields).get("host"), name, value)
        more = answer(connection, stream, request, fields, where)
    return more


def serve_http(raw, tls):
    connection = raw
    try:
        raw.settimeout(PATIENCE * 3)
        if tls:
            connection = tls.wrap_socket(raw, server_side=True)
            log("resumed" if connection.session_reused else "greeted")
        if converse(connection) is None:
            return  # ... without a word
        if tls:
            end_tls(connection)
        half_close(connection)
        # An answer must not be lost to the reset that unread bytes cause.
        with socket.socket(fileno=os.dup(connection.fileno())) as below:
            below.settimeout(2)
            while below.recv(65536):
                pass
    except (OSError, EOFError, ValueError) as error:
        log("error", repr(error))
    finally:
        connection.close()


def serve_tcp(raw, port):
    """7000 echoes, 7001 speaks first, 7002 listens to the end."""
    try:
        raw.settimeout(PATIENCE * 3)
        log(port, "connection")
        if port == 7001:
            raw.sendall(b"220 welcome\r\n")
        total, hashed = 0, hashlib.sha256()
        while data := raw.recv(65536):
            if port == 7002:
                total += len(data)
                hashed.update(data)
            else:
                raw.sendall(data)
        if port == 7002:
            raw.sendall(f"{total} {hashed.hexdigest()}\n".encode())
        else:
            raw.sendall(b"goodbye\n")
    except OSError as error:
        log(port, "error", repr(error))
    finally:
        raw.close()


def listen(port, serve, *args):
    listener = socket.create_server(("::", port), family=socket.AF_INET6,
                                    dualstack_ipv6=True, backlog=1024)

    def accept():
        while True:
            raw, _ = listener.accept()
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=serve, args=(raw, *args),
                             daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def tls_for(folder):
    contexts = {}

    def chosen(connection, name, _):
        log("hello", name)
        if name not in contexts and name and os.path.exists(
                f"{folder}/{name}.pem"):
            contexts[name] = fresh(name)
        if name in contexts:
            connection.context = contexts[name]

    def fresh(name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # An end that TLS does not announce is an end; one may answer to it.
        context.options |= getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
        context.load_cert_chain(f"{folder}/{name}.pem", f"{folder}/{name}.key")
        return context

    first = fresh("unnamed")
    first.sni_callback = chosen
    return first


FOLDER = None


def main():
    global FOLDER
    what, *rest = sys.argv[1:]
    if what == "origin":
        FOLDER = rest[0]
        tls = tls_for(FOLDER)
        for port in rest[1:] or ("80", "443"):
            listen(int(port), serve_http, None if port == "80" else tls)
    elif what == "tcp":
        for port in rest:
            listen(int(port), serve_tcp, int(port))
    elif what == "silent":
        silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        silent.bind((rest[0], 53))
    log("listening")
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
