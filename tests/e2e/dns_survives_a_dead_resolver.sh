# A resolver that does not answer costs the agent some seconds, not a hang: it
# gets SERVFAIL, and refusals, which need nobody, come as ever.
RESOLVER=93.184.216.54
. "${0%/*}/peers_lib.sh"

need dig
_world_ca
ip -n "$WORLD" addr add $RESOLVER/24 dev eth0
background silent.log in_world python3 "$here/peer.py" silent $RESOLVER
await grep -q listening "$DIR/silent.log" || fail 'nobody is silent'
manifest 'routes: [{host: listed.test}]'

agent dig +tries=1 +time=7 listed.test | expect 'status: SERVFAIL'
agent dig +tries=1 +time=7 +tcp listed.test AAAA | expect 'status: SERVFAIL'
agent dig +tries=1 +time=1 unlisted.test | expect 'EDE: 15'
audit_has '"event":"dns"' '"reason":"upstream_dns"' '"name":"listed.test"'
