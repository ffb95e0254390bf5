# That a name is not there is believed for a minute at most, a failure for some
# seconds, and neither stands in for the policy: a name is judged each time.
. "${0%/*}/dns_lib.sh"

WORKERS=1
world_answers <<'END'
TIMES = {}


def answer(q):
    TIMES[q.name] = n = TIMES.get(q.name, 0) + 1
    first = q.name.split(".")[0]
    if first == "absent":
        return q.reply(code=NXDOMAIN, authorities=[soa("test", 7200, 3600)])
    if first == "empty":
        return q.reply(authorities=[soa("test", 7200, 3600)])
    if n == 1 and first == "vague":  # says not for how long
        return q.reply(code=NXDOMAIN)
    if n == 1 and first == "foreign":  # nor does an SOA of somebody else
        return q.reply(code=NXDOMAIN, authorities=[soa("other", 7200, 3600)])
    if n <= 2 and first == "failing":  # and when asked again
        return q.reply(code=SERVFAIL)
    if n == 1 and first == "brief":
        return q.reply(code=NXDOMAIN, authorities=[soa("test", 7200, 1)])
    return q.reply(address(q.name, "93.184.216.101"))
END
listed='routes: [{host: absent.test}, {host: empty.test}, {host: vague.test},
  {host: foreign.test}, {host: failing.test}, {host: brief.test},
  {host: there.test}]'
manifest "$listed"

agent_does <<'END'
from dns_peer import *

for send, server in WAYS:
    for name, code in (("absent.test", NXDOMAIN), ("empty.test", NOERROR)):
        for _ in range(5):
            got = told(name, A, send, server)
            assert (got.code, got.answers) == (code, []), name
            soa, = got.authorities
            # The lesser of the two is what counts (RFC 2308).
            assert soa.owner == name and soa.ttl <= 60, (name, soa.ttl)
            assert struct.unpack(">I", soa.data[-4:])[0] <= 60, name
    assert told("there.test", A, send, server).addresses
# They are back before somebody gives up.
for name in ("vague.test", "foreign.test", "failing.test", "brief.test"):
    assert not told(name).answers, name
for name in ("vague.test", "foreign.test", "failing.test", "brief.test"):
    until(lambda: told(name).answers)
END
for name in absent empty; do
	[ "$(asked " $name.test ")" -eq 1 ] || fail "$name: not asked once"
done
for name in vague foreign brief; do
	[ "$(asked " $name.test ")" -eq 2 ] || fail "$name: not asked twice"
done

# What is known is not told to who may not know it, nor is it asked again.
manifest 'routes: [{host: other.test}]'
agent_does <<'END'
from dns_peer import *
for send, server in WAYS:
    for name in ("absent.test", "empty.test", "there.test"):
        for kind, gateway in ((A, "198.18.0.1"), (AAAA, "fd73:6c75:6963:65::1")):
            got = told(name, kind, send, server, [opt()])
            assert got.addresses == [gateway], (name, got.addresses)
            assert b"name_not_listed" in got.opt.data, name
END
manifest "$listed"
agent_does <<'END'
from dns_peer import *
assert told("absent.test").code == NXDOMAIN
assert told("there.test").addresses == ["93.184.216.101"]
END
[ "$(asked ' absent.test ')" -eq 1 ] || fail 'it was asked for again'
