"""hello.py - ClientHellos that no TLS library would send, and their answers.

A hello is a handshake message; records() puts it into TLS records, however
many. What comes back is read no further than to say what it is.
"""
import os
import socket
import struct

PATIENCE = 20  # seconds, for anything at all
RETRY = bytes.fromhex(  # the "random" of a HelloRetryRequest, RFC 8446 4.1.3
    "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
CCS = b"\x14\x03\x03\x00\x01\x01"
ALERTS = {10: "unexpected_message", 40: "handshake_failure",
          47: "illegal_parameter", 49: "access_denied", 50: "decode_error",
          70: "protocol_version", 80: "internal_error",
          112: "unrecognized_name", 120: "no_application_protocol"}


def short(data):
    return struct.pack("!H", len(data)) + data


def extension(number, data):
    return struct.pack("!H", number) + short(data)


def server_name(name, kind=0):
    """The extension with one entry; @name as it stands."""
    if isinstance(name, str):
        name = name.encode()
    return extension(0, short(bytes([kind]) + short(name)))


def hello(names=b"", share=True, alpn=("http/1.1",), padding=0, session=None,
          versions=(0x0304, 0x0303), early=b"", more=()):
    """A ClientHello that offers X25519, with a key share or without.

    @names is the server_name extension (or more than one, or none); @more are
    groups that it would like better, each with its share.
    """
    groups = b"".join(struct.pack("!H", group) for group, _ in more)
    shares = b"".join(struct.pack("!H", group) + short(data)
                      for group, data in more)
    shares += struct.pack("!H", 29) + short(os.urandom(32)) if share else b""
    if isinstance(names, str):
        names = server_name(names)
    extensions = names + b"".join((
        early,
        extension(10, short(groups + struct.pack("!H", 29))),
        extension(13, short(bytes.fromhex("040305030603080408050806"))),
        extension(43, bytes([2 * len(versions)]) +
                  b"".join(struct.pack("!H", v) for v in versions)),
        extension(51, short(shares)),
        extension(16, short(b"".join(bytes([len(p)]) + p.encode()
                                     for p in alpn))) if alpn else b"",
        extension(21, bytes(padding)) if padding else b"",
    ))
    body = (b"\x03\x03" + (session or os.urandom(32)) +
            b"\x20" + (session or os.urandom(32)) +
            short(bytes.fromhex("130113021303c02bc02f")) + b"\x01\x00" +
            short(extensions))
    return b"\x01" + struct.pack("!I", len(body))[1:] + body


def records(message, size=16384):
    """@message in records of up to @size bytes each."""
    return b"".join(b"\x16\x03\x01" + short(message[at:at + size])
                    for at in range(0, len(message), size))


def connect(address, port=443):
    link = socket.create_connection((address, port), PATIENCE)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link


def _exactly(link, n):
    data = b""
    while len(data) < n:
        got = link.recv(n - len(data))
        if not got:
            raise EOFError
        data += got
    return data


def answer(link):
    """"hello", "retry", an alert's name, "closed", "reset", or "nonsense"."""
    try:
        while True:
            head = _exactly(link, 5)
            body = _exactly(link, struct.unpack("!H", head[3:])[0])
            if head[0] == 0x15:
                return ALERTS.get(body[1], "alert %d" % body[1])
            if head[0] == 0x16:
                if body[0] != 2:
                    return "nonsense"
                return "retry" if body[6:38] == RETRY else "hello"
            if head[0] != 0x14:
                return "nonsense"
    except EOFError:
        return "closed"
    except ConnectionResetError:
        return "reset"
    except TimeoutError:
        return "silence"
