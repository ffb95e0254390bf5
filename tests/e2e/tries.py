"""Tries to get out, all ways at once, for one second: tries.py TRACE NAME ADDRESS...

TRACE goes into whatever is sent. Fails if anything comes back.
"""
import select
import socket
import ssl
import sys
import time

trace, name, *addresses = sys.argv[1:]
word = trace.encode()
question = (b"\0\1\1\0\0\1\0\0\0\0\0\0" + bytes([len(word)]) + word +
            b"\4test\0\0\1\0\1")
request = f"GET /{trace} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode()


def hello():
    end = ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), end,
                                                server_hostname=name)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return end.read()


attempts = [(kind, where, port, text)
            for where in addresses
            for kind, port, text in (
                (socket.SOCK_STREAM, 80, request),
                (socket.SOCK_STREAM, 443, hello()),
                (socket.SOCK_STREAM, 9000, word + b"\n"),
                (socket.SOCK_STREAM, 9080, request),
                (socket.SOCK_STREAM, 9443, hello()),
                (socket.SOCK_DGRAM, 443, word),
                (socket.SOCK_DGRAM, 9000, word))]
attempts += [(socket.SOCK_DGRAM, where, 53, question)
             for where in ("93.184.216.53", "10.77.0.1",
                           "fd73:6c75:6963:1::1")]
attempts += [(socket.SOCK_STREAM, where, 53,
              len(question).to_bytes(2, "big") + question)
             for where in ("93.184.216.53", "10.77.0.1")]

waiting = {}
for kind, where, port, text in attempts:
    family = socket.AF_INET6 if ":" in where else socket.AF_INET
    peer = socket.socket(family, kind)
    peer.setblocking(False)
    peer.connect_ex((where, port))
    waiting[peer] = (where, port, text)

got = []
end = time.monotonic() + 1
unsent = set(waiting)
while waiting and time.monotonic() < end:
    readable, writable, _ = select.select(waiting, unsent, [], 0.1)
    for peer in writable:
        unsent.discard(peer)
        try:
            peer.send(waiting[peer][2])
        except OSError:
            pass
    for peer in readable:
        try:
            answer = peer.recv(4096)
        except OSError:
            answer = b""
        if answer:
            got.append((waiting[peer][:2], answer))
        unsent.discard(peer)
        del waiting[peer]
for what in got:
    print(what)
sys.exit(1 if got else 0)
