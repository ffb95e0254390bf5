# Both ends of every connection are watched by the kernel: who is gone without a
# word is found out within minutes, and nothing waits to be sent together.
. "${0%/*}/steady_lib.sh"

need ss
world_steadies spliced.test kept.test raw.test
manifest 'routes:
  - {host: spliced.test, ports: 9443, tls: splice}
  - {host: kept.test, ports: 9443}
  - {host: raw.test, ports: 9000, tls: none}'
hold spliced:get:spliced.test kept:keep:kept.test raw:line:raw.test
goes_on spliced kept raw

# Those of the agent's that nobody holds: over the other family, and mute.
cat >"$DIR/mute.py" <<'END'
import socket, sys, time
links = []
for family in socket.AF_INET, socket.AF_INET6:
    for name, port in ("spliced.test", 9443), ("kept.test", 9443), \
            ("raw.test", 9000):
        link = socket.socket(family)
        link.connect(socket.getaddrinfo(name, port, family)[0][4])
        links.append(link)
print("connected", flush=True)
time.sleep(60)
END
background mute.log agent $PYTHON "$DIR/mute.py"
await grep -q connected "$DIR/mute.log" || fail 'the agent did not connect'

cat >"$DIR/options.py" <<'END'
import ctypes, os, socket, sys

def connections(pid):
    """The worker's own TCP sockets, and where they lead."""
    with_pid = os.pidfd_open(pid)
    call = ctypes.CDLL(None, use_errno=True).syscall
    for fd in map(int, os.listdir("/proc/%d/fd" % pid)):
        link = "/proc/%d/fd/%d" % (pid, fd)
        try:
            if not os.readlink(link).startswith("socket:"):
                continue
        except OSError:
            continue
        mine = call(438, with_pid, fd, 0)  # pidfd_getfd
        if mine < 0:
            sys.exit("pidfd_getfd: errno %d" % ctypes.get_errno())
        s = socket.socket(fileno=mine)
        if s.family in (socket.AF_INET, socket.AF_INET6) and \
                s.type == socket.SOCK_STREAM and not s.getsockopt(
                    socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            yield s

WANTED = {
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE): 1,
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE): 30,
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL): 10,
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT): 3,
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT): 90000,
    (socket.IPPROTO_TCP, socket.TCP_NODELAY): 1,
}
seen = set()
for pid in map(int, sys.argv[1:]):
    for s in connections(pid):
        try:
            peer = s.getpeername()
        except OSError:
            continue  # it has just ended
        agent = peer[0] in ("10.77.0.2", "fd73:6c75:6963:1::2")
        for (level, name), value in WANTED.items():
            if s.getsockopt(level, name) != value:
                sys.exit("%s: option %d is %d" % (
                    peer, name, s.getsockopt(level, name)))
        seen.add((s.family, "agent" if agent else peer[1]))
print(sorted((family.name, str(where)) for family, where in seen))
for family in socket.AF_INET, socket.AF_INET6:
    if (family, "agent") not in seen:
        sys.exit("none of the agent's in %s" % family)
if not {port for _, port in seen} >= {9443, 9000}:
    sys.exit("not every origin is there")
END
$PYTHON "$DIR/options.py" $(children $WORKER) || fail 'see above'

# The kernel does it: each that is silent has its timer.
in_gateway ss -tnoH state established | grep -v keepalive | grep -v 'timer:(on' \
	>"$DIR/untimed" || :
[ ! -s "$DIR/untimed" ] || fail "no timer: $(cat "$DIR/untimed")"
