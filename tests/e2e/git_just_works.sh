# git clones, fetches and pushes over https; of a refused remote it prints what
# the policy said.
. "${0%/*}/peers_lib.sh"

need git
mkdir -p "$DIR/home" "$DIR/git"
export GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 HOME="$DIR/home"
git config --global user.name Somebody
git config --global user.email somebody@example.org
git config --global init.defaultBranch main
git config --global safe.directory '*'

git init -q "$DIR/first"
head -c 3000000 /dev/urandom >"$DIR/first/large"
git -C "$DIR/first" add large
git -C "$DIR/first" commit -q -m first
git clone -q --bare "$DIR/first" "$DIR/git/some.git"
git -C "$DIR/git/some.git" config http.receivepack true

world_peers git.test unlisted.test
world_resolves
manifest 'routes: [{host: git.test}]'

agent git clone -q https://git.test/git/some.git "$DIR/copy"
cmp "$DIR/first/large" "$DIR/copy/large" || fail 'the clone is another'
agent git clone -q --depth 1 http://git.test/git/some.git "$DIR/shallow"

# More than a buffer's worth goes in chunks.
head -c 5000000 /dev/urandom >"$DIR/copy/larger"
git -C "$DIR/copy" add larger
git -C "$DIR/copy" commit -q -m second
agent git -C "$DIR/copy" push -q origin main
agent git -C "$DIR/shallow" pull -q
cmp "$DIR/shallow/larger" "$DIR/copy/larger" || fail 'the push is another'

for scheme in http https; do
	agent_fails timeout 10 git clone \
		"$scheme://unlisted.test/git/some.git" "$DIR/none"
	expect 'remote: .*name_not_listed.*(id [0-9a-z]*; to allow it: - host: unlisted.test)' \
		<"$DIR/out"
done
world_heard_nothing_of unlisted
