# Whatever resolver the agent asks, over UDP or TCP, ours answers, by policy;
# nothing that is asked under an unlisted zone leaves.
. "${0%/*}/lib.sh"

need dig
world_serves listed.test
manifest 'routes: [{host: listed.test}, {host: "*.wild.test"}]'
chmod 755 "$DIR"
agent $CURL https://listed.test/ >/dev/null
before=$(world_settled)

cat >"$DIR/asks.sh" <<'END'
dig="dig +time=2 +tries=1 +noall +comments +answer"

# answers PATTERN DIG'S-ARGUMENTS...
answers()
{
	want=$1
	shift
	got=$($dig "$@" 2>&1) || :
	printf '%s\n' "$got" | grep -q -E -- "$want" && return
	printf '%s\n' "$*" "$got" "is not: $want"
	exit 1
}

for server in 93.184.216.53 8.8.8.8 10.77.0.1 2606:2800:220:1::1; do
	for over in +notcp +tcp; do
		answers 198.18.0.1 $over @$server data.secretzone.test A
		for type in TXT NULL CNAME MX SRV SOA NS PTR ANY HTTPS TYPE65280
		do
			answers NXDOMAIN $over @$server \
				data.secretzone.test $type
		done
		answers 'NOTIMP|REFUSED|failed' $over @$server \
			data.secretzone.test AXFR
		answers 'REFUSED' $over @$server -c CH version.secretzone.test \
			TXT
		answers 'REFUSED' $over @$server -c ANY data.secretzone.test TXT
		answers 'NXDOMAIN' $over @$server +subnet=1.2.3.0/24 +nsid \
			+cookie +norecurse +dnssec data.secretzone.test TXT
	done
done
# A listed name with a type that is not answered exists all the same.
for type in TXT HTTPS SVCB ANY; do
	answers NOERROR listed.test $type
	answers NOERROR secretzone.wild.test $type
done

# Other ports are no resolvers at all.
for port in 5353 5355 853 8853; do
	for address in 93.184.216.53 2606:2800:220:1::1 10.77.0.1; do
		answers 'timed out|failed|error|no servers' +notcp -p $port \
			@$address data.secretzone.test A
		answers 'timed out|failed|error|no servers' +tcp -p $port \
			@$address data.secretzone.test A
	done
done
END
agent sh "$DIR/asks.sh" || fail 'see above'
[ "$(world_settled)" -eq "$before" ] || fail 'something reached the world'
world_heard_nothing_of secretzone
audit_has '"event":"dns"' '"verdict":"deny"' 'data.secretzone.test' '"TXT"'
audit_has '"event":"dns"' '"protocol":"tcp"' '"verdict":"deny"' \
	'data.secretzone.test' '"TXT"'
