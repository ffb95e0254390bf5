# DNS over TCP: questions come in any pieces, many at once, and are answered as
# the answers come; a connection that idles, lies about a length or takes too
# many places ends, and others go on.
. "${0%/*}/dns_lib.sh"

world_answers <<'END'
WAITING = []


def answer(q):
    real = q.reply(address(q.name, "93.184.216.101" if q.kind == A
                           else "2606:2800:220:1::101"))
    first = q.name.split(".")[0]
    if first.startswith("held"):
        WAITING.append((q, real))
        return None
    if first.startswith("release"):
        for held, out in WAITING:
            held.send(out)
        WAITING.clear()
    return real
END
manifest 'routes: [{host: listed.test}, {host: held0.test}, {host: held1.test},
  {host: release0.test}, {host: release1.test}]'

agent_does <<'END'
from dns_peer import *
import select

GOOD = ["93.184.216.101"]
PIPELINE = 64     # questions of one connection
CONNECTIONS = 64  # of each worker


def link_to(server):
    return socket.create_connection((server, 53), PATIENCE)


for i, server in enumerate(GATEWAYS):
    # What comes in any pieces is the same question.
    for piece in (1, 2, 3, 7):
        with link_to(server) as link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            data = framed(query("listed.test", A, 5)) * 2
            for at in range(0, len(data), piece):
                link.send(data[at:at + piece])
            stream = link.makefile("rb")
            for _ in range(2):
                assert Message(next_of(stream)).addresses == GOOD

    # The first has to wait for the last, and the rest need not.
    with link_to(server) as link:
        stream = link.makefile("rb")
        link.sendall(framed(query(f"held{i}.test", A, 1)) + b"".join(
            framed(query("unlisted.test", A, n)) for n in range(2, 40)))
        for n in range(2, 40):
            assert Message(next_of(stream)).number == n
        link.sendall(framed(query(f"release{i}.test", A, 99)))
        got = {Message(next_of(stream)).number for _ in range(2)}
        assert got == {1, 99}, got

    # More at once than may be on their way are answered one after another.
    with link_to(server) as link:
        link.sendall(b"".join(framed(query("listed.test", A + 27 * (n % 2), n))
                              for n in range(5 * PIPELINE)))
        stream = link.makefile("rb")
        got = {Message(next_of(stream)).number for _ in range(5 * PIPELINE)}
        assert len(got) == 5 * PIPELINE

    # An end right behind a question does not overtake its answer.
    with link_to(server) as link:
        link.sendall(framed(query("unlisted.test", A, 8)))
        link.shutdown(socket.SHUT_WR)
        stream = link.makefile("rb")
        assert Message(next_of(stream)).number == 8
        assert next_of(stream) == b""

    # A length that no sound question has is not waited for: that one ends
    # before another, which idled before.
    with link_to(server) as idle, link_to(server) as link:
        link.sendall(struct.pack(">H", 8000) + query("listed.test") +
                     bytes(7000))
        ended, _, _ = select.select([idle, link], [], [], PATIENCE)
        assert ended == [link], ended
    # None at all is no question, and the next one is.
    with link_to(server) as link:
        link.sendall(b"\0\0" * 3 + framed(query("listed.test", A, 6)))
        assert Message(next_of(link.makefile("rb"))).number == 6

    # All places taken by those who say nothing, or half of something, are
    # free again in time; over UDP it is as ever meanwhile.
    links = []
    for n in range(4 * CONNECTIONS):
        try:
            links.append(link_to(server))
            if n % 2:
                links[-1].send(b"\0\x20\0\1")
        except OSError:
            pass
    assert told("listed.test", server=server).addresses == GOOD
    ended = 0
    for link in links:
        link.settimeout(PATIENCE)
        try:
            assert link.recv(1) == b""
        except ConnectionError:
            pass
        ended += 1
        link.close()
    assert ended == len(links) > CONNECTIONS, (ended, len(links))
    assert told("listed.test", A, over_tcp, server).addresses == GOOD
END
world_heard_nothing_of unlisted
