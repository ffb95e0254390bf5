# A name that leads outside leads nowhere else later: special-purpose addresses
# are left out of answers, and if nothing is left, or the name has turned to
# one after it was told, it is refused, in DNS and when connected to.
. "${0%/*}/dns_lib.sh"

world_peers listed.test
world_answers <<'END'
TIMES = {}
SPECIAL = ["127.0.0.1", "10.0.0.7", "169.254.169.254", "100.64.0.1",
           "198.18.0.77", "0.0.0.0", "224.0.0.1"]
SPECIAL6 = ["::1", "fd00::7", "fe80::7", "::ffff:10.0.0.7", "64:ff9b::a00:7",
            "2002:a00:7::1", "fd73:6c75:6963:65::77", "::"]


def answer(q):
    good = "93.184.216.101" if q.kind == A else "2606:2800:220:1::101"
    special = SPECIAL if q.kind == A else SPECIAL6
    TIMES[q.name, q.kind] = n = TIMES.get((q.name, q.kind), 0) + 1
    what, _, number = q.name.split(".")[0].partition("-")
    if what == "mixed":
        return q.reply(*[address(q.name, text) for text in
                         (*special[:3], good, *special[3:])])
    if what == "all":
        return q.reply(*[address(q.name, text) for text in special])
    if what == "one":
        return q.reply(address(q.name, special[int(number) % len(special)]))
    if what == "turns" and n > 1:
        return q.reply(address(q.name, special[int(number)], 1))
    return q.reply(address(q.name, good, 1))
END
names=$(for i in 0 1 2 3 4 5 6 7; do echo "one-$i.test"; done
	for i in 0 1 2; do echo "turns-$i.test"; done)
WORKERS=1
manifest "routes:
  - host: mixed.test
  - host: all.test
  - {host: inside.test, private: true}
$(for name in $names; do echo "  - host: $name"; done)"

agent_does <<'END'
from dns_peer import *
from peer import exchange

GOOD = {A: "93.184.216.101", AAAA: "2606:2800:220:1::101"}
REFUSAL = {A: "198.18.0.1", AAAA: "fd73:6c75:6963:65::1"}
for send, server in WAYS:
    for kind in GOOD:
        got = told("mixed.test", kind, send, server)
        assert got.addresses == [GOOD[kind]], got.addresses
        for name in ["all.test"] + [f"one-{i}.test" for i in range(8)]:
            got = told(name, kind, send, server, [opt()])
            assert got.addresses == [REFUSAL[kind]], (name, got.addresses)
            assert b"address_private" in got.opt.data, name


def get(where, name):
    with socket.create_connection((where, 80), PATIENCE) as link:
        return exchange(link, b"GET / HTTP/1.1\r\nHost: %s\r\n"
                        b"Connection: close\r\n\r\n" % name.encode())[2]


for i in range(3):
    name = f"turns-{i}.test"
    for kind in GOOD:
        assert told(name, kind).addresses == [GOOD[kind]]
    if i == 0:  # a connection that is made by then stays where it is
        assert b"hello from" in get(GOOD[A], name)
    # Until it has turned, for both families.
    for kind in GOOD:
        until(lambda: told(name, kind).addresses == [REFUSAL[kind]])
    for kind in GOOD:
        body = get(GOOD[kind], name)
        assert b"address_private" in body or (
            i == 0 and b"hello from turns-0.test" in body), body
END
[ "$(world_packets 'dst net 10.0.0.0/8 or dst net 169.254.0.0/16 or
	dst net 100.64.0.0/10 or dst net 198.18.0.0/15 or dst net fc00::/7 or
	dst net 64:ff9b::/96 or dst net 2002::/16')" -eq 0 ] ||
	fail 'a special address was dialled'
audit_has '"event":"dns"' '"reason":"address_private"' '"name":"turns-2.test"'
audit_has '"event":"request"' '"reason":"address_private"' \
	'"name":"turns-2.test"'
audit_has '"event":"dns"' '"name":"mixed.test"' 'some addresses were left out'
