# A TLS server name is one sound host name or the end of the connection; a
# spelling that means the same is the same, and no other is.
. "${0%/*}/lib.sh"

need python3 openssl
export PYTHONPATH="${0%/*}" PYTHONDONTWRITEBYTECODE=1
world_serves listed.test spliced.test unlisted.test
manifest 'routes: [{host: listed.test}, {host: spliced.test, tls: splice},
  {host: "*.wild.test"}]'

chmod 755 "$DIR"
cat >"$DIR/names.py" <<'END'
import sys
from hello import *

PUBLIC = b"unlisted.test"

def judged(host, names):
    with connect(host) as link:
        link.sendall(records(hello(names)))
        return answer(link)

for host in "listed.test", "spliced.test":
    for name in (host, host.upper(), host.title()) \
            if sys.argv[1] == "sound" else ():
        got = judged(host, name)
        assert got == "hello", "%s: %s" % (name, got)
    if sys.argv[1] == "sound":
        continue
    own = host.encode()
    for name in (
            # no host names
            b"93.184.216.101", b"[2606:2800:220:1::101]", b"127.0.0.1",
            b"2606:2800:220:1::101", b"0x7f.1", b"1", b"",
            own + b"\0", own + b"\0." + PUBLIC, PUBLIC + b"\0." + own,
            b"\0" + own, own + b"\r\nX: " + PUBLIC, own + b"\n", b"\r" + own,
            b" " + own, own + b" ", own + b"\t", b"//" + own, own + b"/",
            own + b"..", b"." + own, b".", b"a.." + own, b"*.test", b"*",
            own + b":443", b"user@" + own, PUBLIC + b"," + own, own + b"\\",
            own + b"\xff", "l\u0131sted.test".encode(),
            own.replace(b"t", b"\xe2\x93\xa3"), b"-" + own, b"a-." + own,
            b"x" * 64 + b".wild.test", b"x." * 130 + b"wild.test",
            b"x" * 300, b"%" + own, own.replace(b".", b"\xe3\x80\x82")):
        got = judged(host, server_name(name))
        if got not in ("unrecognized_name", "decode_error", "access_denied"):
            sys.exit("%r at %s: %s" % (name, host, got))
    sound = short(b"\0" + short(own))
    for what, names in (
            ("none", b""),
            ("none at all", extension(0, b"")),
            ("an empty list", extension(0, short(b""))),
            ("two in one list", extension(0, short(
                b"\0" + short(own) + b"\0" + short(PUBLIC)))),
            ("two extensions", server_name(own) + server_name(PUBLIC)),
            ("the same one twice", server_name(own) * 2),
            ("another kind", server_name(own, 1)),
            ("another kind before it", extension(0, short(
                b"\1" + short(PUBLIC) + b"\0" + short(own)))),
            ("more behind it", extension(0, sound + PUBLIC)),
            ("less than it says", extension(0, sound[:-1])),
            ("a longer list", extension(0, short(
                b"\0" + short(own) + b"\0")))):
        got = judged(host, names)
        if got not in ("unrecognized_name", "decode_error", "access_denied"):
            sys.exit("%s at %s: %s" % (what, host, got))
END
agent $CURL https://listed.test/ >/dev/null
agent /usr/bin/python3 "$DIR/names.py" sound || fail 'see above'
world_settled >/dev/null
before=$(world_packets tcp)
agent /usr/bin/python3 "$DIR/names.py" unsound || fail 'see above'
world_settled >/dev/null
[ "$(world_packets tcp)" -eq "$before" ] || fail 'an origin was dialled'
world_heard_nothing_of unlisted wild.test

# With one dot at its end it is the same name, or none.
agent sh -c "openssl s_client -connect listed.test:443 -servername listed.test. \
	</dev/null 2>&1; :" | expect 'CN = listed.test$\|alert'
# One that is sound and not listed is told why, under its own name.
agent sh -c "openssl s_client -connect listed.test:443 \
	-servername listed.test.unlisted.test </dev/null 2>&1; :" |
	expect 'CN = listed.test.unlisted.test'
world_heard_nothing_of unlisted

# What the record and the log have of them is escaped, and one line.
[ "$(LC_ALL=C grep -c -v '^{"v":1,[ -~]*}$' "$DIR/audit.jsonl")" -eq 0 ] ||
	fail 'the record has raw bytes'
LC_ALL=C grep -q '[^ -~]' "$DIR/gateway.log" && fail 'the log has raw bytes'
:
