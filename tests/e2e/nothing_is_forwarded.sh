# Nothing is forwarded even where somebody turned forwarding on behind the
# gateway's back, and nothing that the agent does to its own machine helps.
. "${0%/*}/lib.sh"

need python3 ping
world_serves listed.test
manifest 'routes: [{host: listed.test}]'
agent $CURL https://listed.test/ >/dev/null
in_gateway sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
# As root of its own machine, with every capability, and no sluice-init.
in_agent ip addr add 10.77.0.3/24 dev eth0
in_agent ip route replace default via 10.77.0.1
in_agent ip route replace 93.184.216.0/24 via 10.77.0.1
in_agent ip -6 route replace default via fd73:6c75:6963:1::1 dev eth0
in_agent ip link set eth0 arp on
before=$(world_settled)
in_agent ping -c 1 -W 1 93.184.216.1 >/dev/null && fail 'an echo'
in_agent ping -c 1 -W 1 -I 10.77.0.3 93.184.216.1 >/dev/null && fail 'an echo'
in_agent /usr/bin/python3 - <<'EOF'
import socket
for address in ("93.184.216.1", "2606:2800:220:1::1"):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        for port in (22, 80, 443, 9999):
            for mark in (0, 1, 0x2000):
                with socket.socket(family, kind) as s:
                    s.settimeout(0.1)
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
                    try:
                        s.connect((address, port))
                        s.send(b"GET /unlisted HTTP/1.0\r\n\r\n")
                        got = s.recv(100)
                        assert b"hello" not in got, got
                    except OSError:
                        pass
EOF
[ "$(world_settled)" -eq "$before" ] || fail 'something was forwarded'
world_heard_nothing_of unlisted
