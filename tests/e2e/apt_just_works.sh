# apt-get updates and downloads from a listed archive, over http and https; of
# a refused one it prints what the policy said.
. "${0%/*}/lib.sh"

need apt-get dpkg-deb sha256sum
mkdir -p "$DIR/files/apt" "$DIR/tiny/DEBIAN" "$DIR/apt/lists/partial" \
	"$DIR/apt/archives/partial" "$DIR/apt/log"
: >"$DIR/apt/status"
cat >"$DIR/tiny/DEBIAN/control" <<-'END'
	Package: tiny
	Version: 1.0
	Architecture: all
	Maintainer: Somebody <somebody@example.org>
	Description: next to nothing
END
dpkg-deb --build "$DIR/tiny" "$DIR/files/apt/tiny_1.0_all.deb" >/dev/null
{
	cat "$DIR/tiny/DEBIAN/control"
	echo 'Filename: ./tiny_1.0_all.deb'
	echo "Size: $(wc -c <"$DIR/files/apt/tiny_1.0_all.deb")"
	sha256sum "$DIR/files/apt/tiny_1.0_all.deb" |
		sed 's/^\([0-9a-f]*\).*/SHA256: \1/'
} >"$DIR/files/apt/Packages"
cat >"$DIR/files/apt/Release" <<-END
	Suite: tiny
	Date: $(LC_ALL=C date -u '+%a, %d %b %Y %H:%M:%S UTC')
	SHA256:
	 $(sha256sum <"$DIR/files/apt/Packages" | cut -d' ' -f1) \
	$(wc -c <"$DIR/files/apt/Packages") Packages
END
# Nothing of this machine's apt is read or written.
cat >"$DIR/apt/conf" <<-END
	Dir::Etc "$DIR/apt";
	Dir::Etc::parts "none";
	Dir::Etc::main "none";
	Dir::Etc::sourcelist "$DIR/apt/sources.list";
	Dir::Etc::sourceparts "none";
	Dir::State "$DIR/apt";
	Dir::State::lists "$DIR/apt/lists";
	Dir::State::status "$DIR/apt/status";
	Dir::Cache "$DIR/apt";
	Dir::Cache::archives "$DIR/apt/archives";
	Dir::Log "$DIR/apt/log";
	APT::Sandbox::User "root";
	APT::Update::Post-Invoke {};
END

world_serves apt.test unlisted.test
manifest 'routes: [{host: apt.test}]'

# agent_gets COMMAND...: apt-get's, as the agent.
agent_gets()
{
	agent env APT_CONFIG="$DIR/apt/conf" LC_ALL=C timeout 30 \
		sh -c 'cd "$0" && exec apt-get "$@"' "$DIR/apt/archives" "$@" \
		>"$DIR/out" 2>&1
}

for scheme in http https; do
	echo "deb [trusted=yes] $scheme://apt.test/files/apt ./" \
		>"$DIR/apt/sources.list"
	rm -rf "$DIR/apt/lists"
	mkdir -p "$DIR/apt/lists/partial"
	agent_gets -o APT::Update::Error-Mode=any update || {
		cat "$DIR/out" >&2
		fail "apt-get update over $scheme"
	}
	rm -f "$DIR/apt/archives"/*.deb
	agent_gets download tiny || {
		cat "$DIR/out" >&2
		fail "apt-get download over $scheme"
	}
	cmp "$DIR/apt/archives/tiny_1.0_all.deb" \
		"$DIR/files/apt/tiny_1.0_all.deb" || fail 'another package'

	echo "deb [trusted=yes] $scheme://unlisted.test/files/apt ./" \
		>"$DIR/apt/sources.list"
	agent_gets -o APT::Update::Error-Mode=any update &&
		fail "apt-get updated over $scheme"
	expect '403.*name_not_listed.*(id [0-9a-z]*; to allow it: - host: unlisted.test)' \
		<"$DIR/out"
done
world_heard_nothing_of unlisted
