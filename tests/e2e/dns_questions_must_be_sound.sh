# A malformed question is told what is wrong with it, or nothing, and the next
# is answered; none of it, nor a name that is no host name, leaves.
. "${0%/*}/dns_lib.sh"

world_peers xn--bcher-kva.test
world_answers <<'END'
def answer(q):
    return q.reply(address(q.name, "93.184.216.101" if q.kind == A
                           else "2606:2800:220:1::101"))
END
manifest 'routes: [{host: listed.test}, {host: "*.wild.test"},
  {host: bücher.test}]'

agent_does <<'END'
from dns_peer import *

BADVERS = 16
OK = ask_for("listed.test")
LOOP = b"\xc0\x0c\0\1\0\1"  # a name that is where it points to
BACK = b"\1a\xc0\x0c\0\1\0\1"
LONG = wire(".".join(["a" * 63] * 4)) + b"\0\1\0\1"  # 257 bytes


def flags(value, questions=(OK, )):
    return message(1, value, questions)


def counts(*n, rest=b""):
    return struct.pack(">6H", 1, 0x100, *n) + OK + rest


CASES = [
    # What is no question is not answered: nobody can be made to answer it.
    ("a response", flags(0x8180), None),
    ("a response with an error", flags(0x8183), None),
    ("half a header", query("listed.test")[:11], None),
    ("a byte", b"\0", None),
    # One question, one reading.
    ("no question", flags(0x100, ()), FORMERR),
    ("two questions", flags(0x100, (OK, ask_for("other.test"))), FORMERR),
    ("two that are one", flags(0x100, (OK, OK)), FORMERR),
    ("a question that is not there", struct.pack(">6H", 1, 256, 1, 0, 0, 0),
     FORMERR),
    ("half a name", flags(0x100, (OK[:5], )), FORMERR),
    ("no type", flags(0x100, (OK[:-4], )), FORMERR),
    ("no class", flags(0x100, (OK[:-2], )), FORMERR),
    ("a byte after it", query("listed.test") + b"\0", FORMERR),
    ("a record less than counted", counts(1, 1, 0, 0), FORMERR),
    ("65535 records", counts(1, 65535, 65535, 65535), FORMERR),
    ("a record more than counted", query("listed.test") + opt(), FORMERR),
    ("a name that points to itself", flags(0x100, (LOOP, )), FORMERR),
    ("a name that points back", flags(0x100, (BACK, )), FORMERR),
    ("a name that points on", flags(0x100, (b"\xc0\xff\0\1\0\1", )), FORMERR),
    ("a label of an unknown kind", flags(0x100, (b"\x41a\0\0\1\0\1", )),
     FORMERR),
    ("a label of 64", flags(0x100, (b"\x40" + b"a" * 64 + b"\0\0\1\0\1", )),
     FORMERR),
    ("a name of 257", flags(0x100, (LONG, )), FORMERR),
    # Of other kinds.
    ("an inverse query", flags(0x0900), NOTIMP),
    ("a status", flags(0x1100), NOTIMP),
    ("a notification", flags(0x2100), NOTIMP),
    ("an update", flags(0x2900), NOTIMP),
    ("class CH", flags(0x100, (ask_for("listed.test", TXT, 3), )), REFUSED),
    ("class ANY", flags(0x100, (ask_for("listed.test", A, 255), )), REFUSED),
    ("class NONE", flags(0x100, (ask_for("listed.test", A, 254), )), REFUSED),
    # EDNS.
    ("two OPT", query("listed.test", additionals=[opt(), opt()]), FORMERR),
    ("an OPT with an owner", query("listed.test", additionals=[
        opt(owner=wire("a.test"))]), FORMERR),
    ("an OPT for an answer", message(1, 256, [OK], [opt()]), FORMERR),
    ("an option that is cut", query("listed.test", additionals=[
        opt(b"\0\10\0\4a")]), FORMERR),
    ("EDNS version 1", query("listed.test", additionals=[opt(version=1)]),
     BADVERS),
    ("EDNS version 255", query("listed.test", additionals=[opt(version=255)]),
     BADVERS),
    # And what looks odd, and is sound.
    ("an option nobody knows", query("listed.test", additionals=[
        opt(option(65001, b"what?"))]), NOERROR),
    ("bits nobody knows", flags(0x0070), NOERROR),
    ("a record beside it", query("listed.test", additionals=[
        address("other.test", "192.0.2.1")]), NOERROR),
    ("a size of nothing", query("listed.test", additionals=[opt(size=0)]),
     NOERROR),
    ("a size of everything", query("listed.test", additionals=[
        opt(size=65535)]), NOERROR),
]

# After each, a sound question on the same socket: its answer is the proof
# that there is none to what came before.
for server in GATEWAYS:
    with socket.socket(family_of(server), socket.SOCK_DGRAM) as link:
        link.settimeout(PATIENCE)
        link.connect((server, 53))
        for what, data, code in CASES:
            link.send(data)
            link.send(query("listed.test", A, 4711))
            if code is not None:
                got = Message(link.recv(4096))
                assert (got.number, got.code) == (1, code), (what, got.code)
                assert got.flags & 0x8000 and bool(got.answers) == (
                    code == NOERROR), what
                assert bool(got.opt) == (b"\0\0\x29" in data and
                                         code != FORMERR), what
            got = Message(link.recv(4096))
            assert got.number == 4711 and got.answers, what
    for what, data, code in CASES:
        with socket.create_connection((server, 53), PATIENCE) as link:
            link.sendall(framed(data) + framed(query("listed.test", A, 4711)))
            stream = link.makefile("rb")
            got = {}
            while 4711 not in got or (code is not None and len(got) < 2):
                one = Message(next_of(stream))
                got[one.number] = one
            assert got[4711].answers, what
            if code is None:
                link.shutdown(socket.SHUT_WR)
                assert not next_of(stream), what
            else:
                assert got[1].code == code, (what, got[1].code)

# Names that are no host names do not become others below a wildcard.
ODD = [b"a b", b"a\0b", b"a\\b", b"\xc3\xbc", b"\xff", b"a\r\nb", b"a/b", b"a:b",
       b"a@b", b"a%b", b"*", b"a*", b"'", b'"', b"=", b"+"]
ODD = [bytes([len(label)]) + label + wire("wild.test") for label in ODD] + [
    b"\3a.b" + wire("wild.test"), b"\x0awild.test." + b"\0", b"\0",
    wire("b\xc3\xbccher.test"), b"\x0blisted.test" + b"\0",
    b"\x0blisted\0test" + b"\0", wire("listed.test")[:-1] + b"\1\0\0"]
for send, server in WAYS:
    for name in ODD:
        for kind in (A, AAAA, TXT):
            got = Message(send(server, message(
                3, 0x100, [name + struct.pack(">HH", kind, 1)], (), (),
                [opt()])))
            assert got.code in (NXDOMAIN, NOERROR, REFUSED), (name, got.code)
            assert got.addresses in ([], ["198.18.0.1"],
                                     ["fd73:6c75:6963:65::1"]), (name, kind)
            assert got.questions[0][3][:-4] == name, name
    for name in ("listed.test", "LISTED.test", "xn--bcher-kva.test",
                 "XN--BCHER-KVA.TEST"):
        assert told(name, A, send, server).addresses == ["93.184.216.101"]
END

grep ' id=' "$DIR/world-dns.log" | cut -d' ' -f4 | sort -u >"$DIR/heard"
printf '%s\n' listed.test xn--bcher-kva.test | cmp - "$DIR/heard" ||
	fail "the world was asked for $(cat "$DIR/heard")"
audit_has '"reason":"dns_malformed"' '"protocol":"udp"'
audit_has '"reason":"dns_malformed"' '"protocol":"tcp"'
audit_has '"reason":"name_invalid"' '"protocol":"udp"'

# The manifest's spelling and the wire's are one name, for a connection too.
agent $CURL https://xn--bcher-kva.test/ |
	expect 'hello from xn--bcher-kva.test'
