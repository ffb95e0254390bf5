# A TLS server name is one sound host name or the end of the connection; a
# spelling that means the same is the same.
. "${0%/*}/lib.sh"

need openssl
world_serves listed.test unlisted.test
manifest 'routes: [{host: listed.test}]'
address=$(world_address listed.test)
agent $CURL https://listed.test/ >/dev/null

hello()
{
	agent sh -c 'openssl s_client -connect "$0:443" -servername "$1" \
		</dev/null 2>&1; :' "$address" "$1" >"$DIR/hello"
}

hello LISTED.TEST
grep -q 'CN = listed.test' "$DIR/hello" || fail 'upper case is another name'
for name in 93.184.216.1 'listed.test ' ' listed.test' '//listed.test' \
	'listed.test/' 'unlisted.test,listed.test' 'a..listed.test' '*.test' \
	'listed.test:443'; do
	before=$(world_settled)
	hello "$name"
	grep -q alert "$DIR/hello" || fail "no alert for \"$name\""
	[ "$(world_settled)" -eq "$before" ] || fail "\"$name\" was dialled"
done
hello listed.test.unlisted.test
grep -q 'CN = listed.test.unlisted.test' "$DIR/hello" ||
	fail 'the refusal cannot be read'
world_heard_nothing_of unlisted
