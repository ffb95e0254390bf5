# What a request costs in each mode, and in nginx ending TLS with one fixed
# certificate: processor time of all processes of the gateway for a new
# connection with one GET, for a GET on connections that are kept, and for a
# GiB, as a Markdown table. All is on one processor: spread over more, waking up
# costs more than the work. Not a test: it asserts nothing.
#
#	SLUICE_BIN=build/release/bin sh tests/bench/http.sh [ROUNDS]
#
# The servers take turns, ROUNDS times, and the table has the medians. The ratio
# is that to the processor time of client and origin in the same run, which
# varies less between machines and hours than the times do. nginx is asked at
# its own address, without the rules that it would need in the gateway's place,
# and keeps no record.

ROUNDS=${1:-3}
NEW=${SLUICE_BENCH_NEW:-1500} KEPT=${SLUICE_BENCH_KEPT:-19200}
MIB=${SLUICE_BENCH_MIB:-512}
taskset -cp 0 $$ >/dev/null
. "${0%/*}/../e2e/lib.sh"
need nginx dig
# The capture of all that is sent would cost more than what is measured.
kill $(ip netns pids "$WORLD")
PIDS=

world_serves read.test spliced.test
ORIGIN=${PIDS#* } ORIGIN=${ORIGIN%% *}
mkdir -p "$DIR/files"
truncate -s "${MIB}M" "$DIR/files/bulk"
WORKERS=1
manifest 'routes: [{host: read.test}, {host: spliced.test, tls: splice}]'
# Two certificates: of the gateway, and of the world.
agent sh -c 'cat "$NODE_EXTRA_CA_CERTS"' >"$DIR/bundle"
cat "$DIR/world-ca.pem" >>"$DIR/bundle"

# A place for another server, beside the gateway's.
PEER=sl-p$ID
MACHINES="$MACHINES $PEER"
ip netns add "$PEER"
ip link add eth1 netns "$AGENT" type veth peer name int0 netns "$PEER"
ip link add up0 netns "$PEER" type veth peer name eth1 netns "$WORLD"
ip -n "$AGENT" addr add 10.78.0.2/30 dev eth1
ip -n "$PEER" addr add 10.78.0.1/30 dev int0
ip -n "$PEER" addr add 10.79.0.1/30 dev up0
ip -n "$WORLD" addr add 10.79.0.2/30 dev eth1
ip -n "$AGENT" link set eth1 up
ip -n "$PEER" link set int0 up
ip -n "$PEER" link set up0 up
ip -n "$WORLD" link set eth1 up
# All but the ways back is local there, and taken first.
ip -n "$WORLD" route add 10.79.0.1 dev eth1 table local

world_certificate peer read.test
cat >"$DIR/peer.conf" <<-END
	daemon off; master_process off; pid $DIR/peer.pid;
	events { worker_connections 8192; }
	http {
		access_log off;
		client_body_temp_path $DIR/nginx; proxy_temp_path $DIR/nginx;
		fastcgi_temp_path $DIR/nginx; uwsgi_temp_path $DIR/nginx;
		scgi_temp_path $DIR/nginx;
		proxy_http_version 1.1;
		proxy_set_header Connection "";
		proxy_set_header Host read.test;
		proxy_max_temp_file_size 0;
		proxy_ssl_trusted_certificate $DIR/world-ca.pem;
		proxy_ssl_verify on; proxy_ssl_name read.test;
		proxy_ssl_server_name on; proxy_ssl_protocols TLSv1.3;
		upstream tls { server 10.79.0.2:443; keepalive 64; }
		upstream clear { server 10.79.0.2:80; keepalive 64; }
		server {
			listen 443 ssl; ssl_protocols TLSv1.2 TLSv1.3;
			ssl_certificate $DIR/peer.pem;
			ssl_certificate_key $DIR/peer.key;
			location / { proxy_pass https://tls; }
		}
		server {
			listen 80;
			location / { proxy_pass http://clear; }
		}
	}
END
background peer.log ip netns exec "$PEER" nginx -c "$DIR/peer.conf" -p "$DIR" \
	-e "$DIR/peer-error.log"
NGINX=${PIDS##* }
await in_agent $CURL -o /dev/null http://10.78.0.1/ || fail 'no nginx'

# The time on the processor of a process and its children, in us.
spent()
{
	total=0
	for pid in $1 $(pgrep -P "$1" || :); do
		read -r ran _ <"/proc/$pid/schedstat"
		total=$((total + ran / 1000))
	done
	echo $total
}

# measure SERVER PID ADDRESS NAME TLS WHAT: a line for the table to come.
measure()
{
	server=$1 pid=$2 address=$3 name=$4
	[ "$5" = tls ] && port=443 trust="-c $DIR/bundle" || port=80 trust=
	case $6 in
	new) set -- "$6" new / "$NEW" ;;
	kept) set -- "$6" kept / "$KEPT" 32 ;;
	bulk) set -- "$6" new /files/bulk 1 ;;
	esac
	what=$1 mode=$2
	shift 2
	# The answer keeps the name's address in use.
	in_agent dig +short @10.77.0.1 "$name" >/dev/null
	gateway=$(spent "$pid") origin=$(spent "$ORIGIN")
	# shellcheck disable=SC2086
	in_agent "$BIN/bench_http" $trust $mode "$address" $port "$name" "$@" \
		>"$DIR/client"
	gateway=$(($(spent "$pid") - gateway))
	origin=$(($(spent "$ORIGIN") - origin))
	read -r operations bytes client <"$DIR/client"
	[ "$what" = bulk ] && operations=$MIB
	echo "$server $what $gateway $operations $((client + origin))" \
		>>"$DIR/measured"
}

for round in $(seq "$ROUNDS"); do
	for what in new kept bulk; do
		measure sluice,splice "$GATEWAY_PID" \
			"$(world_address spliced.test)" spliced.test tls $what
		measure sluice,intercept "$GATEWAY_PID" \
			"$(world_address read.test)" read.test tls $what
		measure nginx,ending-TLS "$NGINX" 10.78.0.1 read.test tls $what
		measure sluice,plain-HTTP "$GATEWAY_PID" \
			"$(world_address read.test)" read.test clear $what
		measure nginx,plain-HTTP "$NGINX" 10.78.0.1 read.test clear \
			$what
	done
done

echo '| server | new connection us | ratio | kept alive us | ratio | s/GiB | ratio |'
echo '|---|---|---|---|---|---|---|'
sort -k1,2 "$DIR/measured" | awk '
	function median(list, n, i, j, t) {
		n = split(list, v, " ")
		for (i = 1; i <= n; i++)
			for (j = i + 1; j <= n; j++)
				if (v[j] + 0 < v[i] + 0) {
					t = v[i]; v[i] = v[j]; v[j] = t
				}
		return v[int((n + 1) / 2)]
	}
	{
		# A GiB has 1024 operations of a MiB.
		each = $2 == "bulk" ? $3 * 1024 / $4 / 1e6 : $3 / $4
		cost[$1, $2] = cost[$1, $2] " " each
		ratio[$1, $2] = ratio[$1, $2] " " $3 / $5
		servers[$1]
	}
	END {
		for (s in servers) {
			name = s
			gsub(",", ", ", name)
			printf "| %s | %.0f | %.2f | %.1f | %.2f | %.2f | %.2f |\n",
				name, median(cost[s, "new"]),
				median(ratio[s, "new"]), median(cost[s, "kept"]),
				median(ratio[s, "kept"]), median(cost[s, "bulk"]),
				median(ratio[s, "bulk"])
		}
	}' | sort
