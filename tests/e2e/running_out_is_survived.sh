# Without descriptors, or without ports to an origin, new connections wait or are
# refused; those that are open live, and when there are some again all is well.
. "${0%/*}/steady_lib.sh"

need prlimit setpriv
WORKERS=1
echo 93.184.216.1 raw4.test >>"$DIR/hosts"
echo 2606:2800:220:1::1 raw6.test >>"$DIR/hosts"
world_steadies spliced.test kept.test raw4.test raw6.test other.test
manifest 'routes:
  - {host: spliced.test, ports: 9443, tls: splice}
  - {host: kept.test, ports: [443, 9443]}
  - {host: other.test, ports: 9000, tls: none}
  - {host: raw4.test, ports: 9000, tls: none}
  - {host: raw6.test, ports: 9000, tls: none}'
hold spliced:get:spliced.test kept:keep:kept.test other:line:other.test
goes_on spliced kept other

cat >"$DIR/crowd.py" <<'END'
import os, socket, sys, time
address, port, count, leave = sys.argv[1:]
links, refused = [], 0
for _ in range(int(count)):
    link = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    link.setblocking(False)
    link.connect_ex((address, int(port)))
    links.append(link)
print("opened", flush=True)
while not os.path.exists(leave):
    time.sleep(0.05)
END

# --- descriptors ---

worker=$(children $WORKER)
now=$(ls "/proc/$worker/fd" | wc -l)
may_open()
{
	setpriv --reuid $WORKER --regid $WORKER --clear-groups \
		prlimit --pid "$worker" "--nofile=$1:"
}
may_open $((now + 20))
n=$(world_address kept.test)
_comes_through() { agent $CURL -f https://kept.test/; }
for address in "$n" "2606:2800:220:1::${n##*.}"; do
	rm -f "$DIR/leave"
	paused=$(grep -c 'cannot accept, pausing' "$DIR/gateway.log" || :)
	: >"$DIR/crowd.log"
	background crowd.log in_agent $PYTHON "$DIR/crowd.py" "$address" 443 \
		200 "$DIR/leave"
	await grep -q opened "$DIR/crowd.log" || fail 'no crowd'
	_paused() { [ "$(grep -c 'cannot accept, pausing' \
		"$DIR/gateway.log")" -gt "$paused" ]; }
	await _paused || fail "$address: descriptors did not run out"
	goes_on spliced kept other
	goes_on spliced kept other
	: >"$DIR/leave"
	# As few as before, and enough for one at a time.
	await _comes_through || fail "$address: and never again"
done
[ "$(grep -c 'cannot accept' "$DIR/gateway.log")" -le 15 ] ||
	fail 'the log is full of it'
# Who was refused meanwhile was told why, and not that a name leads nowhere.
! grep address_private "$DIR/audit.jsonl" || fail 'a wrong reason was given'
may_open 1024

# --- ports ---

# Twenty for each address and port that is connected to.
in_gateway sysctl -q -w net.ipv4.ip_local_port_range='40000 40019'
cat >"$DIR/ports.py" <<'END'
import socket, sys, time

def talk(name):
    """A connection that has carried something, or None."""
    try:
        link = socket.create_connection((name, 9000), 10)
        link.sendall(b"x\n")
        return link if link.recv(5) == b"tick\n" else None
    except ConnectionError:
        return None

for name in "raw4.test", "raw6.test":
    held = [talk(name) for _ in range(30)]
    open_ = [link for link in held if link]
    if not 15 <= len(open_) < 25:
        sys.exit("%s: %d connections of 30" % (name, len(open_)))
    for link in open_:
        link.sendall(b"y\n")
        assert link.recv(5) == b"tick\n"
    if not talk("other.test"):
        sys.exit("another origin cannot be reached")
    for link in open_:
        link.close()
    # One after the other, and we close first: a port that has just been used
    # rests, but for seconds and not for a minute.
    tries = 0
    for i in range(30):
        while not (link := talk(name)):
            tries += 1
            if tries > 60:
                sys.exit("%s: no port after %d" % (name, i))
            time.sleep(0.1)
        link.shutdown(socket.SHUT_WR)
        while link.recv(100):
            pass
        link.close()
END
agent $PYTHON "$DIR/ports.py" || fail 'see above'
audit_has '"event":"upstream"' '"reason":"upstream_connect"' '"raw4.test"'
audit_has '"event":"upstream"' '"reason":"upstream_connect"' '"raw6.test"'
goes_on spliced kept other
died 0
