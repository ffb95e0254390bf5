"""A connection that never ends by itself, seen from both of its ends.

	steady.py serve LOG PEM KEY	in the world: TLS on 9443, HTTP on 9080,
					a line protocol on 9000
	steady.py hold KIND NAME LOG CA	as the agent: one connection, until it ends

The server logs each connection, each request and each end; what it is asked
for once, it goes on sending. The holder logs one line for each piece that
came, and why there are no more. CA is trusted beside what sluice-init says.

KIND is get (TLS, one response without end), keep (TLS, one connection with a
request after the other), line (no TLS, a line after the other).
"""
import asyncio
import http.client
import os
import socket
import ssl
import sys
import time

STEP_S = 0.05


class Server:
    def __init__(self, log):
        self.log = open(log, "a", buffering=1)

    async def http(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                text = head.decode("latin-1")
                target = text.split()[1]
                host = [line[5:].strip() for line in text.splitlines()
                        if line.lower().startswith("host:")]
                self.log.write(f"request {''.join(host)}{target}\n")
                if target.startswith("/endless"):
                    writer.write(b"HTTP/1.1 200 OK\r\n"
                                 b"Transfer-Encoding: chunked\r\n\r\n")
                    while True:
                        writer.write(b"5\r\ntick\n\r\n")
                        await writer.drain()
                        await asyncio.sleep(STEP_S)
                        if reader.at_eof():
                            raise EOFError
                writer.write(b"HTTP/1.1 200 OK\r\n"
                             b"Content-Length: 5\r\n\r\ntick\n")
                await writer.drain()
        except (EOFError, OSError, ssl.SSLError) as error:
            self.log.write(f"end http {error!r}\n")
        finally:
            writer.close()

    async def line(self, reader, writer):
        try:
            while True:
                line = await reader.readuntil(b"\n")
                self.log.write(f"line {line.decode('latin-1')}")
                writer.write(b"tick\n")
                await writer.drain()
        except (EOFError, OSError) as error:
            self.log.write(f"end line {error!r}\n")
        finally:
            writer.close()

    async def run(self, pem, key):
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(pem, key)
        await asyncio.start_server(self.http, None, 9443, ssl=tls)
        await asyncio.start_server(self.http, None, 9080)
        await asyncio.start_server(self.line, None, 9000)
        self.log.write("serving\n")
        await asyncio.Event().wait()


def pieces(kind, name, ca):
    if kind == "line":
        peer = socket.create_connection((name, 9000), timeout=10)
        file = peer.makefile("rb")
        for n in range(10000):
            peer.sendall(f"{name} {n}\n".encode())
            line = file.readline()
            if not line:
                return
            yield line
            time.sleep(STEP_S)
        return
    tls = ssl.create_default_context(cafile=ca)
    tls.load_verify_locations(os.environ["SSL_CERT_FILE"])
    peer = http.client.HTTPSConnection(name, 9443, timeout=10, context=tls)
    peer.connect()
    peer.auto_open = 0  # one connection is the point
    if kind == "get":
        peer.request("GET", "/endless")
        response = peer.getresponse()
        assert response.status == 200, response.status
        while True:
            line = response.readline()
            if not line:
                return
            yield line
    for n in range(10000):
        peer.request("GET", f"/{n}")
        response = peer.getresponse()
        line = response.read()
        assert response.status == 200, response.status
        yield line
        time.sleep(STEP_S)


def hold(kind, name, log, ca):
    with open(log, "a", buffering=1) as out:
        try:
            for piece in pieces(kind, name, ca):
                assert piece == b"tick\n", piece
                out.write("tick\n")
            out.write("ended: by the other side\n")
        except Exception as error:  # whatever it is, it is the end
            out.write(f"ended: {error!r}\n")


if sys.argv[1] == "serve":
    asyncio.run(Server(sys.argv[2]).run(*sys.argv[3:5]))
else:
    hold(*sys.argv[2:6])
