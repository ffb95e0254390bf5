"""h2_conformance.py - what RFC 9113 and RFC 7541 ask of a server

`h2_conformance.py run NAME [PORT]` tries every case on a connection of its own
with NAME's server, and prints a line for each: its number, what is expected,
and `pass` or what happened instead. The server has /, /large and, for POST, an
echo. `h2_conformance.py compare OURS THEIRS` puts two such outputs beside each
other, and fails where ours fails and theirs does not.

Frames are written by hand, because no library writes wrong ones. A case sends
what it is about and says what must come of it, with the alternatives that the
RFCs leave: where a connection error is asked for the server may just close
(RFC 9113 5.4.1), where a stream error is, it may end the connection (5.4.2).
"""

import socket
import ssl
import struct
import sys
import time

import hpack

PATIENCE = 10
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
MAX_FRAME = 16384
MAX_WINDOW = 2**31 - 1
FIRST_WINDOW = 65535
LARGE = 300000  # bytes of /large

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = 0, 1, 2, 3, 4
PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 5, 6, 7, 8, 9
UNKNOWN = 0xbb

ACK = END_STREAM = 0x1
END_HEADERS, PADDED, PRIORITISED = 0x4, 0x8, 0x20
WHOLE = END_HEADERS | END_STREAM

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_STREAMS, INITIAL_WINDOW = 1, 2, 3, 4
MAX_FRAME_SIZE, MAX_HEADER_LIST = 5, 6

NAMES = ("NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR",
         "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR",
         "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR",
         "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED")
(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, _,
 STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR,
 _, ENHANCE_YOUR_CALM, _, _) = range(len(NAMES))


class Failed(Exception):
    pass


def code_name(code):
    return NAMES[code] if code < len(NAMES) else hex(code)


def literal(name, value, kind=0x00):
    """A field that is not compressed; @kind is RFC 7541 6.2's first byte."""
    name, value = (text.encode("latin-1") if isinstance(text, str) else text
                   for text in (name, value))
    return b"".join([bytes([kind]), integer(len(name), 7), name,
                     integer(len(value), 7), value])


def integer(value, prefix, first=0):
    """RFC 7541 5.1"""
    most = 2**prefix - 1
    if value < most:
        return bytes([first | value])
    out, value = bytearray([first | most]), value - most
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes(out + bytes([value]))


def settings(*pairs):
    return b"".join(struct.pack(">HI", *pair) for pair in pairs)


class Link:
    """A connection; what the server sends is held to what we allowed it."""

    def __init__(self, name, port, preface=True, said=()):
        raw = socket.create_connection((name, port), PATIENCE)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        context = ssl.create_default_context()
        context.set_alpn_protocols(["h2"])
        self.sock = context.wrap_socket(raw, server_hostname=name)
        if self.sock.selected_alpn_protocol() != "h2":
            raise Failed("no HTTP/2")
        self.authority = name if port == 443 else f"{name}:{port}"
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.inbox, self.frames_seen = bytearray(), 0
        self.acks, self.block = 0, None
        self.window, self.windows = FIRST_WINDOW, {}
        self.first_window = dict(said).get(INITIAL_WINDOW, FIRST_WINDOW)
        self.settings, self.heads, self.bodies = {}, {}, {}
        self.ended, self.reset, self.errors = set(), {}, []
        self.over, self.pings, self.updates = False, set(), {}
        self.probes = self.said = 0
        if preface:
            self.write(PREFACE)
            self.send(SETTINGS, 0, 0, settings(*said))

    def write(self, data):
        try:
            self.sock.sendall(data)
        except OSError:
            pass  # it shows when reading

    def send(self, kind, flags, stream, payload=b""):
        self.said += kind == SETTINGS and not flags & ACK
        self.write(struct.pack(">I", len(payload))[1:] +
                   struct.pack(">BBI", kind, flags, stream) + payload)

    # --- what is sent in good order ---

    def fields(self, *more, path="/", method="GET", without=(), **pseudo):
        have = {":method": method, ":scheme": "https",
                ":authority": self.authority, ":path": path}
        have.update((f":{name}", value) for name, value in pseudo.items())
        return [pair for pair in have.items() if pair[0] not in without] + \
            list(more)

    def plain(self, *more, **changed):
        """A header block that leaves no trace in the compression."""
        return b"".join(literal(*pair)
                        for pair in self.fields(*more, **changed))

    def ask(self, stream, *more, flags=WHOLE, **changed):
        self.send(HEADERS, flags, stream, self.plain(*more, **changed))

    def post(self, stream, *more, **changed):
        """A request whose body is still to come."""
        self.ask(stream, *more, flags=END_HEADERS, method="POST", **changed)

    def open_window(self, stream, n):
        if stream:
            self.windows[stream] = self.window_of(stream) + n
        else:
            self.window += n
        self.send(WINDOW_UPDATE, 0, stream, struct.pack(">I", n))

    def say_window(self, n):
        """SETTINGS_INITIAL_WINDOW_SIZE, once it is acknowledged."""
        self.send(SETTINGS, 0, 0, settings((INITIAL_WINDOW, n)))
        if n > self.first_window:
            self.shift_windows(n)
        self.until(lambda: self.acks == self.said)
        self.shift_windows(n)

    def shift_windows(self, n):
        for stream in self.windows:
            self.windows[stream] += n - self.first_window
        self.first_window = n

    def window_of(self, stream):
        return self.windows.setdefault(stream, self.first_window)

    # --- what comes back ---

    def read(self, n):
        while len(self.inbox) < n:
            data = self.sock.recv(65536)
            if not data:
                return None
            self.inbox += data
        data = bytes(self.inbox[:n])
        del self.inbox[:n]
        return data

    def step(self):
        """One frame of the server's."""
        try:
            head = self.read(9)
            body = self.read(int.from_bytes(head[:3], "big")) if head else None
        except (TimeoutError, socket.timeout):
            raise Failed("silence") from None
        except OSError:
            head = body = None
        if body is None:
            self.over = True
            return
        stream = int.from_bytes(head[5:9], "big") & MAX_WINDOW
        if len(body) > MAX_FRAME:
            raise Failed("it sent a frame that is too large")
        if self.frames_seen == 0 and (head[3] != SETTINGS or head[4] & ACK):
            raise Failed("its first frame was not SETTINGS")
        self.frames_seen += 1
        if self.block and head[3] != CONTINUATION:
            raise Failed("it put a frame into a header block")
        self.took(head[3], head[4], stream, body)

    def took(self, kind, flags, stream, body):
        if kind == DATA:
            self.took_data(flags, stream, body)
        elif kind == HEADERS:
            if flags & PADDED:
                body = body[1:len(body) - body[0]]
            self.block = [stream, flags, body[5:] if flags & PRIORITISED
                          else body]
        elif kind == CONTINUATION:
            self.block[1] |= flags
            self.block[2] += body
        elif kind == RST_STREAM:
            self.reset[stream] = int.from_bytes(body, "big")
        elif kind == SETTINGS and flags & ACK:
            self.acks += 1
        elif kind == SETTINGS:
            self.settings.update(struct.iter_unpack(">HI", body))
            self.send(SETTINGS, ACK, 0)
        elif kind == PING and flags & ACK:
            self.pings.add(body)
        elif kind == GOAWAY:
            self.errors.append(int.from_bytes(body[4:8], "big"))
        elif kind == WINDOW_UPDATE:
            self.updates[stream] = self.updates.get(stream, 0) + \
                int.from_bytes(body, "big")
        if self.block and self.block[1] & END_HEADERS:
            self.took_head(*self.block)
            self.block = None

    def took_head(self, stream, flags, block):
        head = self.decoder.decode(block, raw=False)
        for name, _ in head:
            if name != name.lower():
                raise Failed("it sent an upper-case field name")
            if name in ("connection", "keep-alive", "transfer-encoding"):
                raise Failed(f"it sent {name}")
        self.heads.setdefault(stream, []).append(head)
        if flags & END_STREAM:
            self.ended.add(stream)

    def took_data(self, flags, stream, body):
        self.window -= len(body)
        self.windows[stream] = self.window_of(stream) - len(body)
        if body and (self.window < 0 or self.windows[stream] < 0):
            raise Failed("it sent more than the window")
        if flags & PADDED:
            body = body[1:len(body) - body[0]]
        self.bodies[stream] = self.bodies.get(stream, b"") + body
        if flags & END_STREAM:
            self.ended.add(stream)

    # --- what is to come of it ---

    def until(self, what):
        end = time.monotonic() + PATIENCE
        while not what():
            if self.over:
                raise Failed(self.story() or "closed")
            if time.monotonic() > end:
                raise Failed("nothing came of it")
            self.step()

    def story(self):
        said = [f"GOAWAY {code_name(code)}" for code in self.errors]
        said += [f"RST_STREAM {code_name(code)} on {stream}"
                 for stream, code in self.reset.items()]
        said += [f"answered {self.status(stream)} on {stream}"
                 for stream in self.heads]
        return ", ".join(said)

    def status(self, stream):
        for head in self.heads.get(stream, []):
            status = dict(head).get(":status", "100")
            if not status.startswith("1"):
                return int(status)
        return None

    def answered(self, stream, *statuses):
        """Whole, with 200 or another of those that are given."""
        self.until(lambda: stream in self.ended or stream in self.reset)
        if stream not in self.ended or \
                self.status(stream) not in (statuses or (200,)):
            raise Failed(self.story())

    def serves(self, stream=101):
        """The connection is as good as before."""
        self.ask(stream)
        self.answered(stream)

    def ping(self, payload=b"12345678"):
        self.pings.discard(payload)
        self.send(PING, 0, 0, payload)
        self.until(lambda: payload in self.pings)

    def probe(self):
        """Two PINGs, one after the other: what came before is dealt with."""
        for _ in range(2):
            self.probes += 1
            payload = b"prob" + struct.pack(">I", self.probes)
            self.send(PING, 0, 0, payload)
            while not self.over and payload not in self.pings:
                self.step()
                yield
        yield

    def connection_error(self, *codes):
        if self.has_ended(codes):
            return
        for _ in self.probe():
            if self.has_ended(codes):
                return
        raise Failed(self.story() or "taken as if it were right")

    def has_ended(self, codes):
        wrong = [code for code in self.errors if code not in codes + (0,)]
        if wrong:
            raise Failed(self.story())
        return self.over or any(code in codes for code in self.errors)

    def stream_error(self, stream, *codes):
        for _ in self.probe():
            if self.has_ended(codes):
                return
            if stream in self.reset:
                if self.reset[stream] not in codes:
                    raise Failed(self.story())
                return
        raise Failed(self.story() or "taken as if it were right")

    def malformed(self, stream):
        """RFC 9113 8.1.1: a stream error; an answer may come before it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.has_ended((PROTOCOL_ERROR,)):
                return
            status = self.status(stream)
            if status is not None:
                if 400 <= status < 500:
                    return
                raise Failed(self.story())
            if stream in self.reset:
                if self.reset[stream] != PROTOCOL_ERROR:
                    raise Failed(self.story())
                return
            self.step()
        raise Failed("nothing came of it")

    def is_served_or(self, stream, *codes):
        """What the RFC leaves to the server, as long as it decides."""
        self.until(lambda: stream in self.ended or stream in self.reset or
                   self.over or self.errors)
        if self.reset.get(stream, NO_ERROR) not in codes + (NO_ERROR,):
            raise Failed(self.story())
        self.has_ended(codes)

    def error_or_passed_over(self, stream, *codes):
        """An error with one of @codes, or nothing, and the rest is served."""
        for _ in self.probe():
            if self.has_ended(codes):
                return
        if self.reset.get(stream, codes[0]) not in codes:
            raise Failed(self.story())
        self.serves()


CASES, LENIENT = [], set()


def case(section, promise, lenient=False, **how):
    """@lenient: nghttp2 takes it otherwise, for us as for nghttpd."""
    def add(test):
        CASES.append((section, promise, test, how))
        if lenient:
            LENIENT.add((section, promise))
        return test
    return add


def cases(section, promise, *variants):
    """The same with each of @variants: what it is, then its arguments."""
    def add(test):
        for what, *rest in variants:
            def one(link, rest=tuple(rest)):
                test(link, *rest)
            CASES.append((section, promise.format(what), one, {}))
        return test
    return add


# --- RFC 9113 3.4: connection preface ---

@case("3.4", "the server says SETTINGS first")
def _(link):
    link.until(lambda: link.frames_seen > 0)


@case("3.4", "the first SETTINGS may be empty")
def _(link):
    link.until(lambda: link.acks > 0)
    link.serves()


@case("3.4", "requests may follow the preface at once", preface=False)
def _(link):
    block = link.plain()
    link.write(PREFACE + b"\0\0\0\x04\0\0\0\0\0" +
               len(block).to_bytes(3, "big") + b"\x01\x05\0\0\0\x01" + block)
    link.answered(1)


@case("3.4", "the preface may come byte by byte", preface=False)
def _(link):
    for i in range(len(PREFACE)):
        link.write(PREFACE[i:i + 1])
    link.send(SETTINGS, 0, 0)
    link.serves()


@case("3.4", "what is no preface ends the connection", preface=False)
def _(link):
    link.write(b"INVALID CONNECTION PREFACE\r\n\r\n")
    link.connection_error(PROTOCOL_ERROR)


@case("3.4", "a preface that ends otherwise ends the connection",
      preface=False)
def _(link):
    link.write(PREFACE[:-4] + b"XX\r\n")
    link.send(SETTINGS, 0, 0)
    link.connection_error(PROTOCOL_ERROR)


@case("3.4", "a preface with no SETTINGS behind it ends the connection",
      preface=False)
def _(link):
    link.write(PREFACE)
    link.send(PING, 0, 0, bytes(8))
    link.connection_error(PROTOCOL_ERROR)


# --- 4.1: frame format ---

@case("4.1", "a frame of unknown type is passed over")
def _(link):
    link.send(UNKNOWN, 0, 0, b"what it is about")
    link.serves()


@case("4.1", "flags that a frame does not have are passed over")
def _(link):
    link.send(PING, 0xfe, 0, b"someflag")
    link.until(lambda: b"someflag" in link.pings)


@case("4.1", "the reserved bit is passed over")
def _(link):
    link.send(PING, 0, 0x80000000, b"reserved")
    link.until(lambda: b"reserved" in link.pings)
    link.ask(0x80000001)
    link.answered(1)


# --- 4.2: frame size ---

@case("4.2", "a frame of the largest size is taken")
def _(link):
    link.post(1)
    link.send(DATA, END_STREAM, 1, bytes(MAX_FRAME))
    link.answered(1)


@case("4.2", "DATA that is too large is an error")
def _(link):
    link.post(1)
    link.send(DATA, END_STREAM, 1, bytes(MAX_FRAME + 1))
    link.stream_error(1, FRAME_SIZE_ERROR)


@case("4.2", "HEADERS that is too large is a connection error")
def _(link):
    link.ask(1, *[("x", "y" * 100)] * 200)
    link.connection_error(FRAME_SIZE_ERROR)


@case("4.2", "CONTINUATION that is too large is a connection error")
def _(link):
    link.ask(1, flags=END_STREAM)
    link.send(CONTINUATION, END_HEADERS, 1, literal("x", "y" * 100) * 200)
    link.connection_error(FRAME_SIZE_ERROR)


@case("4.2", "SETTINGS that is too large is a connection error")
def _(link):
    link.send(SETTINGS, 0, 0, settings((0xff, 0)) * (MAX_FRAME // 6 + 1))
    link.connection_error(FRAME_SIZE_ERROR)


@case("4.2", "an unknown frame that is too large is an error")
def _(link):
    link.send(UNKNOWN, 0, 0, bytes(MAX_FRAME + 1))
    link.connection_error(FRAME_SIZE_ERROR)


# --- 4.3: field sections ---

@case("4.3", "a block in many frames is one block")
def _(link):
    block = link.plain()
    link.send(HEADERS, END_STREAM, 1, block[:1])
    for i in range(1, 8):
        link.send(CONTINUATION, 0, 1, block[i:i + 1])
    link.send(CONTINUATION, END_HEADERS, 1, block[8:])
    link.answered(1)


@case("4.3", "a block may have empty frames in it")
def _(link):
    link.ask(1, flags=END_STREAM)
    link.send(CONTINUATION, 0, 1)
    link.send(CONTINUATION, END_HEADERS, 1)
    link.answered(1)


@cases("4.3", "{} within a block is a connection error",
       ("PRIORITY", PRIORITY, 1, b"\0\0\0\0\x10"),
       ("DATA", DATA, 1, b"x"),
       ("PING", PING, 0, bytes(8)),
       ("SETTINGS", SETTINGS, 0, b""),
       ("another stream's HEADERS", HEADERS, 3, b""),
       ("an unknown frame", UNKNOWN, 1, b"x"))
def _(link, kind, stream, payload):
    link.ask(1, flags=END_STREAM)
    link.send(kind, 0, stream, payload)
    link.connection_error(PROTOCOL_ERROR)


@case("4.3", "a malformed request changes the compression all the same")
def _(link):
    link.send(HEADERS, WHOLE, 1, link.plain(("Upper", "x")) +
              literal("x-kept", "yes", 0x40))
    link.malformed(1)
    link.send(HEADERS, WHOLE, 3, link.plain() + integer(62, 7, 0x80))
    link.until(lambda: 3 in link.ended or link.over or link.errors)
    if COMPRESSION_ERROR in link.errors:
        raise Failed(link.story())


@case("4.3", "trailers change the compression all the same")
def _(link):
    link.post(1)
    link.send(HEADERS, WHOLE, 1, literal("x-kept", "yes", 0x40))
    link.send(HEADERS, WHOLE, 3, link.plain() + integer(62, 7, 0x80))
    link.answered(3)


# --- 5.1: stream states ---

@cases("5.1", "{} on an idle stream is a connection error",
       ("DATA", DATA, END_STREAM, b"x"),
       ("RST_STREAM", RST_STREAM, 0, struct.pack(">I", CANCEL)),
       ("WINDOW_UPDATE", WINDOW_UPDATE, 0, struct.pack(">I", 100)),
       ("CONTINUATION", CONTINUATION, END_HEADERS, b""))
def _(link, kind, flags, payload):
    link.send(kind, flags, 1, payload)
    link.connection_error(PROTOCOL_ERROR)


@case("5.1", "PRIORITY on an idle stream is none")
def _(link):
    link.send(PRIORITY, 0, 9, b"\0\0\0\0\x10")
    link.ask(9)
    link.answered(9)


def half_close(link):
    """Stream 1 is half-closed, as the server sees it, and stays so."""
    link.say_window(0)
    link.ask(1, path="/large")
    link.until(lambda: 1 in link.heads)


@case("5.1", "DATA on a half-closed stream is an error")
def _(link):
    half_close(link)
    link.send(DATA, END_STREAM, 1, b"x")
    link.stream_error(1, STREAM_CLOSED)


@case("5.1", "HEADERS on a half-closed stream is an error")
def _(link):
    half_close(link)
    link.send(HEADERS, WHOLE, 1, literal("x", "y"))
    link.stream_error(1, STREAM_CLOSED)


@case("5.1", "CONTINUATION on a half-closed stream is a connection error")
def _(link):
    half_close(link)
    link.send(CONTINUATION, END_HEADERS, 1, literal("x", "y"))
    link.connection_error(PROTOCOL_ERROR, STREAM_CLOSED)


@case("5.1", "WINDOW_UPDATE and PRIORITY on a half-closed stream are taken")
def _(link):
    half_close(link)
    link.send(PRIORITY, 0, 1, b"\0\0\0\0\x10")
    link.open_window(1, 10)
    link.until(lambda: len(link.bodies.get(1, b"")) == 10)
    link.ping()


@case("5.1", "RST_STREAM on a half-closed stream is taken")
def _(link):
    half_close(link)
    link.send(RST_STREAM, 0, 1, struct.pack(">I", CANCEL))
    link.say_window(FIRST_WINDOW)
    link.serves()


def close_by_end(link):
    link.ask(1)
    link.answered(1)


def close_by_reset(link):
    link.post(1)
    link.send(RST_STREAM, 0, 1, struct.pack(">I", CANCEL))


def skip_stream(link):
    """One that a later one has closed (5.1.1)."""
    link.ask(3)
    link.answered(3)


CLOSED = (("ended", close_by_end), ("was reset", close_by_reset),
          ("was skipped", skip_stream))


@cases("5.1", "DATA on a stream that {} is nobody's", *CLOSED)
def _(link, close):
    close(link)
    link.send(DATA, END_STREAM, 1, b"x")
    link.error_or_passed_over(1, STREAM_CLOSED, PROTOCOL_ERROR)


@cases("5.1", "HEADERS on a stream that {} asks for nothing", *CLOSED)
def _(link, close):
    close(link)
    before = len(link.heads.get(1, []))
    link.ask(1)
    link.error_or_passed_over(1, STREAM_CLOSED, PROTOCOL_ERROR)
    if len(link.heads.get(1, [])) > before:
        raise Failed("it was answered")


@cases("5.1", "CONTINUATION on a stream that {} is a connection error",
       *CLOSED)
def _(link, close):
    close(link)
    link.send(CONTINUATION, END_HEADERS, 1, literal("x", "y"))
    link.connection_error(PROTOCOL_ERROR, STREAM_CLOSED)


@cases("5.1", "what may still come on a stream that {} is passed over",
       *CLOSED)
def _(link, close):
    close(link)
    link.send(WINDOW_UPDATE, 0, 1, struct.pack(">I", 100))
    link.send(PRIORITY, 0, 1, b"\0\0\0\0\x10")
    link.send(RST_STREAM, 0, 1, struct.pack(">I", CANCEL))
    link.serves()


@case("5.1", "DATA on a stream that was reset is given back to the window")
def _(link):
    close_by_reset(link)
    link.serves(3)
    window = FIRST_WINDOW + link.updates.get(0, 0)
    while window > 0:
        seen = link.updates.get(0, 0)
        link.send(DATA, 0, 1, bytes(min(window, MAX_FRAME)))
        window -= MAX_FRAME
        for _ in link.probe():
            if link.has_ended((STREAM_CLOSED,)):
                return
        if link.updates.get(0, 0) > seen:
            return
    raise Failed("the window is used up")


# --- 5.1.1, 5.1.2: identifiers, concurrency ---

@case("5.1.1", "a request with an even number is a connection error")
def _(link):
    link.ask(2)
    link.connection_error(PROTOCOL_ERROR)


@case("5.1.1", "a request with a smaller number is a connection error",
      lenient=True)
def _(link):
    link.ask(5)
    link.answered(5)
    link.ask(3)
    link.connection_error(PROTOCOL_ERROR, STREAM_CLOSED)


@case("5.1.1", "numbers may be left out, up to the largest")
def _(link):
    link.ask(7)
    link.answered(7)
    link.ask(MAX_WINDOW)
    link.answered(MAX_WINDOW)


@case("5.1.2", "more streams than the server takes are refused")
def _(link):
    link.until(lambda: link.acks > 0)
    most = link.settings.get(MAX_STREAMS)
    if most is None:
        raise Failed("it takes any number")
    half_close(link)
    for i in range(1, most + 1):
        link.ask(1 + 2 * i, path="/large")
    link.stream_error(1 + 2 * most, REFUSED_STREAM, PROTOCOL_ERROR)


@case("5.1.2", "streams that have ended make room")
def _(link):
    link.until(lambda: link.acks > 0)
    for i in range(link.settings.get(MAX_STREAMS, 100) + 20):
        link.ask(1 + 2 * i)
        link.answered(1 + 2 * i)


# --- 5.3: priority (deprecated, and to be passed over or well-formed) ---

@case("5.3", "a stream that depends on itself is decided")
def _(link):
    link.send(HEADERS, WHOLE | PRIORITISED, 1,
              b"\0\0\0\x01\x10" + link.plain())
    link.is_served_or(1, PROTOCOL_ERROR)


@case("5.3", "a stream may depend on one that is not there")
def _(link):
    link.send(HEADERS, WHOLE | PRIORITISED, 1,
              b"\x80\0\0\x63\xff" + link.plain())
    link.answered(1)


# --- 5.4: errors ---

@case("5.4.1", "after a connection error the connection is closed")
def _(link):
    link.send(DATA, 0, 0, b"x")
    while not link.over:
        link.step()


@case("5.4.1", "after a connection error nothing more is served")
def _(link):
    link.send(DATA, 0, 0, b"x")
    link.ask(1)
    while not link.over:
        link.step()
    if 1 in link.heads:
        raise Failed("it was answered")


@case("5.4.2", "RST_STREAM is not answered with RST_STREAM")
def _(link):
    close_by_reset(link)
    link.serves()
    if 1 in link.reset:
        raise Failed(link.story())


@case("5.4.2", "a stream error leaves the other streams alone")
def _(link):
    link.post(1)
    link.ask(3, ("Upper", "x"))
    link.malformed(3)
    link.send(DATA, END_STREAM, 1, b"still here")
    link.until(lambda: 1 in link.ended or link.errors or link.over)
    if not link.errors and not link.over:
        link.answered(1)


# --- 5.5: extensions ---

@cases("5.5", "an unknown frame on {} is passed over",
       ("an idle stream", lambda link: None),
       ("a half-closed stream", lambda link: link.ask(1)),
       ("an open stream", lambda link: link.post(1)),
       ("a closed stream", close_by_end))
def _(link, make):
    make(link)
    link.send(UNKNOWN, 0xff, 1, b"extension")
    link.serves()


@case("5.5", "an unknown setting is passed over")
def _(link):
    link.send(SETTINGS, 0, 0, settings((0xabcd, 0xffffffff)))
    link.until(lambda: link.acks == link.said)
    link.serves()


@cases("5.5", "{} is served or refused, not fatal",
       ("ALTSVC", 0x0a, b"\0\0clear"),
       ("ORIGIN", 0x0c, b"\0\x0ehttps://x.test"),
       ("PRIORITY_UPDATE", 0x10, b"\0\0\0\x01u=0"))
def _(link, kind, payload):
    link.send(kind, 0, 0, payload)
    link.serves()


# --- 6.1: DATA ---

@case("6.1", "DATA on the connection is an error")
def _(link):
    link.send(DATA, END_STREAM, 0, b"x")
    link.connection_error(PROTOCOL_ERROR)


@cases("6.1", "padding {} is a connection error",
       ("that is the whole payload", b"\x06abcdef"[:6]),
       ("that is longer than the payload", b"\xffabc"),
       ("without its length", b""))
def _(link, payload):
    link.post(1)
    link.send(DATA, END_STREAM | PADDED, 1, payload)
    link.connection_error(PROTOCOL_ERROR, FRAME_SIZE_ERROR)


@case("6.1", "padding is no part of the body")
def _(link):
    link.post(1)
    link.send(DATA, PADDED, 1, b"\x03abc\0\0\0")
    link.send(DATA, PADDED, 1, b"\x02\0\0")
    link.send(DATA, END_STREAM | PADDED, 1, b"\0def")
    link.answered(1)
    if link.bodies[1] != b"abcdef":
        raise Failed(repr(link.bodies[1]))


@case("6.1", "an empty frame may end a body")
def _(link):
    link.post(1)
    link.send(DATA, 0, 1, b"abc")
    link.send(DATA, END_STREAM, 1)
    link.answered(1)


@case("6.1", "padding counts for the window, and is given back")
def _(link):
    link.post(1)
    for _ in range(FIRST_WINDOW // 257 + 1):
        link.send(DATA, PADDED, 1, b"\xff" + b"x" + bytes(255))
        link.ping()
        if link.updates.get(1):
            return
    raise Failed("the window is used up")


# --- 6.2: HEADERS ---

@case("6.2", "HEADERS on the connection is an error")
def _(link):
    link.ask(0)
    link.connection_error(PROTOCOL_ERROR)


@case("6.2", "padding and a priority are passed over")
def _(link):
    link.send(HEADERS, WHOLE | PADDED | PRIORITISED, 1,
              b"\x04\0\0\0\0\x10" + link.plain() + bytes(4))
    link.answered(1)


@cases("6.2", "{} is a connection error",
       ("padding that is longer than the block", PADDED, b"\xff\x82"),
       ("padding without its length", PADDED, b""),
       ("a priority that is cut short", PRIORITISED, b"\0\0"),
       ("padding that eats the priority", PADDED | PRIORITISED,
        b"\x04\0\0\0\0\x10\x82"))
def _(link, flags, payload):
    link.send(HEADERS, WHOLE | flags, 1, payload)
    link.connection_error(PROTOCOL_ERROR, FRAME_SIZE_ERROR)


# --- 6.3: PRIORITY ---

@case("6.3", "PRIORITY on the connection is an error")
def _(link):
    link.send(PRIORITY, 0, 0, b"\0\0\0\0\x10")
    link.connection_error(PROTOCOL_ERROR)


@cases("6.3", "PRIORITY of {} is an error",
       ("four bytes", b"\0\0\0\0"), ("six bytes", b"\0\0\0\0\x10\0"))
def _(link, payload):
    link.post(1)
    link.send(PRIORITY, 0, 1, payload)
    link.stream_error(1, FRAME_SIZE_ERROR)


# --- 6.4: RST_STREAM ---

@case("6.4", "RST_STREAM on the connection is an error")
def _(link):
    link.send(RST_STREAM, 0, 0, struct.pack(">I", CANCEL))
    link.connection_error(PROTOCOL_ERROR)


@cases("6.4", "RST_STREAM of {} is a connection error",
       ("three bytes", bytes(3)), ("five bytes", bytes(5)))
def _(link, payload):
    link.post(1)
    link.send(RST_STREAM, 0, 1, payload)
    link.connection_error(FRAME_SIZE_ERROR)


@case("6.4", "a stream that was reset gets no more DATA")
def _(link):
    half_close(link)
    link.send(RST_STREAM, 0, 1, struct.pack(">I", CANCEL))
    link.ping()
    seen = len(link.bodies.get(1, b""))
    link.say_window(FIRST_WINDOW)
    link.serves()
    if len(link.bodies.get(1, b"")) > seen:
        raise Failed("there was more")


# --- 6.5: SETTINGS ---

@case("6.5", "SETTINGS are acknowledged, each")
def _(link):
    link.until(lambda: link.acks == 1)
    for _ in range(3):
        link.send(SETTINGS, 0, 0, settings((INITIAL_WINDOW, 1000)))
    link.until(lambda: link.acks == 4)


@case("6.5", "an acknowledgement that carries something is an error")
def _(link):
    link.send(SETTINGS, ACK, 0, settings((INITIAL_WINDOW, 1)))
    link.connection_error(FRAME_SIZE_ERROR)


@case("6.5", "SETTINGS on a stream is a connection error")
def _(link):
    link.send(SETTINGS, 0, 1, settings((INITIAL_WINDOW, 1)))
    link.connection_error(PROTOCOL_ERROR)


@case("6.5", "SETTINGS of a length that is no multiple of six is an error")
def _(link):
    link.send(SETTINGS, 0, 0, b"\0\x03\0")
    link.connection_error(FRAME_SIZE_ERROR)


@cases("6.5.2", "{} is a connection error",
       ("ENABLE_PUSH of 2", ENABLE_PUSH, 2, PROTOCOL_ERROR),
       ("INITIAL_WINDOW_SIZE of 2^31", INITIAL_WINDOW, 2**31,
        FLOW_CONTROL_ERROR),
       ("MAX_FRAME_SIZE of 16383", MAX_FRAME_SIZE, 16383, PROTOCOL_ERROR),
       ("MAX_FRAME_SIZE of 2^24", MAX_FRAME_SIZE, 2**24, PROTOCOL_ERROR))
def _(link, which, value, error):
    link.send(SETTINGS, 0, 0, settings((which, value)))
    link.connection_error(error)


@case("6.5.2", "values at their bounds are taken")
def _(link):
    link.send(SETTINGS, 0, 0, settings(
        (ENABLE_PUSH, 0), (INITIAL_WINDOW, MAX_WINDOW),
        (MAX_FRAME_SIZE, 16384), (MAX_STREAMS, 0),
        (MAX_HEADER_LIST, 2**32 - 1)))
    link.first_window = MAX_WINDOW
    link.until(lambda: link.acks == link.said)
    link.serves()


@case("6.5.2", "a server takes no pushes and does not say that it might")
def _(link):
    link.until(lambda: link.acks > 0)
    if link.settings.get(ENABLE_PUSH, 0) != 0:
        raise Failed("it said ENABLE_PUSH")


@case("6.5.3", "of a setting said twice the last counts")
def _(link):
    link.send(SETTINGS, 0, 0, settings((INITIAL_WINDOW, 100),
                                       (INITIAL_WINDOW, 1)))
    link.until(lambda: link.acks == link.said)
    link.first_window = 1
    link.ask(1, path="/large")
    link.until(lambda: len(link.bodies.get(1, b"")) == 1)
    link.ping()


@case("6.5.3", "answers are compressed with the table that was asked for",
      said=((HEADER_TABLE_SIZE, 0),))
def _(link):
    link.decoder.max_allowed_table_size = 0
    link.until(lambda: link.acks > 0)
    for stream in 1, 3, 5:
        link.ask(stream)
        link.answered(stream)
    if link.decoder.header_table_size != 0:
        raise Failed("the table was not made smaller")


# --- 6.6: PUSH_PROMISE ---

@case("6.6", "PUSH_PROMISE of a client is a connection error")
def _(link):
    link.post(1)
    link.send(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\x02" + link.plain())
    link.connection_error(PROTOCOL_ERROR)


# --- 6.7: PING ---

@case("6.7", "PING is answered with what it said")
def _(link):
    for payload in b"\0" * 8, b"\xff" * 8, b"12345678":
        link.ping(payload)


@case("6.7", "an answer to PING is not answered")
def _(link):
    link.send(PING, ACK, 0, b"unasked!")
    link.ping(b"question")
    if b"unasked!" in link.pings:
        raise Failed("it was")


@case("6.7", "PING on a stream is a connection error")
def _(link):
    link.send(PING, 0, 1, bytes(8))
    link.connection_error(PROTOCOL_ERROR)


@cases("6.7", "PING of {} is a connection error",
       ("seven bytes", bytes(7)), ("nine bytes", bytes(9)))
def _(link, payload):
    link.send(PING, 0, 0, payload)
    link.connection_error(FRAME_SIZE_ERROR)


# --- 6.8: GOAWAY ---

def goaway(code=0, last=0, more=b""):
    return struct.pack(">II", last, code) + more


@case("6.8", "GOAWAY on a stream is a connection error")
def _(link):
    link.send(GOAWAY, 0, 1, goaway())
    link.connection_error(PROTOCOL_ERROR)


@case("6.8", "GOAWAY that is cut short is a connection error")
def _(link):
    link.send(GOAWAY, 0, 0, goaway()[:7])
    link.connection_error(FRAME_SIZE_ERROR)


@case("6.8", "what was asked before GOAWAY is answered")
def _(link):
    link.post(1)
    link.send(GOAWAY, 0, 0, goaway(more=b"more than that"))
    link.send(DATA, END_STREAM, 1, b"last words")
    link.answered(1)
    if link.bodies[1] != b"last words":
        raise Failed(repr(link.bodies[1]))


# --- 6.9: WINDOW_UPDATE ---

@case("6.9", "an increment of nothing is an error of the connection")
def _(link):
    link.send(WINDOW_UPDATE, 0, 0, bytes(4))
    link.connection_error(PROTOCOL_ERROR)


@case("6.9", "an increment of nothing is an error of the stream")
def _(link):
    link.post(1)
    link.send(WINDOW_UPDATE, 0, 1, bytes(4))
    link.stream_error(1, PROTOCOL_ERROR)


@cases("6.9", "WINDOW_UPDATE of {} is a connection error",
       ("three bytes", 0, bytes(3)),
       ("five bytes", 0, b"\0\0\0\0\1"),
       ("three bytes, on a stream,", 1, bytes(3)))
def _(link, stream, payload):
    link.post(1)
    link.send(WINDOW_UPDATE, 0, stream, payload)
    link.connection_error(FRAME_SIZE_ERROR)


@case("6.9", "the reserved bit of an increment is passed over")
def _(link):
    half_close(link)
    link.windows[1] = 5
    link.send(WINDOW_UPDATE, 0, 1, struct.pack(">I", 0x80000005))
    link.until(lambda: len(link.bodies.get(1, b"")) == 5)


@case("6.9.1", "a connection's window beyond 2^31-1 is an error")
def _(link):
    for _ in range(2):
        link.send(WINDOW_UPDATE, 0, 0, struct.pack(">I", MAX_WINDOW))
    link.connection_error(FLOW_CONTROL_ERROR)


@case("6.9.1", "a stream's window beyond 2^31-1 is an error")
def _(link):
    link.post(1)
    for _ in range(2):
        link.send(WINDOW_UPDATE, 0, 1, struct.pack(">I", MAX_WINDOW))
    link.stream_error(1, FLOW_CONTROL_ERROR)


@case("6.9.1", "no more is sent than the stream's window",
      said=((INITIAL_WINDOW, 1),))
def _(link):
    link.until(lambda: link.acks > 0)
    link.ask(1, path="/large")
    for size in 1, 2, 1000:
        want = len(link.bodies.get(1, b"")) + link.window_of(1)
        link.until(lambda: len(link.bodies.get(1, b"")) == want)
        link.ping()
        link.open_window(1, size)


@case("6.9.1", "no more is sent than the connection's window",
      said=((INITIAL_WINDOW, MAX_WINDOW),))
def _(link):
    link.until(lambda: link.acks > 0)
    link.ask(1, path="/large")
    link.ask(3, path="/large")
    link.until(lambda: link.window == 0)
    link.ping()
    link.open_window(0, 2 * LARGE)
    link.answered(1)
    link.answered(3)


@case("6.9.1", "one stream without a window does not stop another")
def _(link):
    half_close(link)
    link.send(SETTINGS, 0, 0, b"")
    link.ask(3)
    link.open_window(3, 1000)
    link.answered(3)


@case("6.9.2", "a window of nothing lets only heads and empty ends pass")
def _(link):
    half_close(link)
    link.ask(3, method="HEAD")
    link.answered(3)


@case("6.9.2", "a larger initial window opens the streams that are there")
def _(link):
    half_close(link)
    link.say_window(10)
    link.until(lambda: len(link.bodies.get(1, b"")) == 10)
    link.ping()


@case("6.9.2", "a window may become negative, and is kept to",
      said=((INITIAL_WINDOW, 3),))
def _(link):
    link.until(lambda: link.acks > 0)
    link.ask(1, path="/large")
    link.until(lambda: len(link.bodies.get(1, b"")) == 3)
    link.say_window(1)
    link.open_window(1, 1)
    link.ping()
    link.open_window(1, 2)
    link.until(lambda: len(link.bodies[1]) == 4)
    link.ping()


@case("6.9.2", "an initial window that makes a stream's overflow is an error",
      lenient=True)
def _(link):
    link.post(1)
    link.send(WINDOW_UPDATE, 0, 1, struct.pack(">I", 100))
    link.ping()
    link.send(SETTINGS, 0, 0, settings((INITIAL_WINDOW, MAX_WINDOW)))
    link.connection_error(FLOW_CONTROL_ERROR)


@case("6.9.2", "the initial window is not the connection's")
def _(link):
    link.say_window(1)
    link.say_window(FIRST_WINDOW)
    link.ask(1, path="/large")
    link.until(lambda: link.window == 0)
    link.ping()


# --- 6.10: CONTINUATION ---

@case("6.10", "CONTINUATION on the connection is an error")
def _(link):
    link.ask(1, flags=END_STREAM)
    link.send(CONTINUATION, END_HEADERS, 0)
    link.connection_error(PROTOCOL_ERROR)


@cases("6.10", "CONTINUATION after {} is a connection error",
       ("a block that was whole",
        lambda link: link.ask(1, flags=END_HEADERS)),
       ("a CONTINUATION that ended the block", lambda link: (
           link.ask(1, flags=0),
           link.send(CONTINUATION, END_HEADERS, 1))),
       ("DATA", lambda link: (link.post(1), link.send(DATA, 0, 1, b"x"))),
       ("nothing", lambda link: None))
def _(link, make):
    make(link)
    link.send(CONTINUATION, END_HEADERS, 1, literal("x", "y"))
    link.connection_error(PROTOCOL_ERROR)


@case("6.10", "CONTINUATION on another stream is a connection error")
def _(link):
    link.post(1)
    link.ask(3, flags=END_STREAM)
    link.send(CONTINUATION, END_HEADERS, 1)
    link.connection_error(PROTOCOL_ERROR)


# --- 7: error codes ---

@case("7", "an unknown code in RST_STREAM is like any")
def _(link):
    link.post(1)
    link.send(RST_STREAM, 0, 1, b"\xab\xcd\xef\x01")
    link.serves()


@case("7", "an unknown code in GOAWAY is like any")
def _(link):
    link.post(1)
    link.send(GOAWAY, 0, 0, goaway(0xabcdef01))
    link.send(DATA, END_STREAM, 1, b"x")
    link.is_served_or(1)


# --- 8.1: messages ---

@case("8.1", "a body may be followed by trailers")
def _(link):
    link.post(1)
    link.send(DATA, 0, 1, b"abc")
    link.send(HEADERS, WHOLE, 1, literal("x-sum", "3"))
    link.answered(1)


@case("8.1", "trailers may come without a body")
def _(link):
    link.post(1)
    link.send(HEADERS, WHOLE, 1, literal("x-sum", "0"))
    link.answered(1)


@case("8.1", "trailers that do not end the request are malformed")
def _(link):
    link.post(1)
    link.send(DATA, 0, 1, b"abc")
    link.send(HEADERS, END_HEADERS, 1, literal("x-sum", "3"))
    link.malformed(1)


@case("8.1", "trailers with a pseudo-field are malformed")
def _(link):
    link.post(1)
    link.send(HEADERS, WHOLE, 1, literal(":path", "/other"))
    link.malformed(1)


@case("8.1", "DATA after trailers is an error")
def _(link):
    link.say_window(0)
    link.post(1, path="/large")
    link.send(HEADERS, WHOLE, 1, literal("x-sum", "3"))
    link.send(DATA, END_STREAM, 1, b"x")
    link.stream_error(1, STREAM_CLOSED)


@cases("8.1.1", "a body that is {} is malformed",
       ("shorter than it says", "4", [b"abc"]),
       ("longer than it says", "2", [b"abc"]),
       ("shorter, in pieces,", "7", [b"abc", b"def"]),
       ("longer, in pieces,", "5", [b"abc", b"def"]),
       ("there though it says 0", "0", [b"abc"]))
def _(link, length, pieces):
    link.post(1, ("content-length", length))
    for piece in pieces[:-1]:
        link.send(DATA, 0, 1, piece)
    link.send(DATA, END_STREAM, 1, pieces[-1])
    link.malformed(1)


@case("8.1.1", "a body that is not there though it says so is malformed")
def _(link):
    link.ask(1, ("content-length", "1"), method="POST")
    link.malformed(1)


@case("8.1.1", "a body of the length that it says is served")
def _(link):
    link.post(1, ("content-length", "6"))
    link.send(DATA, PADDED, 1, b"\x01abc\0")
    link.send(DATA, END_STREAM, 1, b"def")
    link.answered(1)


# --- 8.2: fields ---

@cases("8.2", "{} is malformed",
       ("an upper-case name", "X-Upper", "x"),
       ("a name in capitals", "HOST", "x"),
       ("an empty name", "", "x"),
       ("a name with a blank", "x y", "x"),
       ("a name with a colon", "x:y", "x"),
       ("a name with a control character", "x\x01", "x"),
       ("a name with a byte above 127", "x\xe9", "x"),
       ("a value with a line feed", "x", "a\nb"),
       ("a value with a carriage return", "x", "a\rb"),
       ("a value with a NUL", "x", "a\0b"),
       ("a value that begins with a blank", "x", " a"),
       ("a value that ends with a tab", "x", "a\t"),
       ("Connection", "connection", "keep-alive"),
       ("Connection: close", "connection", "close"),
       ("Keep-Alive", "keep-alive", "timeout=5"),
       ("Proxy-Connection", "proxy-connection", "keep-alive"),
       ("Transfer-Encoding", "transfer-encoding", "chunked"),
       ("Upgrade", "upgrade", "websocket"),
       ("TE that is not trailers", "te", "gzip"),
       ("TE that is more than trailers", "te", "trailers, deflate"))
def _(link, name, value):
    link.ask(1, (name, value))
    link.malformed(1)


@cases("8.2", "{} served",
       ("TE: trailers is", ("te", "trailers")),
       ("a value of nothing is", ("x-empty", "")),
       ("a value with bytes above 127 is", ("x", b"\xc3\xa9")),
       ("a cookie in pieces is", ("cookie", "a=1"), ("cookie", "b=2")),
       ("a field that is there twice is", ("x", "1"), ("x", "2")))
def _(link, *fields):
    link.ask(1, *fields)
    link.answered(1)


# --- 8.3: pseudo-fields ---

@cases("8.3", "{} is malformed",
       ("an unknown pseudo-field", [(":test", "x")]),
       ("a response's pseudo-field", [(":status", "200")]),
       (":method twice", [(":method", "GET")]),
       (":scheme twice", [(":scheme", "https")]),
       (":path twice", [(":path", "/")]),
       (":authority twice", [(":authority", "other.test")]))
def _(link, more):
    link.ask(1, *more)
    link.malformed(1)


@cases("8.3", "{} behind a field is malformed",
       *((name, name) for name in (":method", ":scheme", ":path",
                                   ":authority")))
def _(link, name):
    value = dict(link.fields())[name]
    link.ask(1, ("x", "y"), (name, value), without=(name,))
    link.malformed(1)


@cases("8.3.1", "a request without {} is malformed",
       (":method", ":method"), (":scheme", ":scheme"), (":path", ":path"))
def _(link, name):
    link.ask(1, without=(name,))
    link.malformed(1)


@cases("8.3.1", "{} is malformed",
       ("an empty :path", {"path": ""}),
       ("a :path without a slash", {"path": "index.html"}),
       ("a :path with a blank", {"path": "/a b"}),
       ("a :method that is no token", {"method": "GE T"}),
       ("an empty :method", {"method": ""}),
       ("an :authority with a user", {"authority": "user@listed.test"}))
def _(link, changed):
    link.ask(1, **changed)
    link.malformed(1)


@case("8.3.1", "a Host that is another name is malformed")
def _(link):
    link.ask(1, ("host", "other.test"))
    link.malformed(1)


@case("8.3.1", "a Host that is the same name is served")
def _(link):
    link.ask(1, ("host", link.authority))
    link.answered(1)


@case("8.3.1", "a Host may stand in for :authority")
def _(link):
    link.ask(1, ("host", link.authority), without=(":authority",))
    link.answered(1)


@case("8.3.1", "OPTIONS may ask about the server")
def _(link):
    link.ask(1, method="OPTIONS", path="*")
    link.answered(1, 200, 204, 400, 403, 404, 405, 501)


# --- 8.5: CONNECT ---

@cases("8.5", "CONNECT with {} is malformed",
       (":scheme", [(":scheme", "https")]),
       (":path", [(":path", "/")]))
def _(link, more):
    block = [(":method", "CONNECT"), (":authority", link.authority), *more]
    link.send(HEADERS, WHOLE, 1, b"".join(literal(*f) for f in block))
    link.malformed(1)


@case("8.5", "CONNECT without :authority is malformed")
def _(link):
    link.send(HEADERS, WHOLE, 1, literal(":method", "CONNECT"))
    link.malformed(1)


@case("8.5", "CONNECT is answered")
def _(link):
    link.send(HEADERS, END_HEADERS, 1, literal(":method", "CONNECT") +
              literal(":authority", "other.test:443"))
    for _ in link.probe():
        if 1 in link.heads or 1 in link.reset or link.over:
            return
    raise Failed("silence")


@case("8.5", ":protocol that was not offered is malformed")
def _(link):
    link.until(lambda: link.acks > 0)
    if link.settings.get(8):
        return
    block = [(":method", "CONNECT"), (":protocol", "websocket"),
             (":scheme", "https"), (":path", "/"),
             (":authority", link.authority)]
    link.send(HEADERS, END_HEADERS, 1, b"".join(literal(*f) for f in block))
    link.malformed(1)


# --- RFC 7541 ---

def block_error(link, more):
    link.send(HEADERS, WHOLE, 1, link.plain() + more)
    link.connection_error(COMPRESSION_ERROR)


@cases("7541 2.3.3", "{} is a decoding error",
       ("an index of 0", b"\x80"),
       ("an index beyond the tables", b"\xbe"),
       ("an index far beyond the tables", integer(10**6, 7, 0x80)),
       ("a name's index beyond the tables", integer(70, 4) + b"\x01x"),
       ("a name's index beyond the tables, to be kept,",
        integer(70, 6, 0x40) + b"\x01x"))
def _(link, more):
    block_error(link, more)


@cases("7541 4.2", "a table's size {} is a decoding error",
       ("behind a field", b"\x20"),
       ("above the largest", None))
def _(link, more):
    if more:
        block_error(link, more)
    else:
        link.until(lambda: link.acks > 0)
        most = link.settings.get(HEADER_TABLE_SIZE, 4096)
        link.send(HEADERS, WHOLE, 1,
                  integer(most + 1, 5, 0x20) + link.plain())
        link.connection_error(COMPRESSION_ERROR)


@case("7541 4.2", "a table's size may change, also twice, before the fields")
def _(link):
    link.send(HEADERS, WHOLE, 1, b"\x20" + integer(4096, 5, 0x20) +
              link.plain())
    link.answered(1)


@case("7541 4.3", "a table made smaller forgets")
def _(link):
    link.send(HEADERS, WHOLE, 1, link.plain() + literal("x", "y", 0x40))
    link.answered(1)
    link.send(HEADERS, WHOLE, 3, b"\x20" + integer(4096, 5, 0x20) +
              link.plain() + b"\xbe")
    link.connection_error(COMPRESSION_ERROR)


@case("7541 4.4", "an entry larger than the table empties it, and is no error")
def _(link):
    link.send(HEADERS, WHOLE, 1, link.plain() + literal("x", "y", 0x40) +
              literal("x", "y" * 5000, 0x40))
    link.answered(1)
    link.send(HEADERS, WHOLE, 3, link.plain() + b"\xbe")
    link.connection_error(COMPRESSION_ERROR)


@case("7541 4.4", "the oldest entries make room")
def _(link):
    block = link.plain()
    for i in range(60):
        block += literal("x", f"{i:04}" + "y" * 100, 0x40)
    link.send(HEADERS, WHOLE, 1, block)
    link.answered(1)
    # 137 bytes each: 29 are in, the newest 62.
    link.send(HEADERS, WHOLE, 3, link.plain() + integer(62 + 28, 7, 0x80))
    link.answered(3)
    link.send(HEADERS, WHOLE, 5, link.plain() + integer(62 + 29, 7, 0x80))
    link.connection_error(COMPRESSION_ERROR)


@cases("7541 5.1", "{} is a decoding error",
       ("an integer without end", b"\xff" + b"\x80" * 20 + b"\x01"),
       ("an integer beyond all bounds", b"\xff" + b"\xff" * 9 + b"\x7f"),
       ("an integer that is cut short", b"\xff\x80"))
def _(link, more):
    block_error(link, more)


@cases("7541 5.2", "{} is a decoding error",
       ("a name that is cut short", b"\x00\x05x"),
       ("a value that is cut short", b"\x00\x01x\x05y"),
       ("Huffman padding of a byte", b"\x00\x01x\x82\x1f\xff"),
       ("Huffman padding of zeros", b"\x00\x01x\x81\x18"),
       ("Huffman's EOS", b"\x00\x01x\x84\xff\xff\xff\xff"))
def _(link, more):
    block_error(link, more)


@cases("7541 6", "{} is served",
       ("a field that is never to be indexed", literal("x", "y", 0x10)),
       ("a field that is indexed and used", literal("x", "y", 0x40) + b"\xbe"),
       ("a name from the table", b"\x0f\x2b\x01x"),
       ("a Huffman code", b"\x00\x01x\x81\x1f"),
       ("an integer with idle bytes", b"\x00\x01x\x7f\x80\x80\x00" +
        b"y" * 127))
def _(link, more):
    link.send(HEADERS, WHOLE, 1, link.plain() + more)
    link.answered(1)


def run(name, port):
    for section, promise, test, how in CASES:
        try:
            link = Link(name, port, **how)
            link.sock.settimeout(PATIENCE)
            test(link)
            said = "pass"
        except (Failed, OSError, hpack.HPACKError) as error:
            said = f"FAIL: {error or repr(error)}"
        print(section, promise, said, sep="\t", flush=True)
        link.sock.close()


def results(file):
    with open(file, encoding="utf-8") as lines:
        rows = [line.rstrip("\n").split("\t") for line in lines]
    return {(section, promise): said for section, promise, said in rows}


def compare(ours, theirs):
    ours, theirs = results(ours), results(theirs)
    asked = {(section, promise) for section, promise, *_ in CASES}
    if len(asked) != len(CASES) or not asked == ours.keys() == theirs.keys():
        sys.exit("not every case was tried once with each")
    print(f"{'':84}{'nghttpd':9}sluice")
    for what, said in ours.items():
        print(f"{what[0]:11}{what[1]:73}{theirs[what][:4]:9}{said[:4]}")
        for who, word in ("nghttpd", theirs[what]), ("sluice", said):
            if word != "pass":
                print(f"{'':11}{who}: {word[6:]}")
    for who, words in ("nghttpd", theirs), ("sluice", ours):
        passed = sum(said == "pass" for said in words.values())
        print(f"{who}: {passed} of {len(CASES)}")
    sys.exit(any(said != "pass" and (what not in LENIENT or
                                     theirs[what] == "pass")
                 for what, said in ours.items()))


if __name__ == "__main__":
    if sys.argv[1] == "run":
        run(sys.argv[2], int(sys.argv[3]) if sys.argv[3:] else 443)
    else:
        compare(sys.argv[2], sys.argv[3])
