# The gateway's own ports are not ways in: a connection straight to one, to any
# address of the gateway's, or that the kernel cannot account for, is reset and
# recorded, and the listeners go on.
. "${0%/*}/lib.sh"

need python3 nft
world_serves listed.test
manifest 'routes:
  - host: listed.test
  - {cidr: 10.77.0.0/30, ports: [22, 15001], private: true}
  - {cidr: "fd73:6c75:6963:1::/126", ports: [22, 15001], private: true}
  - {cidr: 93.184.216.2/32, ports: [22, 15001]}
  - {cidr: "2606:2800:220:1::2/128", ports: [22, 15001]}'
agent $CURL https://listed.test/ | expect 'hello from listed.test'
others="not host $(world_address listed.test) and
	not host 2606:2800:220:1::101 and not port 53"
before=$(world_settled "$others")

# Even where a route lists them: the one that the agent knows, and the others.
cat >"$DIR/straight.py" <<'END'
import socket, sys

for address in sys.argv[1:]:
    for port in (15001, 15053, 22, 443, 8080):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as s:
            s.settimeout(10)
            try:
                s.connect((address, port))
                s.sendall(b"GET /straight HTTP/1.1\r\nHost: a.test\r\n\r\n")
                got = s.recv(1000)
            except ConnectionError:
                continue
            # Where it might be a listed name's address there are words.
            if address in ("10.77.0.1", "fd73:6c75:6963:1::1") or \
                    not got.startswith(b"HTTP/1.1 403 "):
                sys.exit("%s %d: %r" % (address, port, got))
END
agent python3 "$DIR/straight.py" 10.77.0.1 fd73:6c75:6963:1::1 93.184.216.2 \
	2606:2800:220:1::2 || fail 'see above'
for port in 22 15001 15053; do
	for address in 10.77.0.1 fd73:6c75:6963:1::1; do
		audit_has '"event":"connect"' '"verdict":"deny"' \
			'"reason":"gateway_itself"' \
			"\"address\":\"$address\"" "\"port\":$port"
	done
done

# Somebody keeps connections from being tracked: nobody knows where these were
# headed. (The agent's own would not come this far.)
in_gateway nft 'add table inet third
	add chain inet third out { type filter hook output priority -300; }
	add chain inet third in { type filter hook prerouting priority -300; }
	add rule inet third out oif lo notrack
	add rule inet third in iif lo notrack'
agent $CURL https://listed.test/ | expect 'hello from listed.test'
cat >"$DIR/untracked.py" <<'END'
import socket, sys
for address in ("127.0.0.1", "::1", "10.77.0.1", "fd73:6c75:6963:1::1"):
    for _ in range(100):
        try:
            with socket.create_connection((address, 15001), 10) as s:
                sys.exit("%s: %r and no reset" % (address, s.recv(1)))
        except ConnectionResetError:
            pass
END
in_gateway /usr/bin/python3 "$DIR/untracked.py" || fail 'see above'
for agent in 127.0.0.1 ::1; do
	audit_has '"event":"connect"' '"verdict":"deny"' \
		'"reason":"destination_unknown"' "\"agent\":\"$agent\""
done
_all_recorded() { [ "$(grep -c '"destination_unknown"' \
	"$DIR/audit.jsonl")" -eq 400 ]; }
await _all_recorded || fail 'not each of them is recorded'
lines=$(grep -c 'lost where a connection was headed' "$DIR/gateway.log")
[ "$lines" -ge 1 ] && [ "$lines" -le 20 ] || fail "$lines lines in the log"

in_gateway nft delete table inet third
[ "$(world_settled "$others")" -eq "$before" ] ||
	fail 'something reached the world'
world_heard_nothing_of straight
agent $CURL https://listed.test/ | expect 'hello from listed.test'
