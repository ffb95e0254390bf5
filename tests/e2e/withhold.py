"""An origin that takes connections and says nothing until it is let.

	withhold.py PORT FILE PEM KEY	logs "held N" for each connection; once
					FILE is there, what it has and what
					comes is served: TLS, and one answer
"""
import asyncio
import os
import socket
import ssl
import sys


class Answer(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        if b"\r\n\r\n" in data:
            print("asked", flush=True)
            self.transport.write(b"HTTP/1.1 200 OK\r\n"
                                 b"Content-Length: 9\r\n\r\nwithheld\n")


async def serve(link, released, tls):
    await released.wait()
    try:
        await asyncio.get_running_loop().connect_accepted_socket(
            Answer, link, ssl=tls)
    except OSError:
        link.close()


async def main(port, file, pem, key):
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pem, key)
    released = asyncio.Event()
    listener = socket.create_server(("::", int(port)), backlog=4096,
                                    family=socket.AF_INET6,
                                    dualstack_ipv6=True)
    listener.setblocking(False)
    tasks = set()

    async def accept():
        while True:
            link, _ = await asyncio.get_running_loop().sock_accept(listener)
            tasks.add(asyncio.create_task(serve(link, released, tls)))
            print("held", len(tasks), flush=True)

    accepting = asyncio.create_task(accept())
    print("listening", flush=True)
    while not os.path.exists(file):
        await asyncio.sleep(0.05)
    released.set()
    await accepting


asyncio.run(main(*sys.argv[1:]))
