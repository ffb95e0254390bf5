# Where an origin sends an agent is for the agent to ask for: the gateway passes
# the answer on, follows nothing, and judges what is then asked.
. "${0%/*}/peers_lib.sh"

world_peers listed.test other.test unlisted.test
world_resolves
manifest 'routes: [{host: listed.test}, {host: other.test}]'

for scheme in http https; do
	url=$scheme://listed.test/moved/$scheme:
	agent $CURL -i "$url//unlisted.test/" |
		expect "^Location: $scheme://unlisted.test"
	! grep -q Host: "$DIR/got" || fail 'somebody followed'
	agent $CURL -L "$url//unlisted.test/" |
		expect '"reason":"name_not_listed"'
	agent $CURL -L "$url//other.test/" | expect 'hello from other.test'
done
! grep -i -q unlisted "$DIR/dnsmasq.log" || fail 'the world was asked for it'
