# dns_lib.sh - peers_lib.sh, with a DNS server of the test's own: dns_peer.py's

. "${0%/*}/peers_lib.sh"

# world_answers [ADDRESS...]: a Python program with answer(question) from standard
# input is what the world's resolver says, at 93.184.216.53 if nowhere else.
world_answers()
{
	cat >"$DIR/answers.py"
	[ $# -gt 0 ] || set -- 93.184.216.53
	background world-dns.log in_world python3 "$here/dns_peer.py" \
		"$DIR/answers.py" "$@"
	await grep -q listening "$DIR/world-dns.log" ||
		fail "no DNS in the world: $(cat "$DIR/world-dns.log")"
}

# asked PATTERN: how many questions of the world's log are so.
asked()
{
	_world_has_heard_all
	grep -c -E -- "$1" "$DIR/world-dns.log" || :
}
