# Without anybody to ask for names the gateway does not start; the manifest's
# resolvers are enough, and a new manifest without them changes nothing.
. "${0%/*}/lib.sh"

_world_ca
: >"$DIR/nobody"
# The machine names no resolver, nor does the command line.
become_gateway()
{
	exec ip netns exec "$GATEWAY" unshare --mount sh -c '
		mount --make-rprivate /
		mount --bind "$0" "$(realpath /etc/resolv.conf)"
		exec "$@"' "$DIR/nobody" \
		"$BIN/sluice-gateway" --internal int0 --workers 1 \
		--manifest "$DIR/manifest.yaml" --audit "$DIR/audit.jsonl" \
		--trust "$DIR/world-ca.pem"
}

echo 'routes: []' >"$DIR/manifest.yaml"
! (become_gateway) >"$DIR/gateway.log" 2>&1 || fail 'it started'
expect 'whom to ask for names? Give --resolver' <"$DIR/gateway.log"

echo 'resolvers: [93.184.216.53]' >>"$DIR/manifest.yaml"
become_gateway >"$DIR/gateway.log" 2>&1 </dev/null &
GATEWAY_PID=$!
audit_has '"event":"start"'

echo 'routes: []' >"$DIR/manifest.yaml"
kill -HUP "$GATEWAY_PID"
audit_has '"event":"reload"' 'refused: no resolvers'
expect 'reload: no resolvers in ' <"$DIR/gateway.log"
