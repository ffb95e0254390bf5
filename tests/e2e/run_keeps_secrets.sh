# A command behind the gateway does not see the secrets that the gateway was
# given: the file is empty to it, and nothing that it can read has them.
. "${0%/*}/run_lib.sh"

mkdir "$work/kept"
umask 077
echo 'TOKEN=sluice-kept-t0ken' >"$work/kept/secrets"
umask 022
ln -s kept/secrets "$work/link"
echo 'routes: [{host: listed.example, auth: {scheme: token, token_ref: TOKEN}}]' \
	>"$work/manifest.yaml"

run --secrets "$work/link" -- sh -c "
	cat '$work/kept/secrets' '$work/link'
	! cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\0' '\\n' |
		grep 'sluice-kep[t]'
	! grep -r 'sluice-kep[t]' /run '$work' --exclude=out --exclude=err
	! echo x >'$work/kept/secrets'
	! umount '$work/kept/secrets'"
[ "$status" = 0 ] || fail "status $status"
! grep -F sluice-kept "$work/out" "$work/err" "$work/audit.jsonl" ||
	fail 'the agent saw it'
[ "$(cat "$work/kept/secrets")" = 'TOKEN=sluice-kept-t0ken' ] ||
	fail 'the file was changed'

# What the manifest names has to be there.
run -- true
[ "$status" = 125 ] || fail "status $status without secrets"
expect 'manifest.yaml:1:66: the secret TOKEN was not given' <"$work/err"
run --secrets "$work/none" -- true
[ "$status" = 125 ] || fail "status $status without the file"
"$sluice" check "$work/manifest.yaml" >"$work/out" || fail 'check'
expect 'needs the secret TOKEN (sent as token)' <"$work/out"
