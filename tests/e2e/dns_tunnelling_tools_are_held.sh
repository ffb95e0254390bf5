# dns2tcp and iodine make a line out of any resolver that asks on. Through an
# allowed wildcard they get none, though it is their servers that are asked.
. "${0%/*}/tunnel_lib.sh"

need dns2tcpd dns2tcpc nc
SECONDS_RUN=20
WORD=said-through-the-tunnel
UP='Connection setup complete'
D2T=93.184.216.61 IODINE=93.184.216.62
ip -n "$WORLD" addr add $D2T/24 dev eth0
ip -n "$WORLD" addr add $IODINE/24 dev eth0
DNSMASQ="--server=/d.wild.test/$D2T --server=/t.wild.test/$IODINE"
world_serves listed.test a.wild.test

# dns2tcp IN RESOLVER TYPE PORT: a word into a tunnel, for some time.
dns2tcp()
{
	background "dns2tcpc-$1-$3.log" "$1" timeout $SECONDS_RUN \
		dns2tcpc -c -T "$3" -r said -z d.wild.test -l "$4" "$2"
	await grep -q 'Listening' "$DIR/dns2tcpc-$1-$3.log"
	echo $WORD >"$DIR/word"
	"$1" timeout $((SECONDS_RUN / 2)) nc 127.0.0.1 "$4" <"$DIR/word" || :
}

# iodine IN RESOLVER [OPTION...]: tries to bring a tunnel up, for some time.
iodine()
{
	in=$1 to=$2
	shift 2
	"$in" timeout $SECONDS_RUN iodine -f -r -P secret "$@" "$to" \
		t.wild.test >>"$DIR/iodine-$in.log" 2>&1 </dev/null || :
}

# All that is in the gateway's place before it is.
end_it()
{
	for pid in $(ip netns pids "$GATEWAY"); do
		kill "$pid" 2>/dev/null || :
	done
	wait "$1"
}

suspected() { _audit_line '"dns_tunnel_suspect"' '"name":"wild.test"'; }

# --- where nothing is in between, they work ---

background said.log in_world nc -l -k 127.0.0.1 7000
cat >"$DIR/dns2tcpd.conf" <<END
listen = $D2T
port = 53
user = nobody
chroot = $DIR
domain = d.wild.test
resources = said:127.0.0.1:7000
END
background world-dns2tcpd.log in_world dns2tcpd -F -d 1 \
	-f "$DIR/dns2tcpd.conf"
await grep -q 'Starting Server' "$DIR/world-dns2tcpd.log" ||
	fail 'dns2tcpd did not start'
for type in TXT KEY; do
	: >"$DIR/said.log"
	dns2tcp in_gateway 93.184.216.53 $type 7001 &
	await grep -q $WORD "$DIR/said.log" || fail "dns2tcp fails, $type"
	end_it $!
done
with_iodine=
if [ -c /dev/net/tun ] && (: <>/dev/net/tun) 2>/dev/null &&
	command -v iodined >/dev/null; then
	with_iodine=yes
	background world-iodined.log in_world iodined -f -P secret \
		-l $IODINE 172.30.9.1/27 t.wild.test
	await grep -q 'Listening to dns' "$DIR/world-iodined.log" ||
		fail 'iodined did not start'
	iodine in_gateway 93.184.216.53 &
	await grep -q "$UP" "$DIR/iodine-in_gateway.log" || fail 'iodine fails'
	end_it $!
else
	echo 'without iodine: it is not here, or /dev/net/tun cannot be opened'
fi

# --- and through the gateway ---

manifest 'routes: [{host: listed.test}, {host: "*.wild.test"}]'
agent $CURL http://a.wild.test/ | expect 'hello from a.wild.test'
HEARD_BEFORE=$(wc -l <"$DIR/dnsmasq.log")
sessions=$(grep -c 'Creating session' "$DIR/world-dns2tcpd.log")
: >"$DIR/said.log"

# As root: a tunnel needs a device of its own.
dns2tcp in_agent 10.77.0.1 TXT 7001 &
txt=$!
dns2tcp in_agent 10.77.0.1 KEY 7002 &
key=$!
if [ -n "$with_iodine" ]; then
	# By any type that works, then by the only one that is asked upstream.
	# It gives up quickly, and makes up other names each second.
	iodine in_agent 10.77.0.1
	i=0
	until suspected; do
		i=$((i + 1))
		[ $i -le $SECONDS_RUN ] || fail 'nothing is suspected'
		iodine in_agent 10.77.0.1 -T A
		sleep 1
	done
	! grep -q "$UP" "$DIR/iodine-in_agent.log" || fail 'there is a tunnel'
	[ "$(heard t.wild.test | wc -l)" -gt 2 ] || fail 'iodine did not try'
fi
wait $txt $key
[ ! -s "$DIR/said.log" ] || fail 'the word has arrived'
[ "$(grep -c 'Creating session' "$DIR/world-dns2tcpd.log")" -eq $sessions ] ||
	fail 'dns2tcp has a session'
[ "$(heard d.wild.test | wc -l)" -eq 0 ] || fail 'dns2tcp was heard'
# It says what it has to in what is no host name.
audit_has '"event":"dns"' '"reason":"name_invalid"' '"type":"TXT"'
audit_has '"event":"dns"' '"reason":"name_invalid"' '"type":"TYPE25"'
held_below wild.test 50
agent $CURL http://listed.test/ | expect 'hello from listed.test'
