# Browsers trust the gateway when they run behind it, and only there: the host's
# own settings stay as they are.
[ "$(id -u)" = 0 ] || {
	echo 'skipped: needs root'
	exit 77
}
# A host with a browser, that no other program sees.
[ "${1:-}" = inside ] || exec unshare --mount sh "$0" inside
mount --make-rprivate /
mount -t tmpfs none /etc/opt
mkdir -p /etc/opt/chrome/policies/managed /etc/opt/chrome/a/b
echo '{}' >/etc/opt/chrome/policies/managed/others.json
ln -s ../a /etc/opt/chrome/a/c
. "${0%/*}/run_lib.sh"

cp -a /etc/opt/chrome "$work/before"
run -- sh -c 'cd /etc/opt/chrome/policies/managed
	cat *; readlink ../../a/c; echo mine >others.json'
[ "$status" = 0 ] || fail "status $status"
expect '^{}$' <"$work/out"
expect '^{"CACertificates": \["M' <"$work/out"
expect '^\.\./a$' <"$work/out"
diff -r --no-dereference "$work/before" /etc/opt/chrome || fail 'the host was changed'
