# npm installs from a listed registry; of a refused one it prints what the
# policy said, and does not try again.
. "${0%/*}/lib.sh"
. "${0%/*}/packages_lib.sh"

need npm node
npm_registry npm.test 'hello from tiny'
world_serves npm.test unlisted.test
manifest 'routes: [{host: npm.test}]'
npm=$(realpath "${0%/*}/clients/npm.sh")

# agent_installs URL: from the registry there.
agent_installs()
{
	agent timeout 40 env HOME="$DIR" sh -c 'cd "$HOME" && exec sh "$@"' - \
		"$npm" "$1" >"$DIR/out" 2>&1
}

agent_installs https://npm.test/files/npm/ || {
	cat "$DIR/out" >&2
	fail 'npm did not install'
}
expect '^hello from tiny$' <"$DIR/out"

agent_installs https://unlisted.test/npm/ && fail 'npm installed'
expect 'name_not_listed.*(id [0-9a-z]*; to allow it: - host: unlisted.test)' \
	<"$DIR/out"
[ "$(grep -c '"event":"request".*"name":"unlisted.test"' \
	"$DIR/audit.jsonl")" -eq 1 ] || fail 'npm tried again'
world_heard_nothing_of unlisted
