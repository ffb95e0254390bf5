"""resolver.py - resolvers over TLS (RFC 7858) with manners of their own.

`resolver.py FOLDER ADDRESS NAME [MANNER...]` serves on port 853 of ADDRESS,
with the certificate FOLDER/NAME.pem, what FOLDER/hosts says: every question
for an address is answered from there. Manners:

    once      ends each connection after one answer
    silent    takes connections and never says a word on them
    deaf      does the handshake, and answers nothing

On standard output there is a line for each connection, handshake and question;
the latter with the length of the message.
"""
import socket
import ssl
import struct
import sys
import threading

PATIENCE = 60  # seconds, for anything at all


def log(*words):
    print(*words, flush=True)


def read_exactly(stream, n):
    data = stream.read(n)
    if len(data) != n:
        raise EOFError
    return data


def question_of(message):
    """The name, its type, and where the question ends."""
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode())
        at += 1 + message[at]
    kind, _ = struct.unpack_from(">HH", message, at + 1)
    return ".".join(labels), kind, at + 5


def addresses_of(name, kind):
    family = {1: socket.AF_INET, 28: socket.AF_INET6}.get(kind)
    with open(f"{FOLDER}/hosts", encoding="ascii") as hosts:
        for line in hosts:
            address, host = line.split()
            if host == name and (":" in address) == (
                    family == socket.AF_INET6):
                yield socket.inet_pton(family, address)


def answer(message):
    name, kind, end = question_of(message)
    log("question", name, kind, len(message))
    found = list(addresses_of(name.lower(), kind))
    records = b"".join(
        struct.pack(">HHHIH", 0xc00c, kind, 1, 60, len(data)) + data
        for data in found)
    head = message[:2] + struct.pack(">HHHHH", 0x8180, 1, len(found), 0, 0)
    return head + message[12:end] + records


def serve(raw, context, manners):
    try:
        raw.settimeout(PATIENCE)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        log("connection")
        if "silent" in manners:
            raw.recv(65536)
            threading.Event().wait()
        connection = context.wrap_socket(raw, server_side=True)
        log("handshake", connection.selected_alpn_protocol(),
            "resumed" if connection.session_reused else "full")
        stream = connection.makefile("rb")
        while True:
            size, = struct.unpack(">H", read_exactly(stream, 2))
            message = read_exactly(stream, size)
            if "deaf" in manners:
                log("unanswered", question_of(message)[0])
                continue
            out = answer(message)
            connection.sendall(struct.pack(">H", len(out)) + out)
            if "once" in manners:
                break
        connection.unwrap()
    except EOFError:
        log("end")
    except OSError as error:
        log("error", repr(error))
    finally:
        raw.close()


def main():
    global FOLDER
    FOLDER, address, name, *manners = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{FOLDER}/{name}.pem", f"{FOLDER}/{name}.key")
    context.set_alpn_protocols(["dot"])
    listener = socket.create_server((address, 853), backlog=1024)
    log("listening")
    while True:
        raw, _ = listener.accept()
        threading.Thread(target=serve, args=(raw, context, manners),
                         daemon=True).start()


FOLDER = None

if __name__ == "__main__":
    main()
