# However much is under way, and whoever does not take it: of each direction of
# a connection the gateway holds no more than a buffer, and the rest waits where
# it comes from.
WORKERS=1
# Freed memory is to be free at once.
export ASAN_OPTIONS=detect_leaks=1:quarantine_size_mb=1
. "${0%/*}/peers_lib.sh"

world_peers listed.test
world_resolves
# Small buffers that do not grow: what is on its way soon fills them.
for machine in "$AGENT" "$GATEWAY" "$WORLD"; do
	for which in rmem wmem; do
		ip netns exec "$machine" sysctl -q -w \
			"net.ipv4.tcp_$which=4096 65536 65536"
	done
done
manifest 'routes: [{host: listed.test}]'
worker()
{
	for pid in $(cat "/proc/$GATEWAY_PID/task/$GATEWAY_PID/children"); do
		grep -q '^Uid:.*64232' "/proc/$pid/status" &&
			ls -l "/proc/$pid/fd" | grep -q socket: && echo "$pid"
	done | head -n 1
}
cat >"$DIR/stalls.py" <<'END'
from peer import *

FLOWS, MUCH = 8, 64 << 20
HOST = "HTTP/1.1\r\nHost: listed.test\r\n"
BLOCK = content(1 << 16)
CHUNK = b"%x\r\n%b\r\n" % (len(BLOCK), BLOCK)
folder = sys.argv[1]

def meet(name):
    """Says where we are, and waits until that has been seen."""
    print(name, flush=True)
    while not os.path.exists(f"{folder}/{name}"):
        time.sleep(0.05)

def send(link, kept):
    """As much of a body as anybody takes."""
    kept.settimeout(0.5)
    sent = 0
    try:
        while sent < MUCH:
            sent += kept.send(link[sent % len(link):])
    except TimeoutError:
        kept.settimeout(PATIENCE)
    return sent

links = []
for port in 443, 80:
    for i in range(FLOWS):
        for method, what in (("GET", f"length/{MUCH}"),
                             ("GET", f"chunked/{MUCH}"),
                             ("PUT", f"stalled/gate{port}"),
                             ("POST", f"stalled/gate{port}")):
            link = connect("listed.test", port)
            # It is open, to its origin as well.
            exchange(link, f"GET / {HOST}\r\n".encode())
            links.append((link, port, method, what))
meet("connected")
for link, _, method, what in links:
    more = {"PUT": f"Content-Length: {MUCH}\r\n",
            "POST": "Transfer-Encoding: chunked\r\n"}.get(method, "")
    link.sendall(f"{method} /{what} {HOST}{more}\r\n".encode())
threads = []
def fill(link, method):
    sent = send(BLOCK if method == "PUT" else CHUNK, link)
    assert sent < 4 << 20, f"somebody takes all of it: {sent}"
for link, _, method, what in links:
    if method != "GET":
        threads.append(threading.Thread(target=fill, args=(link, method)))
        threads[-1].start()
for thread in threads:
    thread.join()
def waiting(link):
    """How much the kernel has for us."""
    with socket.socket(fileno=os.dup(link.fileno())) as below:
        try:
            return len(below.recv(1 << 24, socket.MSG_PEEK))
        except BlockingIOError:
            return 0

# Until what waits grows no more.
last, now = None, []
while now != last or not all(now):
    time.sleep(0.5)
    last, now = now, [waiting(link) for link, _, method, _ in links
                      if method == "GET"]
meet("stalled")
os._exit(0)
END
background stalls.log agent python3 "$DIR/stalls.py" "$DIR"
resident()
{
	awk '/^VmRSS/ { print $2 }' "/proc/$worker/status"
}
_says() { grep -q "$1" "$DIR/stalls.log"; }
await _says connected || await _says connected || fail 'no connections'
worker=$(worker)
before=$(resident)
: >"$DIR/connected"
await _says stalled || await _says stalled || await _says stalled ||
	fail "they do not stall: $(cat "$DIR/stalls.log")"
# Two buffers' worth for either direction, and what TLS has of its own.
held=$((($(resident) - before) / 160))
: >"$DIR/stalled"
[ "$held" -le 128 ] || fail "$held kB are held of each connection"
echo "$held kB are held of each connection"
