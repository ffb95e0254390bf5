# apt-get updates and downloads from a listed archive, over http and https; of
# a refused one it prints what the policy said.
. "${0%/*}/lib.sh"
. "${0%/*}/packages_lib.sh"

need apt-get dpkg-deb sha256sum
apt_archive 'next to nothing'
world_serves apt.test unlisted.test
manifest 'routes: [{host: apt.test}]'
apt=$(realpath "${0%/*}/clients/apt.sh")

# agent_gets URL: the package, as the agent.
agent_gets()
{
	agent timeout 30 sh -c 'cd "$0" && exec sh "$@"' "$DIR" "$apt" "$1" \
		>"$DIR/out" 2>&1
}

for scheme in http https; do
	agent_gets "$scheme://apt.test/files/apt" || {
		cat "$DIR/out" >&2
		fail "apt-get over $scheme"
	}
	cmp "$DIR/tiny_1.0_all.deb" "$DIR/files/apt/tiny_1.0_all.deb" ||
		fail 'another package'

	agent_gets "$scheme://unlisted.test/files/apt" &&
		fail "apt-get updated over $scheme"
	expect '403.*name_not_listed.*(id [0-9a-z]*; to allow it: - host: unlisted.test)' \
		<"$DIR/out"
done
world_heard_nothing_of unlisted
