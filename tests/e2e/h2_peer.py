"""h2_peer.py - origins that speak HTTP/2 with manners, and an agent's side.

`h2_peer.py FOLDER [STREAMS]` serves HTTP/2 on port 443; a server name's
certificate is FOLDER/NAME.pem with NAME.key. On port 80 it serves HTTP/2 as
well, without TLS. STREAMS is how many it takes at once. Names that begin with
"websocket" take WebSockets (RFC 8441), whose bytes are a body's here. What is
answered depends on the path's first word; what was heard is logged, one line a
thing.

From the agent's side: `link = Link("listed.test")`, `n = link.ask("/x")`,
`answer = link.wait(n)`.
"""

import itertools
import socket
import ssl
import sys
import threading
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from peer import PATIENCE, content, digest

NUMBERS = itertools.count(1)
LOCK = threading.Lock()


def log(*words):
    with LOCK:
        print(*words, flush=True)


class Side:
    """One side of a connection; data goes out as the windows open."""

    def __init__(self, sock, client, validate=True):
        self.sock = sock
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=client, header_encoding="utf-8",
            validate_outbound_headers=validate,
            normalize_outbound_headers=validate,
            normalize_inbound_headers=False,
            validate_inbound_headers=client))
        self.out = {}
        self.eager = True  # takes what comes, and opens the windows

    def flush(self):
        self.sock.sendall(self.h2.data_to_send())

    def put(self, stream, data, end=False, trailers=None):
        self.out.setdefault(stream, []).append(
            (memoryview(data), end, trailers))
        self.move()

    def move(self):
        for stream, parts in list(self.out.items()):
            try:
                self.move_stream(stream, parts)
            except h2.exceptions.ProtocolError:
                parts.clear()
            if not parts:
                del self.out[stream]
        self.flush()

    def move_stream(self, stream, parts):
        while parts:
            data, end, trailers = parts[0]
            n = min(len(data), self.h2.local_flow_control_window(stream),
                    self.h2.max_outbound_frame_size)
            if data and n <= 0:
                return
            last = n == len(data)
            if n or not trailers:
                self.h2.send_data(stream, bytes(data[:n]),
                                  end_stream=end and last and not trailers)
            if not last:
                parts[0] = (data[n:], end, trailers)
                continue
            if trailers:
                self.h2.send_headers(stream, trailers, end_stream=True)
            parts.pop(0)

    def events(self):
        """What has come; None at the end of the connection."""
        data = self.sock.recv(65536)
        if not data:
            return None
        events = self.h2.receive_data(data)
        for event in events:
            if isinstance(event, h2.events.DataReceived) and self.eager:
                self.h2.acknowledge_received_data(
                    event.flow_controlled_length, event.stream_id)
        self.move()
        return events


# --- origins ---

class Request:
    def __init__(self, fields):
        self.fields = fields
        self.words = dict(fields)[":path"].partition("?")[0].strip("/") \
            .split("/")
        self.body = bytearray()
        self.trailers = []
        self.answered = False


class Origin(Side):
    def __init__(self, sock, streams, websockets):
        super().__init__(sock, client=False)
        self.number = next(NUMBERS)
        self.requests = {}
        if streams:
            self.h2.local_settings.max_concurrent_streams = streams
        self.h2.initiate_connection()
        if websockets:
            self.h2.update_settings(
                {h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL: 1})
        self.flush()

    def head(self, stream, *fields, status="200", end=False):
        self.h2.send_headers(stream, [(":status", status), *fields],
                             end_stream=end)

    def answer_at_once(self, stream, request):
        """What does not wait for the request's end."""
        what, *rest = request.words
        if what == "early":
            self.head(stream, status="413")
            self.put(stream, b"too large\n", True)
            self.h2.reset_stream(stream, h2.errors.ErrorCodes.NO_ERROR)
        elif what == "early_and_patient":
            self.head(stream, status="202")
            self.put(stream, b"go on\n", True)
        elif what == "echo":
            self.head(stream)
        elif what == "reset":
            self.head(stream)
            self.put(stream, b"half")
            self.h2.reset_stream(stream, int(rest[0]))
        elif what == "reset_unanswered":
            self.h2.reset_stream(stream, int(rest[0]))
        elif what == "goaway_before":
            self.h2.close_connection(0, last_stream_id=stream - 2)
        elif what == "malformed":
            self.h2.config.validate_outbound_headers = False
            self.head(stream, ("x", "a\r\nb: c"), end=True)
        elif what == "long":
            self.head(stream, ("content-length", "5"))
            self.put(stream, b"more than that", True)
        elif what == "deaf":
            self.eager = False
        elif what == "vanish":
            self.sock.close()
        else:
            return
        request.answered = what not in ("echo", "deaf")
        self.flush()

    def answer(self, stream, request):
        what, *rest = request.words
        if what == "trailers":
            self.head(stream, ("trailer", "x-sum"))
            self.put(stream, b"hello", True, [("x-sum", "5")])
        elif what == "only_trailers":
            self.head(stream, ("grpc-status", "5"), end=True)
        elif what == "hints":
            self.h2.send_headers(stream, [
                (":status", "103"), ("link", "</style.css>; rel=preload")])
            self.head(stream)
            self.put(stream, b"after the hints\n", True)
        elif what == "bytes":
            self.head(stream, ("content-length", rest[0]))
            self.put(stream, content(int(rest[0])), True)
        elif what == "unknown_length":
            self.head(stream)
            self.put(stream, content(int(rest[0])), True)
        elif what == "not_modified":
            self.head(stream, ("content-length", "5000"), ("etag", '"e"'),
                      status="304", end=True)
        elif what == "status":
            self.head(stream, ("x-kept", "yes"), status=rest[0], end=True)
        elif what == "cookies":
            self.head(stream, ("set-cookie", "a=1"), ("x-between", "them"),
                      ("set-cookie", "b=2"), ("alt-svc", 'h3=":443"'))
            self.put(stream, b"", True)
        elif what == "say_back":
            said = dict(request.fields)["authorization"]
            self.head(stream, ("x-said", said))
            for byte in said.encode() + b" " + said[:-1].encode():
                self.put(stream, bytes([byte]))
            self.put(stream, b"", True, [("x-said", said)])
        elif what == "goaway":
            self.head(stream)
            self.put(stream, b"goodbye\n", True)
            self.h2.close_connection(0, last_stream_id=stream)
        elif what == "close":
            self.head(stream, end=True)
            self.flush()
            self.sock.close()
        elif what == "never":
            pass
        elif what == "echo":
            self.put(stream, b"", True)
        else:
            text = [f"connection {self.number}",
                    f"body {len(request.body)} {digest(request.body)}"]
            text += [f"field {name}: {value}"
                     for name, value in request.fields]
            text += [f"trailer {name}: {value}"
                     for name, value in request.trailers]
            self.head(stream)
            body = "\n".join(text).encode() + b"\n"
            self.put(stream, b"" if dict(request.fields)[":method"] == "HEAD"
                     else body, True)

    def handle(self, event):
        stream = getattr(event, "stream_id", None)
        request = self.requests.get(stream)
        if isinstance(event, h2.events.RequestReceived):
            fields = dict(event.headers)
            log(self.number, stream, fields[":method"],
                fields.get(":authority"), fields.get(":path"))
            if "authorization" in fields:
                log(self.number, stream, "with", fields["authorization"])
            self.requests[stream] = Request(event.headers)
            if fields.get("expect") == "100-continue":
                self.h2.send_headers(stream, [(":status", "100")])
            self.answer_at_once(stream, self.requests[stream])
        elif isinstance(event, h2.events.DataReceived) and request:
            request.body += event.data
            if request.words[0] == "echo":
                self.put(stream, event.data)
        elif isinstance(event, h2.events.TrailersReceived):
            request.trailers = event.headers
        elif isinstance(event, h2.events.StreamEnded) and request:
            log(self.number, stream, "ended", len(request.body))
            if not request.answered:
                self.answer(stream, request)
        elif isinstance(event, h2.events.StreamReset):
            log(self.number, stream, "reset", int(event.error_code))
        elif isinstance(event, h2.events.ConnectionTerminated):
            log(self.number, "goaway", int(event.error_code))

    def serve(self):
        try:
            while (events := self.events()) is not None:
                for event in events:
                    self.handle(event)
                self.move()
        except (OSError, ValueError, h2.exceptions.ProtocolError) as error:
            log(self.number, "error", repr(error))
        log(self.number, "closed")
        self.sock.close()


def serve(raw, tls, streams):
    try:
        raw.settimeout(PATIENCE * 3)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock = raw
        if tls:
            sock = tls.wrap_socket(raw, server_side=True)
            log("alpn", sock.selected_alpn_protocol())
        Origin(sock, streams,
               getattr(sock, "asked", "").startswith("websocket")).serve()
    except OSError as error:
        log("error", repr(error))


def listen(port, tls, streams):
    listener = socket.create_server(("::", port), family=socket.AF_INET6,
                                    dualstack_ipv6=True, backlog=1024)
    log("listening", port)
    while True:
        raw, _ = listener.accept()
        threading.Thread(target=serve, args=(raw, tls, streams),
                         daemon=True).start()


def main():
    folder, *rest = sys.argv[1:]
    contexts = {}

    def chosen(connection, name, _):
        if name and name not in contexts:
            contexts[name] = fresh(name)
        connection.context = contexts.get(name, contexts[""])
        connection.asked = name or ""

    def fresh(name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["h2"])
        context.load_cert_chain(f"{folder}/{name}.pem", f"{folder}/{name}.key")
        return context

    contexts[""] = fresh("unnamed")
    contexts[""].sni_callback = chosen
    streams = int(rest[0]) if rest else 0
    threading.Thread(target=listen, args=(80, None, streams),
                     daemon=True).start()
    listen(443, contexts[""], streams)


# --- the agent's side ---

class Answer:
    def __init__(self):
        self.interim = []
        self.status, self.fields, self.trailers = None, [], []
        self.body = bytearray()
        self.ended, self.reset = False, None

    def field(self, name):
        return dict(self.fields).get(name)


class Link(Side):
    def __init__(self, name, port=443, protocols=("h2",), validate=True):
        """@protocols are what TLS offers; without them there is none."""
        sock = socket.create_connection((name, port), PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.scheme = "https" if protocols else "http"
        if protocols:
            context = ssl.create_default_context()
            context.set_alpn_protocols(list(protocols))
            sock = context.wrap_socket(sock, server_hostname=name)
            assert sock.selected_alpn_protocol() == "h2", \
                sock.selected_alpn_protocol()
        sock.settimeout(PATIENCE)
        super().__init__(sock, client=True, validate=validate)
        usual = 443 if protocols else 80
        self.name = name if port == usual else f"{name}:{port}"
        self.answers, self.goaway, self.over = {}, None, False
        self.h2.initiate_connection()
        self.flush()

    def head(self, path="/", method="GET", authority=None, more=()):
        return [(":method", method), (":scheme", self.scheme),
                (":authority", authority or self.name), (":path", path),
                *more]

    def ask(self, path="/", method="GET", more=(), body=b"", end=True,
            authority=None, trailers=None, fields=None):
        stream = self.h2.get_next_available_stream_id()
        self.answers[stream] = Answer()
        whole = end and not body and not trailers
        self.h2.send_headers(
            stream, fields or self.head(path, method, authority, more),
            end_stream=whole)
        self.flush()
        if body or trailers:
            self.put(stream, body, end, trailers)
        return stream

    def step(self):
        try:
            events = self.events()
        except ConnectionError:
            events = None
        if events is None:
            self.over = True
            return
        for event in events:
            self.handle(event)

    def handle(self, event):
        answer = self.answers.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.InformationalResponseReceived):
            answer.interim.append(event.headers)
        elif isinstance(event, h2.events.ResponseReceived):
            answer.fields = event.headers
            answer.status = int(dict(event.headers)[":status"])
        elif isinstance(event, h2.events.DataReceived):
            answer.body += event.data
        elif isinstance(event, h2.events.TrailersReceived):
            answer.trailers = event.headers
        elif isinstance(event, h2.events.StreamEnded):
            answer.ended = True
        elif isinstance(event, h2.events.StreamReset):
            answer.reset = int(event.error_code)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaway = int(event.error_code)

    def until(self, what):
        end = time.monotonic() + PATIENCE
        while not what():
            assert not self.over, "the connection ended"
            assert time.monotonic() < end, "nothing came of it"
            self.step()

    def wait(self, stream):
        answer = self.answers[stream]
        self.until(lambda: answer.ended or answer.reset is not None)
        return answer

    def get(self, path="/", **more):
        return self.wait(self.ask(path, **more))

    def until_over(self):
        end = time.monotonic() + PATIENCE
        while not self.over and time.monotonic() < end:
            self.step()
        assert self.over, "the connection goes on"


if __name__ == "__main__":
    main()
