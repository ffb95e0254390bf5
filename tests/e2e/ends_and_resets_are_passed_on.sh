# Each side's end of a connection is an end to the other side, of that direction
# alone; a reset is a reset, so that nobody takes a part for the whole.
. "${0%/*}/peers_lib.sh"

# Each in one family alone, so that it is that on both sides of the gateway;
# and those whose connections are cut have addresses of their own.
world_peers spliced4.test read4.test spliced6.test read6.test \
	cut-spliced4.test cut-read4.test cut-spliced6.test cut-read6.test
for name in raw4.test raw6.test; do
	_world_name $name
done
sed -i -e '/:.*4\.test$/d' -e '/\..*6\.test$/{/:/!d}' "$DIR/hosts"
world_resolves
# What peer.py's raw services do not do: 7003 ends first and listens on, 7004
# resets when it has heard something.
cat >"$DIR/ends.py" <<'END'
from peer import *

def ends_first(raw):
    raw.sendall(b"that is all\n")
    raw.shutdown(socket.SHUT_WR)
    data = b""
    while piece := raw.recv(65536):
        data += piece
    log("heard", len(data), digest(data))

def resets(raw):
    raw.sendall(content(100000))
    raw.recv(1)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                   struct.pack("ii", 1, 0))
    raw.close()

listen(7000, serve_tcp, 7000)
listen(7003, ends_first)
listen(7004, resets)
log("listening")
time.sleep(3600)
END
background world-ends.log in_world python3 "$DIR/ends.py"
await grep -q listening "$DIR/world-ends.log" || fail 'no raw services'
manifest 'routes:
  - {host: spliced4.test, tls: splice}
  - {host: spliced6.test, tls: splice}
  - {host: cut-spliced4.test, tls: splice}
  - {host: cut-spliced6.test, tls: splice}
  - host: read4.test
  - host: read6.test
  - host: cut-read4.test
  - host: cut-read6.test
  - {host: raw4.test, ports: [7000, 7003, 7004], tls: none}
  - {host: raw6.test, ports: [7000, 7003, 7004], tls: none}'

agent_does "$DIR/world-ca.pem" <<'END'
from peer import *

world = ssl.create_default_context(cafile=sys.argv[1])
DATA = content(300000)

def reset(link):
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    link.close()

def is_reset(link, least):
    """Whether @link ends by a reset, with something before it."""
    n = 0
    try:
        while got := link.recv(65536):
            n += len(got)
    except ConnectionResetError:
        assert n >= least, n
        return True
    except ssl.SSLError:  # no close_notify: not an end of TLS, either
        return True
    return False

def request(name, method, target, length=None):
    return (f"{method} {target} HTTP/1.1\r\nHost: {name}\r\n" + (
        f"Content-Length: {length}\r\n" if length else "") +
        "\r\n").encode()

for number, family in (4, socket.AF_INET), (6, socket.AF_INET6):
    def raw(port):
        return connect(f"raw{number}.test", port, family, False)

    # The agent's end, with the answer still to come.
    link = raw(7000)
    link.sendall(DATA[:1000])
    half_close(link)
    assert link.makefile("rb").read() == DATA[:1000] + b"goodbye\n"
    link.close()
    # The origin's, with the agent still to speak.
    link = raw(7003)
    assert link.makefile("rb").read() == b"that is all\n"
    link.sendall(DATA)
    link.close()
    # Resets, either way.
    link = raw(7000)
    link.sendall(b"reset")
    assert link.recv(5) == b"reset"
    reset(link)
    link = raw(7004)
    assert len(link.recv(1000)) > 0
    link.sendall(b"x")
    assert is_reset(link, 0), "raw: an end"
    link.close()

    for kind, tls, port in (("spliced", world, 443), ("read", True, 443),
                            ("read", None, 80)):
        name = f"{kind}{number}.test"
        # A request, and nothing more from us. (Where the gateway ends TLS,
        # TCP that ends without it is somebody who has left.)
        if tls is not True:
            link = connect(name, port, family, tls)
            link.sendall(request(name, "GET", "/alone"))
            half_close(link)
            first, fields = read_head(link.makefile("rb"))
            assert first == "HTTP/1.1 200 OK", (name, port, first)
            link.close()
        # Half an answer is none, and half a body is none.
        link = connect(name, port, family, tls)
        link.sendall(request(name, "GET", "/reset/"))
        assert is_reset(link, 1), (name, port)
        link.close()
        name = "cut-" + name
        link = connect(name, port, family, tls)
        link.sendall(request(name, "PUT", "/half", len(DATA))
                     + DATA[:len(DATA) // 2])
        reset(link)
END

heard() { grep -c -F -- "$1" "$DIR/world-ends.log" || :; }
_heard_so_often() { [ "$(heard "$1")" -eq "$2" ]; }
whole=$(python3 -c 'from peer import *; print(digest(content(300000)))')
await _heard_so_often "heard 300000 $whole" 2 ||
	fail 'the origin that ended first did not hear all'
await _heard_so_often '7000 error ConnectionResetError' 2 ||
	fail 'the agent reset, and the origin saw an end'
# No origin took half a body for a whole one: each was reset.
_halves_came() { [ "$(grep -c ' PUT /half ' "$DIR/world-origin.log")" -eq 6 ]; }
_halves_came || fail 'not every request came'
_each_was_reset()
{
	address=$1 filter=$2 connections=$3
	world_packets >/dev/null
	[ "$(tcpdump -r "$DIR/world.pcap" -n "dst host $address and $filter" \
		2>/dev/null | awk '{ print $3 }' | sort -u | wc -l)" -eq \
		"$connections" ]
}
for kind in spliced:1 read:2; do
	n=$(world_address "cut-${kind%:*}4.test")
	await _each_was_reset "$n" 'tcp[13] & 4 != 0' "${kind#*:}" ||
		fail "$kind: not reset over IPv4"
	n=$(world_address "cut-${kind%:*}6.test")
	await _each_was_reset "2606:2800:220:1::${n##*.}" \
		'ip6[6] = 6 and ip6[53] & 4 != 0' "${kind#*:}" ||
		fail "$kind: not reset over IPv6"
done
sed -n 's|^\(.*\)\.1 PUT /half .*|^\1[.]1 body|p' "$DIR/world-origin.log" \
	>"$DIR/halves"
! grep -f "$DIR/halves" "$DIR/world-origin.log" || fail 'half passed for a whole'
