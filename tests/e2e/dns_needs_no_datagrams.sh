# Where no datagram passes between agent and gateway, a stub on the agent's
# loopback asks over TCP: for every client, in both families, without privilege,
# for a bounded number at once, and no longer than the agent lives.
. "${0%/*}/lib.sh"

need dig nft python3
long=$(printf '%0200d' 0)
DNSMASQ="--txt-record=long.test,$long,$long,$long
	--server=/slow.test/93.184.216.99"
world_serves listed.test
background silence in_world python3 -c '
import socket, time
silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
silent.bind(("93.184.216.99", 53))
time.sleep(1000)'
manifest 'routes:
  - host: listed.test
  - host: slow.test
  - {host: long.test, dns: [TXT]}'
in_agent nft 'table inet cut {
	chain out { type filter hook output priority 0
		oifname eth0 meta l4proto udp drop
	}
}'
agent_fails $CURL --max-time 3 https://listed.test/

INIT_OPTIONS=--dns-over-tcp
agent cat /etc/resolv.conf | tr '\n' ' ' |
	expect '^nameserver 127.0.0.1 nameserver ::1 options edns0 $'
agent $CURL https://listed.test/ | expect 'hello from listed.test'
agent $CURL https://unlisted.test/ | expect name_not_listed
for how in @127.0.0.1 @::1 '@127.0.0.1 +tcp' '@::1 +tcp'; do
	agent dig $how +short listed.test | expect "$(world_address listed.test)"
done

# What is too long for a datagram is said to be, and then comes over TCP.
agent dig +noedns +ignore TXT long.test | expect 'flags: qr tc rd ra;'
agent dig +noedns TXT long.test | expect "\"$long\" \"$long\" \"$long\""
agent dig +bufsize=1232 +ignore TXT long.test | expect "\"$long\""

# More than there is room for are told at once, before the others are answered.
cat >"$DIR/ask.py" <<'END'
import socket
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.settimeout(30)
for number in range(40):
    asking.sendto(b"\0%c\1\0\0\1\0\0\0\0\0\0\4slow\4test\0\0\1\0\1" % number,
                  ("127.0.0.1", 53))
answers = [asking.recv(512) for _ in range(40)]
assert all(answer[3] & 15 == 2 for answer in answers), answers
assert [answer[1] for answer in answers[:8]] == list(range(32, 40)), answers
END
agent python3 "$DIR/ask.py"

# The process has nothing, cannot be looked into by its own user, and is gone
# when the agent is.
stub()
{
	for pid in $(ip netns pids "$AGENT"); do
		grep -q -x sluice-init "/proc/$pid/comm" && echo "$pid"
	done
}
mkfifo "$DIR/word"
INIT_OPTIONS='--dns-over-tcp --user nobody'
agent sh -c 'echo ready; read -r pid; grep -c . "/proc/$pid/status"
	head -c 1 "/proc/$pid/environ"; ls "/proc/$pid/fd"; echo end' \
	<"$DIR/word" >"$DIR/out" 2>&1 &
agent=$!
exec 8>"$DIR/word"
await grep -q ready "$DIR/out" || fail 'the agent does not start'
for line in '^Uid:	65534	65534	65534	65534' '^CapEff:	0000000000000000' \
	'^CapBnd:	0000000000000000' '^NoNewPrivs:	1'; do
	expect "$line" <"/proc/$(stub)/status"
done
stub >&8
wait $agent
expect '^end$' <"$DIR/out"
[ "$(grep -c 'Permission denied' "$DIR/out")" = 2 ] ||
	fail 'it can be looked into'
none_is_left() { [ -z "$(stub)" ]; }
await none_is_left || fail 'it outlives the agent'

# A gateway that is gone fails at once.
INIT_OPTIONS=--dns-over-tcp
agent sh -c 'echo ready; read -r word; dig listed.test' <"$DIR/word" \
	>"$DIR/out" 2>&1 &
agent=$!
exec 8>"$DIR/word"
await grep -q ready "$DIR/out" || fail 'the agent does not start'
DEATHS_EXPECTED=1
kill -KILL "$GATEWAY_PID"
wait "$GATEWAY_PID" || :
GATEWAY_PID=
echo go >&8
wait $agent
expect 'status: SERVFAIL' <"$DIR/out"
