# A ClientHello with a post-quantum key share, which fills more than a segment,
# is judged like any other. Spliced it goes on as it is; intercepted, each side
# gets what the gateway speaks.
. "${0%/*}/lib.sh"

need python3
export PYTHONPATH="${0%/*}" PYTHONDONTWRITEBYTECODE=1
world_serves listed.test spliced.test unlisted.test
manifest 'routes: [{host: listed.test}, {host: spliced.test, tls: splice}]'
chmod 755 "$DIR"
cat >"$DIR/hybrid.py" <<'END_OF_AGENT'
import sys
from hello import *

# X25519MLKEM768 and its draft before: 1184 bytes of a key, and X25519's 32.
for group in 0x11ec, 0x6399:
    for name, wanted in (("listed.test", "hello"), ("spliced.test", "hello"),
                         ("unlisted.test", "hello")):
        mark = b"<share for %s>" % name.encode()
        share = (mark * 100)[:1216]
        for alone in False, True:
            with connect(name) as link:
                link.sendall(records(hello(name, share=not alone,
                                           more=((group, share), ))))
                got = answer(link)
                # Who has no share of X25519 is asked for one.
                if got != ("retry" if alone else wanted):
                    sys.exit("%s, %x: %s" % (name, group, got))
END_OF_AGENT
agent /usr/bin/python3 "$DIR/hybrid.py" || fail 'see above'
await world_heard '<share for spliced.test>' || fail 'it did not pass as it is'
! world_heard '<share for listed.test>' || fail 'what is intercepted passed'
world_heard_nothing_of unlisted
