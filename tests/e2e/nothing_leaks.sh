# After thousands of connections of every kind the gateway's processes hold
# what they held after a hundred: as many descriptors, as much memory.
. "${0%/*}/peers_lib.sh"

need dig
# Sanitized builds are slow, and keep freed memory for a while on purpose.
grep -q __asan_init "$BIN/sluice-gateway" && sanitized=yes || sanitized=no
if [ $sanitized = yes ]; then
	export ASAN_OPTIONS=detect_leaks=1:quarantine_size_mb=1
	ASAN_OPTIONS=$ASAN_OPTIONS:thread_local_quarantine_size_kb=16
	round=${SLUICE_CONNECTIONS:-1000} slack_kb=12288 creep_kb=4096
else
	round=${SLUICE_CONNECTIONS:-5000} slack_kb=3072 creep_kb=64
fi

need nginx
_world_name raw.test
world_serves listed.test spliced.test unlisted.test
background world-tcp.log in_world python3 "$here/peer.py" tcp 7000
routes='routes:
  - host: listed.test
  - {host: spliced.test, tls: splice}
  - {host: raw.test, ports: 7000, tls: none}'
manifest "$routes"

cat >"$DIR/raw.py" <<'END'
import sys
from peer import *
for i in range(int(sys.argv[1])):
    link = connect("raw.test", 7000, (socket.AF_INET, socket.AF_INET6)[i % 2],
                   False)
    link.sendall(b"\0some bytes")
    assert link.recv(64)
    if i % 3:  # the others just leave
        half_close(link)
        while link.recv(4096):
            pass
    link.close()
END
cat >"$DIR/load" <<'END'
set -e
many="curl -sS --max-time 60 --parallel --parallel-max 16 -o /dev/null
	--cacert $2/bundle -H Connection:close"
# Two certificates: curl reads them anew for each connection.
cat "$2/world-ca.pem" "$NODE_EXTRA_CA_CERTS" >"$2/bundle"
tenth=$(($1 / 10))
$many "https://listed.test/[1-$((tenth * 2))]"
$many "https://spliced.test/[1-$((tenth * 2))]"
$many "https://unlisted.test/[1-$tenth]"
$many "http://unlisted.test/[1-$tenth]"
$many "http://listed.test/[1-$tenth]"
# At an address that the name was never given.
$many --resolve listed.test:443:203.0.113.9 \
	"https://listed.test/[1-$((tenth / 10))]"
python3 "$2/raw.py" "$tenth"
for i in $(seq "$tenth"); do
	echo "listed.test A"
	echo "name$i.unlisted.test AAAA"
done >"$2/questions"
dig +tries=1 -f "$2/questions" >/dev/null
dig +tries=1 +tcp -f "$2/questions" >/dev/null
END

processes()
{
	echo "$GATEWAY_PID"
	cat "/proc/$GATEWAY_PID/task/$GATEWAY_PID/children" | tr ' ' '\n'
}

# One line for each process: its number, its descriptors, its memory in KiB.
held()
{
	for pid in $(processes); do
		echo "$pid $(ls "/proc/$pid/fd" | wc -l) $(awk \
			'/^Rss/ { print $2 }' "/proc/$pid/smaps_rollup")"
	done
}

all_closed()
{
	[ "$(held | cut -d' ' -f1,2)" = "$1" ]
}

run()
{
	agent sh "$DIR/load" "$1" "$DIR" >"$DIR/load.out" 2>&1 || {
		tail -n 20 "$DIR/load.out" >&2
		fail "of $1 connections, some failed"
	}
	# Of the origins' connections none outlives the manifest.
	manifest "$routes"
}

# Prints what each process holds beside what it held after a hundred
# connections and a round ago; true if none of them grew in this round. The
# heap takes some rounds to reach its size; what is lost grows in each.
settled()
{
	now=$(held)
	printf '%s\n' "$few" "$last" "$now" | awk -v slack="$slack_kb" \
		-v creep="$creep_kb" '
	{ kb[$1] = kb[$1] " " $3; fds[$1] = $2 }
	END {
		for (pid in kb) {
			split(kb[pid], at, " ")
			print "process " pid ": " fds[pid] " descriptors," \
				kb[pid] " KiB"
			if (at[3] > at[1] + slack || at[3] > at[2] + creep)
				grown = 1
		}
		exit grown
	}'
}

idle=$(held | cut -d' ' -f1,2)
run 100
# The last closing is not the load's to see.
await all_closed "$idle" || :
few=$(held)
open=$(echo "$few" | cut -d' ' -f1,2)
for rounds in 1 2 3 4 5 6 7 8; do
	last=$(held)
	run "$round"
	await all_closed "$open" || {
		printf 'before:\n%s\nafter:\n%s\n' "$few" "$(held)" >&2
		fail 'descriptors are left open'
	}
	[ "$rounds" -gt 1 ] && settled && break
	[ "$rounds" -lt 8 ] || fail 'memory grows with the connections'
done
[ "$(grep -c '"event":"connect"' "$DIR/audit.jsonl")" -gt "$round" ] ||
	fail 'there were not so many connections'
