"""dns_peer.py - DNS to the byte, for a test's agent and for a test's world.

`dns_peer.py ANSWERS ADDRESS...` serves DNS on each ADDRESS, over UDP and TCP;
ANSWERS is a Python file whose answer(question) says what becomes of each. What
it is asked goes to standard output, one line a question; of OPT size, flags, data:

    udp 93.184.216.53 A listed.test id=4711 raw=LiSTed.TEst flags=0100
        opt=1232/00000000/

As a module it has what a test's own agent needs.
"""
import ipaddress
import socket
import struct
import sys
import threading
import time

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
A, NS, CNAME, SOA, TXT, AAAA, OPT = 1, 2, 5, 6, 16, 28, 41
NAMES = {A: "A", NS: "NS", CNAME: "CNAME", SOA: "SOA", TXT: "TXT",
         AAAA: "AAAA"}
GATEWAYS = ("10.77.0.1", "fd73:6c75:6963:1::1")
PATIENCE = 20  # seconds, for anything at all


# --- bytes ---

def wire(name):
    """A name in wire format; its labels may hold any byte but a dot."""
    if isinstance(name, str):
        name = name.encode("latin-1")
    labels = [label for label in name.rstrip(b".").split(b".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(owner, kind, data, ttl=60, family=1):
    return wire(owner) + struct.pack(">HHIH", kind, family, ttl,
                                     len(data)) + data


def address(owner, text, ttl=60):
    data = ipaddress.ip_address(text).packed
    return record(owner, A if len(data) == 4 else AAAA, data, ttl)


def alias(owner, target, ttl=60):
    return record(owner, CNAME, wire(target), ttl)


def soa(zone, ttl=60, minimum=60):
    return record(zone, SOA, b"\0\0" + struct.pack(">5I", 1, 1, 1, 1, minimum),
                  ttl)


def opt(options=b"", version=0, size=1232, owner=b"\0", flags=0):
    return owner + struct.pack(">HHBBHH", OPT, size, 0, version, flags,
                               len(options)) + options


def option(code, data):
    return struct.pack(">HH", code, len(data)) + data


def message(number, flags, questions=(), answers=(), authorities=(),
            additionals=()):
    sections = (questions, answers, authorities, additionals)
    return struct.pack(">HH4H", number, flags, *map(len, sections)) + b"".join(
        b"".join(section) for section in sections)


def ask_for(name, kind=A, family=1):
    return wire(name) + struct.pack(">HH", kind, family)


def query(name, kind=A, number=1, additionals=()):
    return message(number, 0x100, [ask_for(name, kind)], (), (), additionals)


class Record:
    def __init__(self, owner, kind, family, ttl, data):
        self.owner, self.kind, self.family = owner, kind, family
        self.ttl, self.data = ttl, data

    @property
    def text(self):
        return str(ipaddress.ip_address(self.data))


class Message:
    """A message taken apart. Raises whatever there is to raise if it is bad."""

    def __init__(self, data):
        self.data = data
        (self.number, self.flags, n_questions,
         *counts) = struct.unpack(">HH4H", data[:12])
        self.code = self.flags & 15
        self.truncated = bool(self.flags & 0x200)
        at = 12
        self.questions = []
        for _ in range(n_questions):
            start = at
            name, at = self.name(at)
            kind, family = struct.unpack(">HH", data[at:at + 4])
            at += 4
            self.questions.append((name, kind, family, data[start:at]))
        self.sections = []
        for count in counts:
            records = []
            for _ in range(count):
                owner, at = self.name(at)
                kind, family, ttl, length = struct.unpack(
                    ">HHIH", data[at:at + 10])
                at += 10
                assert at + length <= len(data)
                records.append(Record(owner, kind, family, ttl,
                                      data[at:at + length]))
                at += length
            self.sections.append(records)
        assert at == len(data), "bytes after the end"
        self.answers, self.authorities, self.additionals = self.sections
        self.opt = next((r for r in self.additionals if r.kind == OPT), None)
        if self.opt:
            self.code |= self.opt.ttl >> 24 << 4

    def name(self, at):
        labels, end = [], None
        while n := self.data[at]:
            if n >= 0xc0:
                end = end or at + 2
                at = (n & 0x3f) << 8 | self.data[at + 1]
                continue
            labels.append(self.data[at + 1:at + 1 + n].decode("latin-1"))
            at += 1 + n
        return ".".join(labels), end or at + 1

    @property
    def addresses(self):
        return sorted(r.text for r in self.answers if r.kind in (A, AAAA))


# --- an agent ---

def family_of(server):
    return socket.AF_INET6 if ":" in server else socket.AF_INET


def over_udp(server, data, patience=PATIENCE):
    with socket.socket(family_of(server), socket.SOCK_DGRAM) as peer:
        peer.settimeout(patience)
        peer.connect((server, 53))
        peer.send(data)
        return peer.recv(65536)


def framed(data):
    return struct.pack(">H", len(data)) + data


def next_of(stream):
    """The next message of a TCP stream; b"" at its end."""
    head = stream.read(2)
    if len(head) < 2:
        return b""
    length, = struct.unpack(">H", head)
    data = stream.read(length)
    assert len(data) == length, "half a message"
    return data


def over_tcp(server, data, patience=PATIENCE):
    with socket.create_connection((server, 53), patience) as peer:
        peer.sendall(framed(data))
        return next_of(peer.makefile("rb"))


# Both transports, to both of the gateway's addresses.
WAYS = [(send, server) for send in (over_udp, over_tcp)
        for server in GATEWAYS]


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.05)


def told(name, kind=A, send=over_udp, server=GATEWAYS[0], additionals=()):
    """What the gateway answers, as a Message."""
    return Message(send(server, query(name, kind, additionals=additionals)))


# --- the world ---

class Question(Message):
    def __init__(self, data, server, over_tcp, back):
        super().__init__(data)
        self.server, self.over_tcp, self.back = server, over_tcp, back
        self.spelled, self.kind, _, self.raw = self.questions[0]
        self.name = self.spelled.lower()

    def reply(self, *answers, authorities=(), additionals=(), code=NOERROR,
              flags=0x8180, number=None, raw=None):
        return message(self.number if number is None else number,
                       flags | code, [raw or self.raw], answers, authorities,
                       [*additionals, opt()] if self.opt else additionals)

    def send(self, data, source=None):
        """Back to who asked; from another address and port, if given."""
        self.back(data, source)


OTHERS = {}
LOCK = threading.Lock()


def from_elsewhere(source):
    if source not in OTHERS:
        OTHERS[source] = socket.socket(family_of(source[0]),
                                       socket.SOCK_DGRAM)
        OTHERS[source].bind(source)
    return OTHERS[source]


def hear(answer, data, server, is_tcp, back):
    try:
        question = Question(data, server, is_tcp, back)
    except (AssertionError, IndexError, struct.error) as error:
        print("unsound", data.hex(), repr(error), flush=True)
        return
    with LOCK:
        print("tcp" if is_tcp else "udp", server,
              NAMES.get(question.kind, question.kind), question.name,
              f"id={question.number}", f"raw={question.spelled}",
              f"flags={question.flags:04x}",
              "opt=none" if not question.opt else
              f"opt={question.opt.family}/{question.opt.ttl:08x}/"
              f"{question.opt.data.hex()}", flush=True)
        out = answer(question)
        if out:
            question.send(out)


def serve_udp(answer, server):
    listener = socket.socket(family_of(server), socket.SOCK_DGRAM)
    listener.bind((server, 53))

    def listen():
        while True:
            data, peer = listener.recvfrom(65536)

            def back(out, source, peer=peer):
                (from_elsewhere(source) if source else listener).sendto(
                    out, peer)

            hear(answer, data, server, False, back)

    threading.Thread(target=listen, daemon=True).start()


def serve_tcp(answer, server):
    listener = socket.create_server((server, 53), family=family_of(server))

    def converse(link):
        stream = link.makefile("rb")
        while data := next_of(stream):
            hear(answer, data, server, True,
                 lambda out, _: link.sendall(framed(out)))

    def accept():
        while True:
            link, _ = listener.accept()
            threading.Thread(target=converse, args=(link, ),
                             daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def main():
    file, *servers = sys.argv[1:]
    scope = dict(globals())
    with open(file, encoding="utf-8") as source:
        exec(compile(source.read(), file, "exec"), scope)
    for server in servers:
        serve_udp(scope["answer"], server)
        serve_tcp(scope["answer"], server)
    print("listening", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
