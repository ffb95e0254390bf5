# A thousand connections that idle are kept, each in little memory and one
# descriptor, for soon its origin's is another's; and each still answers. One
# that is logged in keeps its origin's.
WORKERS=2
. "${0%/*}/lib.sh"

need python3 ss
count=1000
world_serves read.test
manifest 'routes: [{host: read.test}]'

cat >"$DIR/idle.py" <<'END'
import os, resource, socket, ssl, sys

count = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
tls = ssl.create_default_context(cafile=os.environ["NODE_EXTRA_CA_CERTS"])

def ask(link, extra=""):
    link.sendall(f"GET / HTTP/1.1\r\nHost: read.test\r\n{extra}\r\n".encode())
    answer = b""
    while not answer.endswith(b"hello from read.test\n"):
        got = link.recv(4096)
        assert got, "lost"
        answer += got

ends = [socket.getaddrinfo("read.test", 443, family)[0]
        for family in (socket.AF_INET, socket.AF_INET6)]

def connect(i):
    family, _, _, _, address = ends[i % 2]
    raw = socket.socket(family)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    raw.settimeout(60)
    raw.connect(address)
    return tls.wrap_socket(raw, server_hostname="read.test")

loner = connect(0)
ask(loner, "Authorization: NTLM abc\r\n")
print("bound", flush=True)
sys.stdin.readline()
links = []
for half in "half", "all":
    for i in range(count // 2):
        links.append(connect(i))
        ask(links[-1])
    print(half, "are open", flush=True)
    sys.stdin.readline()
for link in links:
    ask(link)
ask(loner)
print("all answered", flush=True)
END

processes() { echo "$GATEWAY_PID" && pgrep -P "$GATEWAY_PID"; }
memory_kb()
{
	for pid in $(processes); do
		awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup"
	done | awk '{ sum += $1 } END { print sum }'
}
descriptors()
{
	for pid in $(processes); do
		ls "/proc/$pid/fd"
	done | wc -l
}
origins() { in_world ss -Htn state established 'sport = :443'; }
few_origins() { [ "$(origins | wc -l)" -le 17 ]; } # 8 idle in each worker

mkfifo "$DIR/go"
agent python3 "$DIR/idle.py" $count <"$DIR/go" >"$DIR/idle.out" 2>&1 &
client=$!
exec 8>"$DIR/go"
await grep -q bound "$DIR/idle.out" || fail "$(cat "$DIR/idle.out")"
bound=$(origins | awk '{ print $4 }')
[ "$(echo "$bound" | wc -l)" -eq 1 ] || fail "it is not alone: $bound"
before_kb=$(memory_kb) before_fds=$(descriptors)
# What the origins of the first half took, the second takes.
for half in half all; do
	echo go >&8
	until grep -q "$half are open" "$DIR/idle.out"; do
		kill -0 $client || fail "$(cat "$DIR/idle.out")"
		sleep 0.1
	done
	await few_origins || fail "$(origins | wc -l) origins are kept"
done
origins | grep -q -F "$bound" || fail 'who is logged in lost his connection'
each_fds=$(($(descriptors) - before_fds))
each_bytes=$((($(memory_kb) - before_kb) * 1024 / count))
echo "$each_bytes bytes for each connection"
[ $each_fds -le $((count + 16)) ] || fail "$each_fds descriptors"
# Sanitized builds keep what is freed, on purpose.
grep -q __asan_init "$BIN/sluice-gateway" || [ $each_bytes -le 30000 ] ||
	fail "$each_bytes bytes for each connection"
echo go >&8
wait $client || fail "$(cat "$DIR/idle.out")"
grep -q 'all answered' "$DIR/idle.out" || fail "$(cat "$DIR/idle.out")"
[ "$(origins | grep -c -F "$bound")" -le 1 ] || fail 'it was not used again'
