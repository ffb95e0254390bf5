# Whoever stops reading holds up his sender and not the gateway: in each mode and
# direction, with eight transfers stalled at once and until all have ended, the
# workers hold little more memory than before. SLUICE_STALLED_MIB says how much
# each transfers.
WORKERS=1
grep -q __asan_init "$SLUICE_BIN/sluice-gateway" && sanitized=yes || sanitized=no
mib=${SLUICE_STALLED_MIB:-64} slack_kb=4096
if [ $sanitized = yes ]; then
	# They keep freed memory for a while on purpose.
	export ASAN_OPTIONS=detect_leaks=1:quarantine_size_mb=1
	ASAN_OPTIONS=$ASAN_OPTIONS:thread_local_quarantine_size_kb=16
	mib=${SLUICE_STALLED_MIB:-16} slack_kb=16384
fi
. "${0%/*}/peers_lib.sh"

# The capture would have all of it, on this machine's disk.
# shellcheck disable=SC2046
kill $(ip netns pids "$WORLD")
# Small buffers everywhere else, or they would take what nobody reads.
for machine in "$AGENT" "$GATEWAY" "$WORLD"; do
	for which in rmem wmem; do
		ip netns exec "$machine" sysctl -q -w \
			"net.ipv4.tcp_$which=4096 65536 262144"
	done
done
for name in spliced.test read.test raw.test; do
	_world_name "$name"
	world_certificate "$name" "$name"
done
world_certificate unnamed unnamed.test
world_resolves
manifest 'routes:
  - {host: spliced.test, tls: splice}
  - {host: read.test}
  - {host: raw.test, ports: 7000, tls: none}'

# "get" sends all, "put" takes all, once the file GO is there, and says how much.
cat >"$DIR/stalling.py" <<'END'
from peer import *
folder, size = sys.argv[1], int(sys.argv[2])

def serve(raw, tls):
    link = tls.wrap_socket(raw, server_side=True) if tls else raw
    link.settimeout(None)
    stream = link.makefile("rb")
    while (head := read_head(stream))[0]:
        if head[0].startswith("GET"):
            link.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n"
                         .encode())
            for _ in range(size // len(BLOCK)):
                link.sendall(BLOCK)
            continue
        while head[0].startswith("PUT") and not os.path.exists(folder + "/go"):
            time.sleep(0.05)
        got = 0
        while head[0].startswith("PUT") and got < size:
            got += len(read_exactly(stream, len(BLOCK)))
        link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n%12d" % got)

tls = tls_for(folder)
for port, context in (80, None), (443, tls), (7000, None):
    listen(port, serve, context)
log("listening")
time.sleep(3600)
END
background stalling.log in_world python3 "$DIR/stalling.py" "$DIR" $((mib << 20))
await grep -q listening "$DIR/stalling.log" || fail 'the origins did not start'

cat >"$DIR/agent.py" <<'END'
from peer import *
world, size = ssl.create_default_context(cafile=sys.argv[1]), int(sys.argv[2])
modes = (("spliced.test", 443, world), ("read.test", 443, True),
         ("read.test", 80, False), ("raw.test", 7000, False))

def request(link, name, method, length):
    link.sendall(f"{method} / HTTP/1.1\r\nHost: {name}\r\n"
                 f"Content-Length: {length}\r\n\r\n".encode())

def open_all():
    links = [connect(name, port, 0, tls) for name, port, tls in modes]
    for link, (name, *_) in zip(links, modes):
        link.settimeout(None)
        request(link, name, "HEAD", 0)
        assert link.recv(4096)
    return links

class Put(threading.Thread):
    def __init__(self, link, name):
        super().__init__(daemon=True)
        self.link, self.name, self.sent = link, name, 0

    def run(self):
        request(self.link, self.name, "PUT", size)
        for _ in range(size // len(BLOCK)):
            self.link.sendall(BLOCK)
            self.sent += len(BLOCK)

def waiting(link):
    """How much the kernel has for us that we have not read."""
    with socket.socket(fileno=os.dup(link.fileno())) as below:
        return len(below.recv(1 << 24, socket.MSG_PEEK))

def finish(link, want, show):
    stream = link.makefile("rb")
    length = int(dict(read_head(stream)[1])["content-length"])
    got = 0
    while got < length:
        data = stream.read(min(len(BLOCK), length - got))
        assert data, "cut short"
        assert not show or data == BLOCK, "other bytes"
        got += len(data)
    assert not show or got == size
    assert show or data == b"%12d" % size, data
    link.close()

gets, puts = open_all(), open_all()
print("idle", flush=True)
sys.stdin.readline()
for link, (name, *_) in zip(gets, modes):
    request(link, name, "GET", 0)
senders = [Put(link, name) for link, (name, *_) in zip(puts, modes)]
for sender in senders:
    sender.start()
last, now = None, 0
while last != now:
    time.sleep(1)
    last, now = now, sum(map(waiting, gets)) + sum(s.sent for s in senders)
for sender in senders:
    assert sender.sent < size, "somebody keeps all of it"
print("stalled", flush=True)
sys.stdin.readline()
# One after another, while the rest is stalled still.
for link in gets:
    finish(link, size, True)
for sender in senders:
    sender.join()
    finish(sender.link, size, False)
print("ended", flush=True)
sys.stdin.readline()
END
mkfifo "$DIR/step"
agent python3 "$DIR/agent.py" "$DIR/world-ca.pem" $((mib << 20)) \
	<"$DIR/step" >"$DIR/agent.out" 2>&1 &
client=$!
exec 8>"$DIR/step"
comes_to()
{
	until grep -q "$1" "$DIR/agent.out"; do
		kill -0 $client 2>/dev/null || fail "$(cat "$DIR/agent.out")"
		sleep 0.1
	done
}
worker()
{
	for pid in $(pgrep -P "$GATEWAY_PID"); do
		! grep -q '^Uid:.*64232' "/proc/$pid/status" || echo "$pid"
	done
}
kb() { awk -v what="$1:" '$1 == what { print $2 }' "/proc/$pid/status"; }

comes_to idle
pid=$(worker)
echo 5 >"/proc/$pid/clear_refs" # the peak starts anew
idle=$(kb VmRSS)
echo go >&8
comes_to stalled
stalled=$(kb VmHWM)
: >"$DIR/go"
echo go >&8
comes_to ended
peak=$(kb VmHWM)
echo "$idle KiB idle, $stalled stalled, $peak at most"
[ "$peak" -le $((idle + slack_kb)) ] || fail 'what is not read is held'
echo go >&8
wait $client || fail "$(cat "$DIR/agent.out")"
