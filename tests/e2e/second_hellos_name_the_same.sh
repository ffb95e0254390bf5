# After a HelloRetryRequest the second ClientHello asks for the name that was
# judged, or its origin never sees it; spliced and intercepted alike.
. "${0%/*}/lib.sh"

need python3
export PYTHONPATH="${0%/*}" PYTHONDONTWRITEBYTECODE=1
world_serves spliced.test intercepted.test other.test unlisted.test control.test
manifest 'routes:
  - {host: spliced.test, tls: splice}
  - {host: intercepted.test}
  - {host: other.test}'

cat >"$DIR/swap.py" <<'END'
import sys
from hello import *

SESSION = os.urandom(32)  # and random: only the key share differs

def swap(host, first, second, between=b"", size=16384, waits=True):
    """What answers the second hello."""
    with connect(host) as link:
        one = records(hello(first, share=False, session=SESSION))
        two = between + records(second, size)
        link.sendall(one if waits else one + two)
        got = answer(link)
        assert got == "retry", "%s: no retry but %s" % (host, got)
        if waits:
            try:
                link.sendall(two)
            except ConnectionError:
                return "reset"
        return answer(link)

def second(names, **more):
    return hello(names, session=SESSION, **more)
END
cat >"$DIR/control.py" <<'END'
from swap import *
got = swap(sys.argv[1], "spliced.test", second("control.test"))
assert got == "hello", got
END
cat >"$DIR/agent.py" <<'END'
from swap import *

def refused(what, got):
    if got in ("hello", "retry", "silence", "nonsense"):
        sys.exit("%s: answered with %s" % (what, got))

for host in "spliced.test", "intercepted.test":
    for between in b"", CCS:
        for size in 16384, 50:
            got = swap(host, host, second(host), between, size)
            assert got == "hello", "%s, the same again: %s" % (host, got)
    for _ in range(40):  # a wakeup that is lost is lost now and then
        got = swap(host, host, second(host))
        assert got == "hello", "%s, once more: %s" % (host, got)
    got = swap(host, host, second(host.upper()))
    assert got == "hello", "%s, in upper case: %s" % (host, got)
    got = swap(host, host, second(host), waits=False)
    assert got == "hello", "%s, both at once: %s" % (host, got)

    for name in "unlisted.test", "other.test", "unlisted." + host:
        for between in b"", CCS:
            for size in 16384, 50:
                for waits in True, False:
                    refused((host, name, between, size, waits),
                            swap(host, host, second(name), between, size,
                                 waits))
    refused((host, "none"), swap(host, host, second(b"")))
    refused((host, "both"), swap(host, host, second(
        server_name(host) + server_name("unlisted.test"))))
    for alpn in ("unlisted/1",), ("h2",), ("http/1.1", "h2"), ():
        refused((host, "another ALPN", alpn),
                swap(host, host, second(host, alpn=alpn)))
END
export PYTHONPATH="$PYTHONPATH:$DIR"
chmod 755 "$DIR"

# Without the gateway the swap works, and the witness sees it.
in_gateway /usr/bin/python3 "$DIR/control.py" "$(world_address spliced.test)" ||
	fail 'the origin does not take the bait'
await world_heard control.test || fail 'the witness is blind'

agent /usr/bin/python3 "$DIR/agent.py" || fail 'see above'
audit_has '"event":"close"' '"reason":"hello_changed"' '"name":"spliced.test"'
audit_has '"event":"close"' '"reason":"hello_changed"' \
	'"name":"intercepted.test"'
world_heard_nothing_of unlisted
world_heard other.test && fail 'the world heard of other.test'
:
