# What listens on the gateway's own machine, on its host or on private networks
# behind its uplink is no destination, on whatever port: it hears of nobody.
. "${0%/*}/lib.sh"

need python3
world_serves listed.test
# It answers to everything that the gateway's machine would send its way.
cat >"$DIR/services.py" <<'END'
import selectors, socket, sys
waits = selectors.DefaultSelector()
# sshd, http, docker, vnc, node, kubelet, libvirt, redis, postgres, metadata
for port in (22, 443, 2375, 3000, 5432, 5900, 6379, 8080, 10250, 16509):
    s = socket.create_server(("::", port), family=socket.AF_INET6,
                             dualstack_ipv6=True)
    waits.register(s, selectors.EVENT_READ)
for port in (69, 111, 123, 161, 514, 1900, 4789):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(("::", port))
    waits.register(s, selectors.EVENT_READ)
print("listening", flush=True)
while True:
    for key, _ in waits.select():
        s = key.fileobj
        if s.type == socket.SOCK_DGRAM:
            data, peer = s.recvfrom(1000)
            s.sendto(b"at your service", peer)
        else:
            connection, peer = s.accept()
            connection.sendall(b"at your service")
            connection.close()
        print("heard", peer, s.getsockname()[1], flush=True)
END
background world-gateway.log in_gateway python3 "$DIR/services.py"
await grep -q listening "$DIR/world-gateway.log" || fail 'nobody is at home'
cat >"$DIR/try.py" <<'END'
import socket, sys
for at in sys.argv[1:]:
    family = socket.AF_INET6 if ":" in at else socket.AF_INET
    for port in (22, 2375, 5900, 16509):
        with socket.create_connection((at, port), 5) as s:
            assert s.recv(100) == b"at your service"
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.sendto(b"x", (at, 161))
        s.recv(100)
END
in_gateway python3 "$DIR/try.py" 127.0.0.1 ::1 10.77.0.1 93.184.216.2 \
	fd73:6c75:6963:1::1 || fail 'the witness is dumb'
grep -q heard "$DIR/world-gateway.log" || fail 'the witness is deaf'

manifest 'routes: [{host: listed.test}]'
agent $CURL https://listed.test/ | expect 'hello from listed.test'
before=$(world_settled)
heard=$(grep -c heard "$DIR/world-gateway.log")
cat >"$DIR/seek.py" <<'END'
import select, socket, sys, time
HTTP = b"GET /latest/meta-data/ HTTP/1.1\r\nHost: listed.test\r\n\r\n"
waiting = {}
for at in sys.argv[1:]:
    family = socket.AF_INET6 if ":" in at else socket.AF_INET
    for kind, ports in ((socket.SOCK_STREAM, (
            22, 80, 443, 2375, 3000, 5432, 5900, 6379, 8080, 10250, 16509)),
            (socket.SOCK_DGRAM, (69, 111, 123, 161, 514, 1900, 4789))):
        for port in ports:
            s = socket.socket(family, kind)
            s.setblocking(False)
            try:
                s.connect_ex((at, port))
            except OSError:
                continue
            waiting[s] = at, port
unsent = set(waiting)
end = time.monotonic() + 10
def are_left():
    return any(s.type == socket.SOCK_STREAM for s in waiting)

while are_left() and time.monotonic() < end:
    readable, writable, _ = select.select(waiting, unsent, [], 1)
    for s in writable:
        unsent.discard(s)
        try:
            s.send(HTTP)
        except OSError:
            pass
    for s in readable:
        try:
            got = s.recv(1000)
        except OSError:
            got = b""
        if got[:12] not in (b"", b"HTTP/1.1 403", b"HTTP/1.1 404"):
            sys.exit("%s answered %r" % (waiting[s], got))
        unsent.discard(s)
        del waiting[s]
# So many datagrams at once are not all answered with an error.
if are_left():
    sys.exit("nobody refused %r" % sorted(
        at for s, at in waiting.items() if s.type == socket.SOCK_STREAM))
END
# The gateway's addresses, those of its uplink's router, metadata services, and
# private ones that the uplink could lead to.
in_agent ip route replace default via 10.77.0.1
in_agent ip -6 route replace default via fd73:6c75:6963:1::1 dev eth0
in_agent python3 "$DIR/seek.py" 10.77.0.1 93.184.216.2 93.184.216.1 \
	169.254.169.254 169.254.170.2 100.100.100.200 168.63.129.16 10.0.0.1 \
	172.17.0.1 192.168.122.1 10.0.2.2 198.18.0.2 0.0.0.1 \
	fd73:6c75:6963:1::1 2606:2800:220:1::2 2606:2800:220:1::1 \
	fd00:ec2::254 fd20:ce::254 64:ff9b::a9fe:a9fe 2002:a00:1::1 || fail 'see above'
# Of site-local scope: no address of ours has that, and redirect drops.
in_agent timeout 1 bash -c '</dev/tcp/fec0::2/22' 2>/dev/null &&
	fail 'somebody is at fec0::2'
[ "$(grep -c heard "$DIR/world-gateway.log")" -eq "$heard" ] ||
	fail "$(tail -n 1 "$DIR/world-gateway.log")"
[ "$(world_settled)" -eq "$before" ] || fail 'something reached the world'
world_heard_nothing_of meta-data
# Nor does the world come in by the uplink.
for at in 93.184.216.2 2606:2800:220:1::2; do
	in_world timeout 1 bash -c "</dev/tcp/$at/22" 2>/dev/null &&
		fail "the world is in at $at"
done
[ "$(grep -c heard "$DIR/world-gateway.log")" -eq "$heard" ] ||
	fail 'the world was heard'
agent $CURL https://listed.test/ | expect 'hello from listed.test'
