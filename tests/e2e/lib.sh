# lib.sh - three machines for a test: agent, gateway, world
#
#	agent 10.77.0.2 ---- 10.77.0.1 gateway 93.184.216.2 ---- world
#	fd73:6c75:6963:1::2	 ::1	2606:2800:220:1::2
#
# They are network namespaces, made when this file is sourced and removed when
# the test ends, however it ends. The world's addresses look public, so that
# manifests need no `private: true`; nothing outside the namespaces is reached.
#
# The world runs real servers: dnsmasq, nginx, whatever a test adds. Its packet
# capture and their logs are the witness for what did not arrive.
#
# A test reads as its scenario: say `world_serves ...`, `manifest '...'`, then
# `agent COMMAND...`. The first thing that is not as it should be ends it.

set -eu
. "${0%/*}/../e2e/browsers_lib.sh"

ID=$$
AGENT=sl-a$ID GATEWAY=sl-g$ID WORLD=sl-w$ID
MACHINES="$AGENT $GATEWAY $WORLD" # a test may make more
BIN=${SLUICE_BIN:?SLUICE_BIN must name the folder of the programs}
DIR=$(mktemp -d "${TMPDIR:-/tmp}/sluice-e2e.XXXXXX")
PIDS=
CURL='curl -sS --max-time 10'

skip()
{
	echo "SKIP: $*"
	exit 77
}

fail()
{
	echo "FAILED: $*" >&2
	exit 1
}

need()
{
	for tool; do
		command -v "$tool" >/dev/null || skip "no $tool on this machine"
	done
}

in_agent() { ip netns exec "$AGENT" "$@"; }
in_gateway() { ip netns exec "$GATEWAY" "$@"; }
in_world() { ip netns exec "$WORLD" "$@"; }

# Runs in the background until the test ends; its output goes to a log.
background()
{
	log=$1
	shift
	"$@" >"$DIR/$log" 2>&1 </dev/null &
	PIDS="$PIDS $!"
}

# Repeats a condition until it holds, for at most about ten seconds.
await()
{
	tries=200
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05
	done
}

_end()
{
	status=$?
	trap - EXIT INT TERM
	set +e
	if [ -n "${GATEWAY_PID:-}" ]; then
		kill -TERM "$GATEWAY_PID" 2>/dev/null
		wait "$GATEWAY_PID"
		ended=$?
		if [ $status -eq 0 ] && [ $ended -ne 0 ]; then
			echo "FAILED: the gateway ended with status $ended" >&2
			status=1
		fi
	fi
	# A function in the background is a shell that waits for its program, so
	# ending $PIDS is not enough: whatever is left in there was ours too.
	for pid in $PIDS $(for ns in $MACHINES; do
		ip netns pids "$ns" 2>/dev/null
	done); do
		kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	if [ $status -eq 0 ] && [ -z "${DEATHS_EXPECTED:-}" ] &&
		grep -q 'supervise: .* (pid [0-9]*) ended' "$DIR/gateway.log" 2>/dev/null; then
		echo 'FAILED: a process of the gateway died' >&2
		status=1
	fi
	if grep -Eq 'ERROR: (Address|Leak|Undefined)|runtime error:' \
		"$DIR"/gateway*.log 2>/dev/null; then
		echo 'FAILED: a sanitizer spoke' >&2
		status=1
	fi
	if [ $status -ne 0 ] && [ $status -ne 77 ]; then
		echo '--- gateway' >&2
		tail -n 40 "$DIR/gateway.log" >&2
		echo '--- audit' >&2
		tail -n 20 "$DIR/audit.jsonl" >&2
		echo '--- the last that the world heard' >&2
		tcpdump -r "$DIR/world.pcap" -n 2>/dev/null | tail -n 20 >&2
	fi
	for ns in $MACHINES; do
		ip netns del "$ns" 2>/dev/null
	done
	awk -v dir="$DIR/" 'index($2, dir) == 1 { print $2 }' /proc/mounts |
		tac | xargs -r umount
	rm -rf "$DIR"
	exit $status
}

# --- the machines ---

_make()
{
	for ns in "$AGENT" "$GATEWAY" "$WORLD"; do
		ip netns add "$ns"
		ip -n "$ns" link set lo up
	done
	ip link add eth0 netns "$AGENT" type veth peer name int0 netns "$GATEWAY"
	ip link add up0 netns "$GATEWAY" type veth peer name eth0 netns "$WORLD"
	ip -n "$AGENT" addr add 10.77.0.2/30 dev eth0
	ip -n "$AGENT" addr add fd73:6c75:6963:1::2/126 dev eth0 nodad
	ip -n "$GATEWAY" addr add 10.77.0.1/30 dev int0
	ip -n "$GATEWAY" addr add fd73:6c75:6963:1::1/126 dev int0 nodad
	ip -n "$GATEWAY" addr add 93.184.216.2/24 dev up0
	ip -n "$GATEWAY" addr add 2606:2800:220:1::2/64 dev up0 nodad
	ip -n "$WORLD" addr add 93.184.216.1/24 dev eth0
	ip -n "$WORLD" addr add 93.184.216.53/24 dev eth0
	ip -n "$WORLD" addr add 2606:2800:220:1::1/64 dev eth0 nodad
	ip -n "$AGENT" link set eth0 up
	ip -n "$GATEWAY" link set int0 up
	ip -n "$GATEWAY" link set up0 up
	ip -n "$WORLD" link set eth0 up
	# Where a packet of the agent's would go if the gateway forwarded it.
	ip -n "$GATEWAY" route add default via 93.184.216.1
	ip -n "$GATEWAY" -6 route add default via 2606:2800:220:1::1 dev up0
	# And a world that would answer it, whoever it was meant for: everything
	# but the way back is local there. Its own table of local addresses is
	# the only one that also lets it answer from them.
	ip -n "$WORLD" route add 93.184.216.2 dev eth0 table local
	ip -n "$WORLD" route add 10.77.0.0/30 via 93.184.216.2 table local
	ip -n "$WORLD" route add local 0.0.0.0/0 dev lo table local
	ip -n "$WORLD" -6 route add fe80::/10 dev eth0 table local
	ip -n "$WORLD" -6 route add 2606:2800:220:1::2 dev eth0 table local
	ip -n "$WORLD" -6 route add fd73:6c75:6963:1::/126 \
		via 2606:2800:220:1::2 dev eth0 table local
	ip -n "$WORLD" -6 route add local ::/0 dev lo table local
}

# --- the world ---

# world_name NAME: prints its address, the same each time. All of the world's
# names are in DNS as soon as they have one.
world_address()
{
	n=$(grep -n -x -F -- "$1" "$DIR/names" | cut -d: -f1)
	[ -n "$n" ] || fail "the world does not know $1"
	echo "93.184.216.$((100 + n))"
}

_world_name()
{
	# A test may have said itself where the name leads to.
	grep -q -x -- ".* $1" "$DIR/hosts" && return
	echo "$1" >>"$DIR/names"
	n=$(wc -l <"$DIR/names")
	ip -n "$WORLD" addr add "93.184.216.$((100 + n))/24" dev eth0
	ip -n "$WORLD" addr add "2606:2800:220:1::$((100 + n))/64" dev eth0 nodad
	echo "93.184.216.$((100 + n)) $1" >>"$DIR/hosts"
	echo "2606:2800:220:1::$((100 + n)) $1" >>"$DIR/hosts"
}

_world_ca()
{
	[ -e "$DIR/world-ca.pem" ] && return
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-days 30 -subj '/CN=the world' -keyout "$DIR/world-ca.key" \
		-out "$DIR/world-ca.pem" \
		-addext 'keyUsage=critical,keyCertSign,cRLSign' 2>/dev/null
}

# world_certificate FILE NAME...: FILE.pem and FILE.key, by the world's CA.
world_certificate()
{
	file=$1
	shift
	_world_ca
	san=$(printf 'DNS:%s,' "$@")
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-subj "/CN=$(printf %.64s "$1")" -addext "subjectAltName=${san%,}" \
		-keyout "$DIR/$file.key" -out "$DIR/$file.csr" 2>/dev/null
	openssl x509 -req -in "$DIR/$file.csr" -CA "$DIR/world-ca.pem" \
		-CAkey "$DIR/world-ca.key" -days 30 -copy_extensions copyall \
		-out "$DIR/$file.pem" 2>/dev/null
}

# world_serves NAME...: each with an address of its own, HTTP on port 80 and
# HTTPS on 443 and 8443; the answer is "hello from NAME". $DNSMASQ has what more
# its resolver is to be told, $LOCATIONS what more nginx; with $HTTP2 set it
# offers that on port 443.
world_serves()
{
	need nginx dnsmasq openssl
	for name; do
		_world_name "$name"
		world_certificate "$name" "$name"
		cat >>"$DIR/servers.conf" <<-EOF
			server {
				listen 80; listen [::]:80;
				listen 443 ssl${HTTP2:+ http2};
				listen [::]:443 ssl${HTTP2:+ http2};
				listen 8443 ssl; listen [::]:8443 ssl;
				server_name $name;
				ssl_certificate $DIR/$name.pem;
				ssl_certificate_key $DIR/$name.key;
				location / { return 200 "hello from $name\n"; }
				location /files/ { alias $DIR/files/; }
				location /echo { proxy_pass http://unix:$DIR/echo.sock; }
				${LOCATIONS:-}
			}
		EOF
	done
	# nginx gives the folder to its own user.
	mkdir -p "$DIR/files" "$DIR/nginx"
	world_certificate unnamed unnamed.test
	cat >"$DIR/nginx.conf" <<-EOF
		daemon off; master_process off; pid $DIR/nginx.pid;
		error_log $DIR/nginx-error.log info;
		events { worker_connections 8192; }
		http {
			access_log $DIR/nginx.log combined;
			log_format combined2 '\$host \$request';
			client_body_temp_path $DIR/nginx;
			proxy_temp_path $DIR/nginx;
			fastcgi_temp_path $DIR/nginx;
			uwsgi_temp_path $DIR/nginx;
			scgi_temp_path $DIR/nginx;
			client_max_body_size 0;
			ssl_protocols TLSv1.2 TLSv1.3;
			server_names_hash_bucket_size 128;
			server {
				listen 80 default_server;
				listen [::]:80 default_server;
				listen 443 ssl${HTTP2:+ http2} default_server;
				listen [::]:443 ssl${HTTP2:+ http2} default_server;
				listen 8443 ssl default_server;
				listen [::]:8443 ssl default_server;
				server_name _;
				ssl_certificate $DIR/unnamed.pem;
				ssl_certificate_key $DIR/unnamed.key;
				location / { return 200 "hello from nobody in particular\n"; }
			}
			include $DIR/servers.conf;
		}
	EOF
	background nginx.out in_world nginx -c "$DIR/nginx.conf" -p "$DIR" \
		-e "$DIR/nginx-error.log"
	background dnsmasq.log in_world dnsmasq --keep-in-foreground \
		--conf-file=/dev/null --no-resolv --no-hosts --no-daemon \
		--addn-hosts="$DIR/hosts" --log-queries --log-facility=- \
		--listen-address=93.184.216.53 --bind-interfaces \
		--cache-size=0 --local-ttl=60 --user=root --pid-file= \
		${DNSMASQ:-}
	await in_world $CURL -o /dev/null "http://93.184.216.1/" ||
		fail 'nginx did not start'
	await grep -q started "$DIR/dnsmasq.log" || fail 'dnsmasq did not start'
}

# Everything that arrives at the world, but neighbour discovery and what hosts
# say of multicast groups.
world_listens()
{
	background tcpdump.log in_world tcpdump -i eth0 --immediate-mode \
		-Q in -U -s 0 -n \
		-w "$DIR/world.pcap" \
		'not arp and not dst host ff02::16 and
		not (icmp6 and ip6[40] >= 133 and ip6[40] <= 137)'
	await grep -q listening "$DIR/tcpdump.log" || fail 'tcpdump did not start'
}

# Waits until the capture has all that has arrived so far: what the gateway's
# machine sends now comes after it.
FENCE='udp dst port 9 and src host 93.184.216.2 and udp[8:4] = 0x66656e63'
_world_has_heard_all()
{
	mark="fence $(date +%s%N)."
	in_gateway bash -c "printf %s '$mark' >/dev/udp/93.184.216.1/9" ||
		fail 'the capture cannot be fenced'
	await grep -a -q -F "$mark" "$DIR/world.pcap" ||
		fail 'the capture is deaf'
}

# world_heard WORD: whether any packet or any server's log has it.
world_heard()
{
	_world_has_heard_all
	grep -a -i -q -- "$1" "$DIR/world.pcap" || grep -i -q -- "$1" \
		"$DIR/nginx.log" "$DIR/nginx-error.log" "$DIR/dnsmasq.log" \
		"$DIR"/world-*.log 2>/dev/null
}

world_heard_nothing_of()
{
	for word; do
		! world_heard "$word" || fail "the world heard of $word"
	done
}

# world_packets [FILTER...]: how many have arrived so far that tcpdump's FILTER is
# true of.
world_packets()
{
	_world_has_heard_all
	tcpdump -r "$DIR/world.pcap" -n "not ($FENCE)${1:+ and ($*)}" \
		2>/dev/null | wc -l
}

# The same, once what allowed connections still had to say has been said.
# What a worker asks about a listed name may have to be left out of it: each
# has answers of its own.
world_settled()
{
	last=
	now=$(world_packets "$@")
	tries=30
	while [ "$now" != "$last" ]; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail 'the world is never left in peace'
		sleep 0.3
		last=$now
		now=$(world_packets "$@")
	done
	echo "$now"
}

# --- the gateway ---

_gateway_reloaded()
{
	[ "$(grep -c '"event":"reload"' "$DIR/audit.jsonl")" -gt "$1" ]
}

# manifest TEXT: puts it in force, starting the gateway if it is not there, with
# the resolvers of $RESOLVER.
manifest()
{
	printf '%s\n' "$1" >"$DIR/manifest.yaml"
	if [ -n "${GATEWAY_PID:-}" ]; then
		before=$(grep -c '"event":"reload"' "$DIR/audit.jsonl" || true)
		kill -HUP "$GATEWAY_PID"
		await _gateway_reloaded "$before" || fail 'no reload'
		return
	fi
	_world_ca
	mkfifo "$DIR/ready"
	# The sanitizers must not slow what has deadlines, nor end on a signal.
	ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1} \
		ip netns exec "$GATEWAY" "$BIN/sluice-gateway" --internal int0 \
		--agent 10.77.0.2 --agent fd73:6c75:6963:1::2 \
		--manifest "$DIR/manifest.yaml" --audit "$DIR/audit.jsonl" \
		$(printf -- '--resolver %s ' ${RESOLVER:-93.184.216.53}) \
		--trust "$DIR/world-ca.pem" ${WORKERS:+--workers $WORKERS} \
		${SECRETS:+--secrets $SECRETS} ${GATEWAY_OPTIONS:-} \
		--ready-fd 9 --log-level "${LOG:-info}" \
		9>"$DIR/ready" >"$DIR/gateway.log" 2>&1 </dev/null &
	GATEWAY_PID=$!
	read -r word <"$DIR/ready" || word=
	[ "$word" = ready ] || fail 'the gateway did not start'
}

# --- the agent ---

# agent COMMAND...: as the agent, set up by sluice-init with $INIT_OPTIONS. It sees this
# machine's files; resolver and trust are laid over them.
agent()
{
	ip netns exec "$AGENT" unshare --mount sh -c '
		set -e
		mount --make-rprivate /
		mount -t tmpfs none /run
		for file in /etc/resolv.conf /etc/ssl/certs/ca-certificates.crt
		do
			mkdir -p "/run/laid${file%/*}"
			cat "$file" >"/run/laid$file" 2>/dev/null || :
			mount --bind "/run/laid$file" "$(realpath "$file")"
		done
		'"$LAY_BROWSERS"'
		exec "$0" "$@"' "$BIN/sluice-init" --gateway 10.77.0.1 \
		--gateway6 fd73:6c75:6963:1::1 ${INIT_OPTIONS:-} -- "$@"
}

agent_fails()
{
	if agent "$@" >"$DIR/out" 2>&1; then
		cat "$DIR/out" >&2
		fail "this was to fail: $*"
	fi
}

# ... | expect TEXT: it is there.
expect()
{
	cat >"$DIR/got"
	grep -q -- "$1" "$DIR/got" && return
	cat "$DIR/got" >&2
	fail "expected: $1"
}

# audit_has PATTERN...: one line has all of them. The record may lag a little.
_audit_line()
{
	lines=$(cat "$DIR/audit.jsonl")
	for pattern; do
		lines=$(printf '%s\n' "$lines" | grep -- "$pattern") || return 1
	done
}

audit_has()
{
	await _audit_line "$@" || fail "no audit line has all of: $*"
}

[ "$(id -u)" -eq 0 ] || skip 'making network namespaces needs root'
need ip unshare tcpdump curl bash
ip netns add "$AGENT" 2>/dev/null || skip 'no network namespaces here'
ip netns del "$AGENT"
trap _end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
: >"$DIR/names"
: >"$DIR/hosts"
: >"$DIR/servers.conf"
_make
world_listens
