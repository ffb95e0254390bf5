# An answer is what comes from the server that was asked, from its port, to the
# question's own port, id and spelling; whatever else comes first is not heard.
# And the agent gets its questions back as it spelled them.
. "${0%/*}/dns_lib.sh"

ip -n "$WORLD" addr add 93.184.216.54/24 dev eth0
world_answers <<'END'
FORGED, REAL = "93.184.216.66", "93.184.216.101"
FORGED6, REAL6 = "2606:2800:220:1::66", "2606:2800:220:1::101"
WAITING = []


def answer(q):
    real = address(q.spelled, REAL if q.kind == A else REAL6)
    lie = address(q.spelled, FORGED if q.kind == A else FORGED6)
    first = q.name.split(".")[0]
    if first.startswith("held"):
        WAITING.append((q, q.reply(real)))
        return None
    if first.startswith("release"):
        for held, out in WAITING:
            held.send(out)
        WAITING.clear()
        return q.reply(real)
    if first == "folded":  # a server that does not keep the case
        return q.reply(real, raw=ask_for(q.name, q.kind))
    if q.over_tcp:
        return q.reply(real)
    other = q.spelled.swapcase()
    for out, source in (
            (q.reply(lie), ("93.184.216.54", 53)),
            (q.reply(lie), ("93.184.216.53", 5353)),
            (q.reply(lie, number=q.number ^ 1), None),
            (q.reply(lie, number=q.number ^ 0x8000), None),
            (q.reply(lie, raw=ask_for(other, q.kind)), None),
            (q.reply(lie, raw=ask_for("x" + q.spelled[1:], q.kind)), None),
            (q.reply(lie, raw=ask_for(q.spelled, A + AAAA - q.kind)), None),
            (q.reply(lie, raw=ask_for(q.spelled, q.kind, 3)), None),
            (q.reply(lie, flags=0x0100), None),  # a question, not an answer
            (b"", None), (b"\0", None), (q.reply(lie)[:11], None),
            (message(q.number, 0x8180, (), [lie]), None)):
        q.send(out, source)
    print("forged", q.name, flush=True)
    return q.reply(real)
END
manifest 'routes: [{host: forged.test}, {host: folded.test}, {host: held0.test},
  {host: held1.test}, {host: release0.test}, {host: release1.test},
  {host: "*.forged.test"}]'

agent_does <<'END'
from dns_peer import *

REAL = {A: "93.184.216.101", AAAA: "2606:2800:220:1::101"}
for names in (["forged.test"] + [f"n{i}.forged.test" for i in range(4)],
              ["folded.test"]):
    for name in names:
        for send, server in WAYS:
            for kind in REAL:
                got = told(name, kind, send, server)
                assert got.addresses == [REAL[kind]], (name, got.addresses)

# Spellings differ, the question outside is one, and each gets its own back.
for i, server in enumerate(GATEWAYS):
    spelled = [f"held{i}.test", f"HELD{i}.test", f"hElD{i}.TeSt"]
    with socket.socket(family_of(server), socket.SOCK_DGRAM) as link:
        link.settimeout(PATIENCE)
        link.connect((server, 53))
        for number, name in enumerate(spelled):
            link.send(query(name, A, number))
        link.send(query(f"release{i}.test", A, 3))
        spelled.append(f"release{i}.test")
        for _ in spelled:
            got = Message(link.recv(4096))
            assert got.questions[0][3] == ask_for(spelled[got.number])
            assert got.addresses == [REAL[A]], got.addresses
# Of a refusal too, and of an error.
for send, server in WAYS:
    for data in (query("UNListed.test"), query("Listed.test", 16),
                 query("bad name.TEST"),
                 message(9, 0x100, [ask_for("Listed.TEST", A, 3)])):
        assert Message(send(server, data)).questions[0][3] == \
            Message(data).questions[0][3]
END

[ "$(grep -c '^forged' "$DIR/world-dns.log")" -ge 10 ] || fail 'no forgery'
grep -o -i 'raw=[^ ]*forged[^ ]*' "$DIR/world-dns.log" | grep -q 'raw=.*[A-Z]' ||
	fail 'the case is not mixed'
for i in 0 1; do
	grep "held$i.test" "$DIR/world-dns.log" | grep -o ' id=[0-9]*' | sort -u |
		wc -l | expect '^1$'
done
# A server that keeps no case is asked again, not left.
[ "$(asked ' raw=folded.test ')" -ge 1 ] || fail 'it was not asked again'
