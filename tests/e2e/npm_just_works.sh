# npm installs from a listed registry; of a refused one it prints what the
# policy said, and does not try again.
. "${0%/*}/lib.sh"

need npm node
mkdir -p "$DIR/files/npm" "$DIR/tiny/package" "$DIR/project"
cat >"$DIR/tiny/package/package.json" <<-'END'
	{"name": "tiny", "version": "1.0.0", "main": "index.js"}
END
echo 'module.exports = "hello from tiny"' >"$DIR/tiny/package/index.js"
tar -C "$DIR/tiny" -czf "$DIR/files/npm/tiny-1.0.0.tgz" package
sum=$(openssl dgst -sha512 -binary "$DIR/files/npm/tiny-1.0.0.tgz" |
	base64 -w 0)
cat >"$DIR/files/npm/tiny" <<-END
	{"name": "tiny", "dist-tags": {"latest": "1.0.0"}, "versions": {
	 "1.0.0": {"name": "tiny", "version": "1.0.0", "dist": {
	  "integrity": "sha512-$sum",
	  "tarball": "https://npm.test/files/npm/tiny-1.0.0.tgz"}}}}
END
echo '{"name": "project", "version": "1.0.0"}' >"$DIR/project/package.json"

world_serves npm.test unlisted.test
manifest 'routes: [{host: npm.test}]'

agent_installs()
{
	agent env HOME="$DIR" npm_config_update_notifier=false \
		npm_config_audit=false npm_config_fund=false \
		npm_config_cache="$DIR/cache" npm_config_logs_max=0 \
		npm_config_userconfig="$DIR/npmrc" timeout 40 \
		npm install --prefix "$DIR/project" --registry "$1" "$2" \
		>"$DIR/out" 2>&1
}

agent_installs https://npm.test/files/npm/ tiny || {
	cat "$DIR/out" >&2
	fail 'npm did not install'
}
node -e "console.log(require('$DIR/project/node_modules/tiny'))" |
	expect 'hello from tiny'

agent_installs https://unlisted.test/npm/ other && fail 'npm installed'
expect 'name_not_listed.*(id [0-9a-z]*; to allow it: - host: unlisted.test)' \
	<"$DIR/out"
[ "$(grep -c '"event":"request".*"name":"unlisted.test"' \
	"$DIR/audit.jsonl")" -eq 1 ] || fail 'npm tried again'
world_heard_nothing_of unlisted
