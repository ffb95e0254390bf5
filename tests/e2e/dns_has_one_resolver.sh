# Whatever resolver the agent asks, over UDP or TCP, ours answers, by policy;
# nothing that is asked under an unlisted zone leaves.
. "${0%/*}/lib.sh"

need dig
world_serves listed.test
manifest 'routes: [{host: listed.test}, {host: "*.wild.test"}]'
DIG='dig +time=2 +tries=1 +noall +comments +answer'

agent $CURL https://listed.test/ >/dev/null
before=$(world_settled)
for server in 93.184.216.53 8.8.8.8 10.77.0.1 2606:2800:220:1::1; do
	for over in +notcp +tcp; do
		agent $DIG $over @$server data.secretzone.test A |
			expect '198.18.0.1'
		for type in TXT NULL CNAME MX SRV SOA NS PTR AXFR; do
			agent $DIG $over @$server data.secretzone.test $type \
				>"$DIR/answer" || :
			grep -q -E 'NXDOMAIN|NOTIMP|REFUSED|failed' \
				"$DIR/answer" || fail "$type: $(cat "$DIR/answer")"
		done
	done
done
agent $DIG @8.8.8.8 -c CH version.secretzone.test TXT | expect REFUSED
# A listed name with a type that is not answered exists all the same.
for type in TXT HTTPS SVCB ANY; do
	agent $DIG listed.test $type | expect 'NOERROR'
done
[ "$(world_settled)" -eq "$before" ] || fail 'something reached the world'

# Other ports are no resolvers at all.
for port in 5353 5355 853 8853; do
	agent_fails $DIG +notcp -p $port @93.184.216.53 data.secretzone.test A
	agent_fails $DIG +tcp -p $port @93.184.216.53 data.secretzone.test A
done
world_heard_nothing_of secretzone
audit_has '"event":"dns"' '"verdict":"deny"' 'data.secretzone.test' '"TXT"'
