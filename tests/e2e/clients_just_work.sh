# Programs that know nothing of the gateway, and have no proxy setting, reach a
# listed name; for an unlisted one they end at once, and what they print says
# that policy refused it, with the id, the reason, and the line to add.
. "${0%/*}/lib.sh"

need python3 wget

for variable in http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY \
	ALL_PROXY no_proxy NO_PROXY; do
	unset "$variable"
done
mkdir -p "$DIR/home" "$DIR/files"
world_serves listed.test unlisted.test
manifest 'routes: [{host: listed.test}]'

# reaches COMMAND...: and prints what the origin serves.
reaches()
{
	agent timeout 30 env HOME="$DIR/home" "$@" >"$DIR/out" 2>&1 || {
		cat "$DIR/out" >&2
		fail "this was to work: $*"
	}
	expect 'hello from listed.test' <"$DIR/out"
}

# is_told [COMMAND...]: it fails, or prints what it got; in time, in words.
# The bound is what retrying would exceed, for the slowest machine.
is_told()
{
	status=0
	agent timeout 10 env HOME="$DIR/home" "$@" >"$DIR/out" 2>&1 ||
		status=$?
	[ $status -ne 124 ] || fail "it went on for too long: $*"
	! grep -q 'hello from' "$DIR/out" || fail "this was reached: $*"
	expect name_not_listed <"$DIR/out"
	expect '- host: unlisted.test' <"$DIR/out"
	id=$(sed -n 's/.*(id \([0-9a-z]*\);.*/\1/p' "$DIR/out" | head -n 1)
	[ ${#id} -eq 12 ] || fail "no id was told: $*"
	audit_has '"verdict":"deny"' "\"$id\"" '"name":"unlisted.test"'
	last_status=$status
}

is_told_and_fails()
{
	is_told "$@"
	[ "$last_status" -ne 0 ] || fail "this was to fail: $*"
}

for scheme in http https; do
	listed=$scheme://listed.test unlisted=$scheme://unlisted.test

	reaches curl -sS "$listed/"
	is_told curl -sS "$unlisted/"

	reaches wget -nv -O - "$listed/"
	is_told_and_fails wget -nv -O - "$unlisted/"

	reaches python3 -c 'import sys, urllib.request as r
print(r.urlopen(sys.argv[1]).read().decode())' "$listed/"
	is_told_and_fails python3 -c 'import sys, urllib.request as r
r.urlopen(sys.argv[1])' "$unlisted/"

	if command -v node >/dev/null; then
		reaches node -e "fetch('$listed/').then(r => r.text())
			.then(console.log)"
		is_told node -e "fetch('$unlisted/').then(r => r.text())
			.then(console.log)"
		reaches node -e "require('$scheme').get('$listed/',
			r => r.pipe(process.stdout))"
		is_told node -e "require('$scheme').get('$unlisted/',
			r => r.pipe(process.stdout))"
	fi
done

# Each verifies the certificate that it is shown.
request='GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n'
for name in listed unlisted; do
	check=reaches
	[ $name = listed ] || check=is_told
	$check sh -c "printf '$request' $name.test | openssl s_client -quiet \
		-connect $name.test:443 -servername $name.test \
		-verify_return_error -verify_hostname $name.test"
	! command -v gnutls-cli >/dev/null ||
		$check sh -c "{ printf '$request' $name.test; sleep 1; } |
			gnutls-cli $name.test"
done
world_heard_nothing_of unlisted
