# A listed name is reached as if nothing were there, with and without TLS; an
# unlisted one is refused in words, before the world hears of it.
. "${0%/*}/lib.sh"

world_serves listed.test unlisted.test
manifest 'routes: [{host: listed.test}]'

agent $CURL https://listed.test/ | expect 'hello from listed.test'
agent $CURL http://listed.test/ | expect 'hello from listed.test'

agent $CURL https://unlisted.test/ | expect '"reason":"name_not_listed"'
agent $CURL http://unlisted.test/ | expect '"allow":"- host: unlisted.test"'
world_heard_nothing_of unlisted
audit_has '"verdict":"deny"' '"name":"unlisted.test"' '"event":"dns"'
audit_has '"event":"request"' '"verdict":"deny"' '"name":"unlisted.test"' \
	'"allow":"- host: unlisted.test"'
