# What a DNS question costs, here and in dnsmasq and unbound: questions per
# second, processor time per question of all processes of the server, and the
# 99th percentile, as a Markdown table. Each answers the same questions from
# the same namespace to the same dnsperf, all on one processor: spread over
# more, waking up costs more than answering. Not a test: it asserts nothing.
#
#	SLUICE_BIN=build/release/bin sh tests/bench/dns.sh [SECONDS]
#
# The gateway answers behind its rules, whatever server the agent believes to
# ask. The others are measured by themselves, and "redirected": behind the rule
# that they would need in its place.
#
# "cached" is one name that is allowed and known; "refused" are 1000 names that
# are not: for dnsmasq and unbound, names they have been told do not exist. The
# gateway writes its record of either; the others keep none.

SECONDS_EACH=${1:-5}
taskset -cp 0 $$ >/dev/null
. "${0%/*}/../e2e/lib.sh"
need dnsperf unbound dnsmasq dig nft

world_serves listed.test
manifest "$(printf 'refusals: terse\nroutes: [{host: listed.test}]')"
ADDRESS=$(world_address listed.test)

echo 'listed.test A' >"$DIR/cached"
for i in $(seq 1000); do echo "n$i.refused.test A"; done >"$DIR/refused"

# Those of a process and its children, in clock ticks.
ticks()
{
	total=0
	[ -e "/proc/$1/stat" ] || fail "it ended: $(cat "$DIR/peer.log")"
	for pid in $1 $(pgrep -P "$1" || :); do
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
		-c 8 -q 64 >"$DIR/perf" 2>&1
	after=$(ticks "$2")
	# At the same pace for all, or it would tell of the pace.
	in_agent dnsperf -s "$3" -p "$4" -d "$DIR/$5" -l 3 -c 8 -Q 2000 -v |
		awk '/^> NOERROR|^> NXDOMAIN/ { print $NF }' | sort -g \
		>"$DIR/times"
	p99=$(sed -n "$(($(wc -l <"$DIR/times") * 99 / 100 + 1))p" \
		"$DIR/times")
	awk -v name="$1" -v what="$5" -v ticks=$((after - before)) \
		-v hz="$(getconf CLK_TCK)" -v p99="$p99" '
		/Queries completed/ { done = $3 }
		/Queries lost/ { lost = $3 }
		/Queries per second/ { rate = $4 }
		/Response codes/ { codes = $3 " " $5 }
		END {
			printf "| %s | %s | %d | %.1f | %.2f | %d | %s |\n", name,
				what, rate, ticks * 1e6 / hz / done,
				p99 * 1000, lost, codes
		}' "$DIR/perf"
}

echo '| server | questions | per second | CPU us each | p99 ms at 2000/s | lost | answers |'
echo '|---|---|---|---|---|---|---|'
for what in cached refused; do
	measure sluice "$GATEWAY_PID" 10.77.0.1 53 $what
done

# Its rules outlive it, and let nobody else be asked.
kill "$GATEWAY_PID"
wait "$GATEWAY_PID" || fail 'the gateway did not end well'
GATEWAY_PID=
in_gateway nft flush ruleset

redirected()
{
	in_gateway nft -f - <<-END
		table inet peer {
			set allowed { type ipv4_addr; }
			chain steer {
				type nat hook prerouting priority dstnat
				iifname "int0" meta l4proto { tcp, udp } \
					th dport 53 redirect to :53
			}
		}
	END
}

# peer NAME COMMAND...: measures another server in the gateway's place.
peer()
{
	name=$1
	shift
	# Not by the function: the process must be the one that is measured.
	background peer.log ip netns exec "$GATEWAY" "$@"
	pid=${PIDS##* }
	await in_agent dig +time=1 +tries=1 @10.77.0.1 listed.test ||
		fail "$name did not start: $(cat "$DIR/peer.log")"
	for what in cached refused; do
		measure "$name" "$pid" 10.77.0.1 53 $what
	done
	kill "$pid"
	wait "$pid" || :
	PIDS=${PIDS% *}
}

dnsmasq="dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv
	--no-hosts --listen-address=10.77.0.1 --bind-interfaces --user=root
	--pid-file= --cache-size=10000 --dns-forward-max=1000
	--server=/listed.test/93.184.216.53 --local=/refused.test/"
cat >"$DIR/unbound.conf" <<-END
	server:
		interface: 10.77.0.1
		port: 53
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

# shellcheck disable=SC2086
peer dnsmasq $dnsmasq
peer unbound unbound -d -c "$DIR/unbound.conf"
redirected
# shellcheck disable=SC2086
peer 'dnsmasq, redirected' $dnsmasq
# shellcheck disable=SC2086
peer 'dnsmasq filling a set, redirected' $dnsmasq \
	--nftset=/listed.test/4#inet#peer#allowed
peer 'unbound, redirected' unbound -d -c "$DIR/unbound.conf"
