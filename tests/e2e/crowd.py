"""Many live connections of every kind, half of which a new manifest ends.

	crowd.py serve PEM KEY		in the world: TLS that echoes on 9443,
					HTTP over TLS on 9444, an echo on 9000
	crowd.py hold DIR CA EACH	as the agent: EACH of a kind and name,
					and streams of HTTP/2

The names are stays.test and goes.test; of stays.test's HTTP/2 streams those to
/echo/goes go too. Everything that is held counts: a number goes out, or is
waited for, and what comes must be it and nothing else. The agent says with
DIR/open that all are there, heeds DIR/applied, and then holds that what goes
was reset by that time, and that what stays goes on without a byte too few.
"""
import asyncio
import base64
import hashlib
import os
import resource
import socket
import ssl
import sys

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
NAMES = "stays.test", "goes.test"
STEP_S = 0.25
CLOSED = 7  # of TCP's states, as TCP_INFO has them
ENDS = OSError, EOFError, ssl.SSLError


def line(n):
    return b"%d\n" % n


# --- the world ---

async def echo(reader, writer):
    while data := await reader.readline():
        writer.write(data)


async def echo_frames(reader, writer, head):
    key = [field.split(b":", 1)[1].strip() for field in head.split(b"\r\n")
           if field.lower().startswith(b"sec-websocket-key:")][0]
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                 b"Connection: Upgrade\r\nSec-WebSocket-Accept: " +
                 base64.b64encode(hashlib.sha1(key + GUID).digest()) +
                 b"\r\n\r\n")
    while True:
        first, n = await reader.readexactly(2)
        await reader.readexactly(4)  # a mask of zeroes
        writer.write(bytes((first, n & 127)) +
                     await reader.readexactly(n & 127))


async def http(reader, writer):
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        target = head.split()[1][1:]
        if target == b"websocket":
            await echo_frames(reader, writer, head)
        if target == b"stream":
            writer.write(b"HTTP/1.1 200 OK\r\n"
                         b"Transfer-Encoding: chunked\r\n\r\n")
            n = 0
            while not reader.at_eof():
                writer.write(b"%x\r\n%s\r\n" % (len(line(n)), line(n)))
                await writer.drain()
                await asyncio.sleep(STEP_S)
                n += 1
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"
                     % (len(target), target))


def served(serve, port):
    async def until_it_ends(reader, writer):
        try:
            await serve(reader, writer)
        except ENDS:
            pass
        print("end", port, flush=True)
        writer.close()
    return until_it_ends


async def world(pem, key):
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pem, key)
    for serve, port, context in ((echo, 9443, tls), (http, 9444, tls),
                                 (echo, 9000, None)):
        await asyncio.start_server(served(serve, port), None, port,
                                   ssl=context, backlog=2048)
    print("serving", flush=True)
    await asyncio.Event().wait()


# --- the agent ---

def is_closed(link):
    try:
        state = link.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
    except OSError:
        return True
    return state[0] == CLOSED


class Flow:
    def __init__(self, kind, name):
        self.kind, self.name, self.n, self.end = kind, name, 0, None

    async def open(self, tls, world_tls):
        port = {"raw": 9000, "spliced": 9443}.get(self.kind, 9444)
        self.reader, self.writer = await asyncio.open_connection(
            self.name, port, ssl=None if port == 9000 else
            world_tls if port == 9443 else tls)
        self.socket = self.writer.get_extra_info("socket")
        head = "GET /%s HTTP/1.1\r\nHost: " + self.name + ":9444\r\n%s\r\n"
        self.head = head.replace("%s\r\n", "\r\n")
        if self.kind == "websocket":
            self.writer.write((head % (
                "websocket", "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                "Sec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")).encode())
        elif self.kind == "stream":
            self.writer.write((head % ("stream", "")).encode())
        if self.kind in ("websocket", "stream"):
            first = await self.reader.readuntil(b"\r\n\r\n")
            assert first.split()[1] in (b"101", b"200"), first

    async def step(self):
        number = line(self.n)
        if self.kind in ("raw", "spliced"):
            self.writer.write(number)
        elif self.kind == "kept":
            self.writer.write((self.head % self.n).encode())
            await self.reader.readuntil(b"\r\n\r\n")
            number = number[:-1]
        elif self.kind == "websocket":
            self.writer.write(bytes((0x82, 128 | len(number), 0, 0, 0, 0)) +
                              number)
            number = bytes((0x82, len(number))) + number
        else:
            number = b"%x\r\n%s\r\n" % (len(number), number)
        got = await self.reader.readexactly(len(number))
        assert got == number, (self.kind, self.name, self.n, got)
        self.n += 1

    async def live(self):
        try:
            while True:
                await self.step()
                await asyncio.sleep(STEP_S)
        except ENDS as error:
            self.end = error

    def __repr__(self):
        return f"{self.kind} to {self.name} at {self.n}: {self.end!r}"


class Stream:
    def __init__(self, name, goes):
        self.kind, self.name, self.goes = "stream of HTTP/2", name, goes
        self.n, self.heard, self.end = 0, b"", None

    __repr__ = Flow.__repr__


class Streams(asyncio.Protocol):
    """A connection of HTTP/2, of whose streams every second one may go."""

    def __init__(self, name, n):
        import h2.config
        import h2.connection
        self.name, self.n = name, n
        self.streams = {}
        self.pinged = asyncio.get_running_loop().create_future()
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=True))

    def connection_made(self, transport):
        self.transport = transport
        self.socket = transport.get_extra_info("socket")
        self.h2.initiate_connection()
        for i in range(self.n):
            number = self.h2.get_next_available_stream_id()
            goes = i % 2 == 1 or self.name == NAMES[1]
            self.streams[number] = Stream(self.name, goes)
            self.h2.send_headers(number, [
                (":method", "POST"), (":scheme", "https"),
                (":authority", self.name),
                (":path", "/echo/goes" if goes else "/echo/stays")])
            self.say(number)

    def say(self, number):
        stream = self.streams[number]
        if stream.end is None and not self.transport.is_closing():
            self.h2.send_data(number, line(stream.n))
            self.transport.write(self.h2.data_to_send())

    def data_received(self, data):
        import h2.events as events
        for event in self.h2.receive_data(data):
            stream = self.streams.get(getattr(event, "stream_id", 0))
            if isinstance(event, events.DataReceived):
                self.h2.acknowledge_received_data(
                    event.flow_controlled_length, event.stream_id)
                self.heard(event.stream_id, stream, event.data)
            elif isinstance(event, (events.StreamReset, events.StreamEnded)):
                stream.end = stream.end or event
            elif isinstance(event, events.PingAckReceived):
                self.pinged.set_result(None)
        self.transport.write(self.h2.data_to_send())

    def heard(self, number, stream, data):
        stream.heard += data
        if not stream.heard.endswith(b"\n"):
            return
        assert stream.heard == line(stream.n), (stream, stream.heard)
        stream.n, stream.heard = stream.n + 1, b""
        asyncio.get_running_loop().call_later(STEP_S, self.say, number)

    def connection_lost(self, error):
        for stream in self.streams.values():
            stream.end = stream.end or error or EOFError("an end")
        if not self.pinged.done():
            self.pinged.set_result(None)

    async def ping(self):
        """Returns when all has come that was sent before now."""
        if not self.transport.is_closing():
            self.h2.ping(b"in order")
            self.transport.write(self.h2.data_to_send())
            await self.pinged


async def until(condition, what):
    for _ in range(1200):
        if condition():
            return
        await asyncio.sleep(0.05)
    sys.exit("not " + str(what()))


async def agent(folder, ca, each):
    tls = ssl.create_default_context()
    h2_tls = ssl.create_default_context()
    h2_tls.set_alpn_protocols(["h2"])
    world_tls = ssl.create_default_context(cafile=ca)
    flows = [Flow(kind, name) for _ in range(int(each)) for name in NAMES
             for kind in ("raw", "spliced", "kept", "websocket", "stream")]
    tasks = []
    for at in range(0, len(flows), 50):
        some = flows[at:at + 50]
        await asyncio.gather(*(flow.open(tls, world_tls) for flow in some))
        # At once: who asks for nothing is not kept.
        tasks += [asyncio.create_task(flow.live()) for flow in some]
    loop = asyncio.get_running_loop()
    connections = [(await loop.create_connection(
        lambda name=name: Streams(name, 80), name, 443, ssl=h2_tls))[1]
        for name in (*NAMES, NAMES[0])]
    streams = [stream for one in connections
               for stream in one.streams.values()]
    held = flows + streams
    await until(lambda: all(one.n > 1 for one in held),
                lambda: [one for one in held if one.n <= 1][:3])
    assert not any(one.end for one in held), [x for x in held if x.end][:3]
    goes = [flow for flow in flows if flow.name == NAMES[1]]
    goes += [stream for stream in streams if stream.goes]
    stays = [one for one in held if one not in goes]
    print(len(goes), "go and", len(stays), "stay", flush=True)
    open(folder + "/open", "w").close()

    await until(lambda: os.path.exists(folder + "/applied"),
                lambda: "told of a manifest")
    # By now: TCP's state is the kernel's, whoever has read what came before.
    open_still = [one for one in goes + connections if one.name == NAMES[1]
                  and hasattr(one, "socket") and not is_closed(one.socket)]
    assert not open_still, (len(open_still), open_still[:3])
    then = [one.n for one in stays]
    for connection in connections:
        await connection.ping()
    open_still = [one for one in streams if one.goes and one.end is None]
    assert not open_still, (len(open_still), open_still[:3])
    await until(lambda: all(one.end for one in goes),
                lambda: [one for one in goes if not one.end][:3])
    others = [flow for flow in flows
              if flow.end and not isinstance(flow.end, ConnectionResetError)]
    assert not others, (len(others), others[:3])
    await until(lambda: all(one.n > n + 2 for one, n in zip(stays, then)),
                lambda: [x for x, n in zip(stays, then) if x.n <= n + 2][:3])
    ended = [one for one in stays if one.end]
    assert not ended, (len(ended), ended[:3])
    # What was not as it should be ended its task.
    for task, flow in zip(tasks, flows):
        assert flow.end or not task.done(), task.exception()
    print("as it should be", flush=True)


resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
if sys.argv[1] == "serve":
    asyncio.run(world(*sys.argv[2:]))
else:
    asyncio.run(agent(*sys.argv[2:]))
