# Who reads late, or sends a byte at a time, holds up the other side and loses
# nothing; nor is anything lost where copying gives way to splice(2), though
# the kernel gives only the smallest of pipes.
. "${0%/*}/peers_lib.sh"

world_peers spliced.test read.test
world_tcp raw.test
world_resolves
# Small buffers everywhere: what is on its way soon fills them.
for machine in "$AGENT" "$GATEWAY" "$WORLD"; do
	for which in rmem wmem; do
		ip netns exec "$machine" sysctl -q -w \
			"net.ipv4.tcp_$which=4096 65536 131072"
	done
done
manifest 'routes:
  - {host: spliced.test, tls: splice}
  - {host: read.test}
  - {host: raw.test, ports: [7000, 7002], tls: none}'

# Somebody with the workers' user has all the pages of pipes that it may have.
cat >"$DIR/hoard.py" <<'END'
import fcntl, os, resource, time
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
os.setgid(64232)
os.setuid(64232)
pipes = []
try:
    while True:
        pipes.append(os.pipe())
        fcntl.fcntl(pipes[-1][0], 1031, 1 << 20)  # F_SETPIPE_SZ
except PermissionError:
    pass
size = fcntl.fcntl(os.pipe()[0], 1032)  # F_GETPIPE_SZ
print("hoarded" if size <= 8192 else "left", flush=True)
time.sleep(3600)
END
if [ "$(cat /proc/sys/fs/pipe-user-pages-soft)" -gt 0 ]; then
	background hoard.log /usr/bin/python3 "$DIR/hoard.py"
	await grep -q hoarded "$DIR/hoard.log" || fail 'there are pipes left'
fi

agent_does "$DIR/world-ca.pem" <<'END'
from peer import *

world = ssl.create_default_context(cafile=sys.argv[1])
MUCH = 6 << 20
data = content(MUCH)
want = f"{MUCH} {digest(data)}\n".encode()

def fill(link):
    """Sends until nobody takes more; how much that was."""
    link.settimeout(0.3)
    sent = 0
    try:
        while sent < MUCH:
            sent += link.send(data[sent:sent + 65536])
    except TimeoutError:
        pass
    link.settimeout(PATIENCE)
    return sent

def wait_until_full(link):
    """Until what the kernel has of the answer for us grows no more."""
    last, now = 0, 1
    while now > last:
        time.sleep(0.2)
        last, now = now, len(link.recv(1 << 24, socket.MSG_PEEK))

for family in socket.AF_INET, socket.AF_INET6:
    # The echo waits for us to read.
    link = connect("raw.test", 7000, family, False)
    sent = fill(link)
    assert sent < MUCH, "somebody keeps all of it"
    def rest():
        link.sendall(data[sent:])
        half_close(link)
    sender = threading.Thread(target=rest)
    sender.start()
    stream = link.makefile("rb")
    assert stream.read(MUCH) == data
    assert stream.read() == b"goodbye\n"
    sender.join()
    link.close()

    # A byte at a time, and then at once a lot: copied first, spliced later.
    link = connect("raw.test", 7002, family, False)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for i in range(200):
        link.sendall(data[i:i + 1])
    link.sendall(data[200:])
    half_close(link)
    assert link.makefile("rb").read() == want
    link.close()

    for name, tls, port in (("spliced.test", world, 443),
                            ("read.test", True, 443),
                            ("read.test", None, 80)):
        link = connect(name, port, family, tls)
        link.sendall(f"GET /length/{MUCH} HTTP/1.1\r\nHost: {name}\r\n\r\n"
                     .encode())
        with socket.socket(fileno=os.dup(link.fileno())) as below:
            wait_until_full(below)
        stream = link.makefile("rb")
        first, fields = read_head(stream)
        assert read_body(stream, fields) == data, (name, port, family)
        link.sendall(f"PUT / HTTP/1.1\r\nHost: {name}\r\n"
                     f"Content-Length: {MUCH}\r\n\r\n".encode())
        for i in range(200):
            link.sendall(data[i:i + 1])
        link.sendall(data[200:])
        first, fields = read_head(stream)
        assert want.strip() in read_body(stream, fields), (name, port, family)
        link.close()
END
[ "$(grep -c "body $((6 << 20)) " "$DIR/world-origin.log")" -eq 6 ] ||
	fail 'not every origin had it all'
# The origins were held up by TCP itself: the gateway's window closed.
for port in 80 443 7000; do
	[ "$(world_packets "ip6 and dst port $port and ip6[6] = 6 and
		ip6[54:2] = 0 and ip6[53] & 4 = 0")" -gt 0 ] ||
		fail "port $port was never told to wait"
done
for pid in $(cat "/proc/$GATEWAY_PID/task/$GATEWAY_PID/children"); do
	grep -q '^Uid:.*64232' "/proc/$pid/status" || continue
	ls -l "/proc/$pid/fd" | grep -q pipe: && spliced=yes
done
[ "${spliced:-}" ] || fail 'nothing was spliced'
