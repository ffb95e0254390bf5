# With --report the runtimes that are there are tried, as the agent's user, and
# what came of each is said before the agent starts, whatever it was.
. "${0%/*}/lib.sh"

need openssl python3 node
world_serves listed.test
manifest 'routes: [{host: listed.test}]'

INIT_OPTIONS='--report listed.test --user nobody'
agent echo started >"$DIR/out" 2>&1
for line in 'report: curl trusts the gateway$' \
	'report: openssl trusts the gateway$' 'report: node trusts the gateway$' \
	'report: python3 trusts the gateway$'; do
	expect "$line" <"$DIR/out"
done
tail -n 1 "$DIR/out" | expect '^started$'
audit_has '"name":"listed.test"' '"status":200'

# A name that is refused serves as well: the refusal is read over TLS.
INIT_OPTIONS='--report unlisted.test'
agent true 2>&1 | expect 'report: curl trusts the gateway$'

# One that does not trust it, one that never ends, and one that is not there.
mkdir "$DIR/bin"
printf '#!/bin/sh\nexec %s --cacert /dev/null "$@"\n' "$(command -v curl)" \
	>"$DIR/bin/curl"
printf '#!/bin/sh\nexec sleep 1000\n' >"$DIR/bin/openssl"
chmod 755 "$DIR" "$DIR/bin" "$DIR/bin"/*
for tool in cat cp ip mkdir mount realpath sh sleep unshare; do
	ln -s "$(command -v $tool)" "$DIR/bin/$tool"
done
INIT_OPTIONS='--report listed.test'
PATH=$DIR/bin agent sh -c 'echo started' >"$DIR/out" 2>&1
expect 'report: curl does not trust the gateway, or ' <"$DIR/out"
expect 'report: openssl does not trust the gateway, or ' <"$DIR/out"
! grep -q python3 "$DIR/out" || fail 'what is not there was tried'
tail -n 1 "$DIR/out" | expect '^started$'
