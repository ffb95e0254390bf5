# Of what the world's resolver says the agent is told the addresses that the
# name's own chain leads to, for a sensible time, and nothing else; of what the
# agent says the resolver is told name and type, and nothing else.
. "${0%/*}/dns_lib.sh"

world_peers listed.test denied.test
export ADDRESS=$(world_address listed.test)
export DENIED=$(world_address denied.test)
world_answers <<'END'
import os
GOOD, DENIED = os.environ["ADDRESS"], os.environ["DENIED"]
GOOD6 = "2606:2800:220:1::101"
BAD, BAD6 = "93.184.216.66", "2606:2800:220:1::66"


def chain(n, end):
    names = [end] + [f"hop{i}.nowhere.test" for i in range(n - 1)]
    return [alias(a, b, 60 + i) for i, (a, b) in enumerate(
        zip(names, names[1:] + ["end.nowhere.test"]))]


def answer(q):
    good = GOOD if q.kind == A else GOOD6
    bad = BAD if q.kind == A else BAD6
    first = q.name.split(".")[0]
    if first in ("zero", "huge", "most", "week"):
        ttl = {"zero": 0, "huge": 1 << 31, "most": (1 << 32) - 1,
               "week": 604800}[first]
        return q.reply(address(q.name, good, ttl))
    if first == "twelve":  # as long as may be, and its least TTL is a hop's
        return q.reply(*chain(12, q.name),
                       address("end.nowhere.test", good, 90))
    if first == "backwards":
        return q.reply(address("end.nowhere.test", good, 90),
                       *reversed(chain(3, q.name)))
    if first == "thirteen":
        return q.reply(*chain(13, q.name), address("end.nowhere.test", good))
    if first == "loop":
        return q.reply(alias(q.name, "a.test"), alias("a.test", q.name),
                       address(q.name, good), address("a.test", good))
    if first == "fork":
        return q.reply(alias(q.name, "a.test"), alias(q.name, "b.test"),
                       address("a.test", good), address("b.test", good))
    if first == "private":
        return q.reply(alias(q.name, "inside.test"),
                       address("inside.test", "10.0.0.7" if q.kind == A
                               else "fd00::7"))
    if first == "denied":
        return q.reply(alias(q.name, "denied.test"),
                       address("denied.test", DENIED if q.kind == A
                               else "2606:2800:220:1::102"))
    if first == "foreign":  # an address, but not of that name
        return q.reply(address("victim.test", bad))
    if first == "poison":
        lie = address("victim.test", bad, 86400)
        return q.reply(address(q.name, good), lie,
                       authorities=[record("test", NS, wire("victim.test")),
                                    lie],
                       additionals=[lie, address("poison.test", bad)])
    if first == "stub":  # only over TCP
        if not q.over_tcp:
            return q.reply(address(q.name, bad), flags=0x8380)
        return q.reply(address(q.name, good))
    if first == "four" and q.kind == AAAA:
        return q.reply(authorities=[soa("test")])
    return q.reply(address(q.name, good))
END

manifest 'routes: [{host: zero.test}, {host: huge.test}, {host: most.test},
  {host: week.test}, {host: twelve.test}, {host: thirteen.test},
  {host: backwards.test}, {host: loop.test}, {host: fork.test},
  {host: private.test}, {host: denied-at-its-end.test}, {host: alias.test},
  {host: denied.alias.test}, {host: foreign.test}, {host: poison.test},
  {host: victim.test}, {host: stub.test}, {host: four.test},
  {host: listed.test}, {host: fresh0.test}, {host: fresh1.test},
  {host: fresh2.test}, {host: fresh3.test}]
deny: [{host: denied.test}]'

agent_does <<'END'
from dns_peer import *
import os

GOOD, DENIED = os.environ["ADDRESS"], os.environ["DENIED"]
GOOD6 = "2606:2800:220:1::101"

for send, server in WAYS:
    for kind, good in ((A, GOOD), (AAAA, GOOD6)):
        def tell(name):
            got = told(name, kind, send, server)
            where = (name, kind, send.__name__, server)
            # One owner, the one that was asked for, and one type.
            for r in got.answers:
                assert (r.owner, r.kind) == (name, kind), where
            return got, where

        for name, least, most in (
                ("zero.test", 1, 5), ("huge.test", 1, 5),
                ("most.test", 1, 5), ("week.test", 250, 300),
                ("twelve.test", 1, 60), ("backwards.test", 1, 60),
                ("stub.test", 1, 60), ("poison.test", 1, 60),
                ("victim.test", 1, 60), ("listed.test", 1, 60)):
            got, where = tell(name)
            assert got.addresses == [good], (where, got.addresses)
            assert least <= got.answers[0].ttl <= most, (
                where, got.answers[0].ttl)
            assert not got.authorities and not got.additionals, where
        # Where two things are said, neither is.
        for name in ("thirteen.test", "loop.test", "fork.test"):
            got, where = tell(name)
            assert got.code == SERVFAIL and not got.answers, where
        got, where = tell("foreign.test")
        assert got.code == NOERROR and not got.answers, where
        # What is at its end needs no leave, and gives none.
        got, where = tell("denied.alias.test")
        assert got.addresses == [DENIED if kind == A else
                                 "2606:2800:220:1::102"], where
        for name in ("denied.test", "end.nowhere.test", "private.test"):
            got, where = tell(name)
            assert got.addresses == ["198.18.0.1" if kind == A else
                                     "fd73:6c75:6963:65::1"], where
    got = told("four.test", AAAA, send, server)
    assert got.code == NOERROR and not got.answers
    assert [r.kind for r in got.authorities] == [SOA]

# What only the agent could have put there goes no further with a question that
# does.
options = (option(8, b"\0\1\x20\0\x0a\x4d\0\2") + option(10, b"covertly") +
           option(12, b"padded" * 20) + option(65001, b"exfiltrated"))
for i, (send, server) in enumerate(WAYS):
    got = Message(send(server, message(
        7, 0x0170, [ask_for(f"fresh{i}.test")], (), (),
        [address("exfiltrated.test", "192.0.2.7"),
         opt(options, size=4096, flags=0xffff)])))
    assert got.code == NOERROR and got.answers, got.code
    assert got.opt and not got.opt.data, got.opt.data
END

for type in A AAAA; do
	[ "$(asked "^tcp .* $type stub.test ")" -ge 1 ] || fail 'no TCP'
	# The lie did not stand in for a question.
	[ "$(asked " $type victim.test ")" -ge 1 ] || fail 'it was believed'
done
for i in 0 1 2 3; do
	[ "$(asked " fresh$i.test ")" -eq 1 ] || fail "fresh$i was not asked for"
done
[ "$(asked ' id=')" -eq "$(asked ' flags=0100 opt=1232/00000000/$')" ] ||
	fail 'something went on'
world_heard_nothing_of covertly paddedpadded exfiltrated '^denied.test' \
	nowhere.test inside.test
audit_has '"reason":"address_private"' '"name":"private.test"'
audit_has '"reason":"name_denied"' '"name":"denied.test"'
agent $CURL http://denied.alias.test/ | expect 'hello from denied.alias.test'
