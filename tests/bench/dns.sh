# What a DNS question costs, here and in dnsmasq and unbound: questions per
# second, processor time per question of all processes of the server, and the
# 99th percentile, as a Markdown table. Each answers the same questions from
# the same namespace to the same dnsperf. Not a test: it asserts nothing.
#
#	SLUICE_BIN=build/release/bin sh tests/bench/dns.sh [SECONDS]
#
# "cached" is one name that is allowed and known; "refused" are 1000 names that
# are not: for dnsmasq and unbound, names they have been told do not exist. The
# gateway writes its record of either; the others keep none.

SECONDS_EACH=${1:-5}
. "${0%/*}/../e2e/lib.sh"
need dnsperf unbound dnsmasq

world_serves listed.test
manifest "$(printf 'refusals: terse\nroutes: [{host: listed.test}]')"
ADDRESS=$(world_address listed.test)

echo 'listed.test A' >"$DIR/cached"
for i in $(seq 1000); do echo "n$i.refused.test A"; done >"$DIR/refused"

# Those of a process and its children, in clock ticks.
ticks()
{
	total=0
	for pid in $1 $(pgrep -P "$1"); do
		set -- $(sed 's/.*) //' "/proc/$pid/stat")
		total=$((total + ${12} + ${13}))
	done
	echo $total
}

# measure NAME PID ADDRESS PORT QUESTIONS
measure()
{
	in_agent dnsperf -s "$3" -p "$4" -d "$DIR/$5" -l 1 -c 8 -q 64 \
		>/dev/null 2>&1
	before=$(ticks "$2")
	in_agent dnsperf -s "$3" -p "$4" -d "$DIR/$5" -l "$SECONDS_EACH" \
		-c 8 -q 64 -O latency-histogram >"$DIR/perf" 2>&1
	after=$(ticks "$2")
	awk -v name="$1" -v what="$5" -v ticks=$((after - before)) \
		-v hz="$(getconf CLK_TCK)" '
		/Queries completed/ { done = $3 }
		/Queries lost/ { lost = $3 }
		/Queries per second/ { rate = $4 }
		/^ *[0-9.]+ *- *[0-9.]+: *[0-9]+/ {
			n = split($0, part, /[-: ]+/)
			edge[++rows] = part[n - 1]; count[rows] = part[n]
			total += part[n]
		}
		END {
			for (i = 1; i <= rows && sum < total * 0.99; i++)
				sum += count[i]
			printf "| %s | %s | %d | %.1f | %s | %d |\n", name, what,
				rate, ticks * 1e6 / hz / done,
				rows ? sprintf("%.2f", edge[i - 1] * 1000) : "-",
				lost
		}' "$DIR/perf"
}

background peer-dnsmasq.log in_gateway dnsmasq --keep-in-foreground \
	--conf-file=/dev/null --no-resolv --no-hosts --port=5301 \
	--listen-address=10.77.0.1 --bind-interfaces --user=root --pid-file= \
	--cache-size=10000 --server=/listed.test/93.184.216.53 \
	--local=/refused.test/
DNSMASQ=$!
cat >"$DIR/unbound.conf" <<-END
	server:
		interface: 10.77.0.1
		port: 5302
		access-control: 0.0.0.0/0 allow
		num-threads: 1
		do-daemonize: no
		use-syslog: no
		username: ""
		chroot: ""
		directory: "$DIR"
		pidfile: ""
		module-config: "iterator"
		local-zone: "refused.test." always_nxdomain
		local-zone: "test." transparent
	forward-zone:
		name: "listed.test."
		forward-addr: 93.184.216.53
END
background peer-unbound.log in_gateway unbound -c "$DIR/unbound.conf"
UNBOUND=$!
# The agent's packets for other ports are refused: let these two by.
for port in 5301 5302; do
	await in_gateway dig +time=1 +tries=1 @10.77.0.1 -p $port listed.test
done

echo '| server | questions | per second | CPU us each | p99 ms | lost |'
echo '|---|---|---|---|---|---|'
for what in cached refused; do
	measure sluice "$GATEWAY_PID" 10.77.0.1 53 $what
	measure dnsmasq $DNSMASQ 10.77.0.1 5301 $what
	measure unbound $UNBOUND 10.77.0.1 5302 $what
done
