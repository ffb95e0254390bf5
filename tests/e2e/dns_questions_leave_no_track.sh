# Questions to the gateway itself take no place in the kernel's connection
# table, however many there are; those to others, which are redirected, do.
# Nobody can tell the difference.
. "${0%/*}/dns_lib.sh"

world_serves listed.test
manifest 'routes: [{host: listed.test}]'

tracks()
{
	in_gateway cat /proc/sys/net/netfilter/nf_conntrack_count
}

cat >"$DIR/many.py" <<'END2'
import sys
from dns_peer import *

# Each from a port of its own, as stub resolvers do.
for i in range(int(sys.argv[2])):
    got = Message(over_udp(sys.argv[1], query("listed.test", A, i)))
    assert got.addresses == ["93.184.216.101"], got.addresses
END2

before=$(tracks)
for server in 10.77.0.1 fd73:6c75:6963:1::1; do
	agent python3 "$DIR/many.py" "$server" 200
done
[ $(($(tracks) - before)) -lt 50 ] ||
	fail "questions are tracked: $before before, $(tracks) after"
for server in 192.0.2.53 2001:db8::53; do
	agent python3 "$DIR/many.py" "$server" 100
done
[ $(($(tracks) - before)) -ge 200 ] ||
	fail 'it does not show here whether questions are tracked'

agent_does <<'END2'
from dns_peer import *

SO_NO_CHECK = 11
WHERE = [(socket.AF_INET, GATEWAYS[0]), (socket.AF_INET6, GATEWAYS[1])]

# Without a checksum, which IPv4 lets one do.
link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
link.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
link.settimeout(PATIENCE)
link.connect((GATEWAYS[0], 53))
link.send(query("listed.test", A, 7))
assert Message(link.recv(4096)).addresses == ["93.184.216.101"]

# One that has gone before its answer says so; that is no news.
for family, server in WHERE:
    for i in range(20):
        gone = socket.socket(family, socket.SOCK_DGRAM)
        gone.connect((server, 53))
        gone.send(query("listed.test", A, i))
        gone.close()
    over_udp(server, query("listed.test", A, 99))

# Neither port of the resolver's is there for who calls it by its number.
for family, server in WHERE:
    for port in (15053, 15054):
        link = socket.socket(family, socket.SOCK_DGRAM)
        link.settimeout(PATIENCE)
        link.connect((server, port))
        link.send(query("listed.test"))
        try:
            fail = link.recv(4096)
        except OSError as error:
            fail = None
            assert not isinstance(error, TimeoutError), error
        assert fail is None, fail
END2
audit_has '"reason":"protocol_refused"' '"port":15054' '"address":"fd73'
[ "$(grep -c '"reason":"protocol_refused"' "$DIR/audit.jsonl")" -eq 4 ] ||
	fail "$(grep protocol_refused "$DIR/audit.jsonl")"
