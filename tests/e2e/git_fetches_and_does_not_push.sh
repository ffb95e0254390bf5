# With `git: {fetch: true}` git clones and fetches, and a push is refused in
# words that git shows; the repository stays as it was.
. "${0%/*}/peers_lib.sh"

need git
mkdir -p "$DIR/home" "$DIR/git"
export GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 HOME="$DIR/home"
git config --global user.name Somebody
git config --global user.email somebody@example.org
git config --global init.defaultBranch main
git config --global safe.directory '*'

git init -q "$DIR/first"
head -c 300000 /dev/urandom >"$DIR/first/large"
git -C "$DIR/first" add large
git -C "$DIR/first" commit -q -m first
git clone -q --bare "$DIR/first" "$DIR/git/some.git"
git -C "$DIR/git/some.git" config http.receivepack true
git -C "$DIR/git/some.git" update-server-info

world_peers git.test both.test
world_resolves
manifest 'routes:
  - {host: git.test, git: {fetch: true}}
  - host: both.test
    git: {fetch: true}
    matches: [{paths: [{type: prefix, value: /}]}]'

refs() { git -C "$DIR/git/some.git" for-each-ref; }

for name in git.test both.test; do
	url=https://$name/git/some.git
	agent git clone -q $url "$DIR/$name"
	cmp "$DIR/first/large" "$DIR/$name/large" || fail 'the clone is another'
	agent git clone -q -c protocol.version=0 --depth 1 $url "$DIR/$name-0"

	echo more >>"$DIR/first/more"
	git -C "$DIR/first" add more
	git -C "$DIR/first" commit -q -m more
	git -C "$DIR/first" push -q "$DIR/git/some.git" main
	agent git -C "$DIR/$name" pull -q
	cmp "$DIR/first/more" "$DIR/$name/more" || fail 'the fetch is another'

	before=$(refs)
	echo mine >>"$DIR/$name/more"
	git -C "$DIR/$name" commit -q -a -m mine
	agent_fails git -C "$DIR/$name" push origin main
	expect 'remote: .*git_push: the route lets git clone and fetch, and not push' \
		<"$DIR/out"
	# Whoever asks git's questions without git.
	for push in "-X POST https://$name/git/some.git/git-receive-pack" \
		"-X POST https://$name/git/some.git/git%2Dreceive-pack" \
		"https://$name/git/some.git/info/refs?service=git-receive-pack" \
		"https://$name/git/some.git/info/refs?service=git%2dreceive-pack" \
		"https://$name/git/some.git/info/refs?x&service=git-receive-pack" \
		"https://$name/git/some.git/info/refs?service=git-upload-pack&service=git-receive-pack" \
		"https://$name/git/some.git/info/refs?SERVICE=GIT-RECEIVE-PACK" \
		"-X PUT https://$name/git/some.git/GIT-Receive-Pack" \
		"-H content-encoding:gzip -d x https://$name/git/some.git/git-receive-pack/"; do
		# shellcheck disable=SC2086 # an option and an address
		agent $CURL $push | expect '"reason":"git_push"'
	done
	[ "$(refs)" = "$before" ] || fail 'the repository was changed'
	audit_has '"event":"request"' "\"name\":\"$name\"" '"reason":"git_push"' \
		'"method":"GET"' '"path":"/git/some.git/info/refs"'
done
! grep receive-pack "$DIR/world-origin.log" || fail 'the origin was asked'

# Nothing else is git's: not the dumb protocol either.
for path in /git/some.git/info/refs /git/some.git/HEAD /other; do
	agent $CURL https://git.test$path | expect '"reason":"request_not_listed"'
done
# A push to a server that knows nothing of git is made of these.
for method in PUT MKCOL LOCK MOVE DELETE PROPFIND; do
	agent $CURL -X $method https://git.test/git/some.git/refs/heads/main |
		expect '"reason":"request_not_listed"'
done
! grep refs/heads "$DIR/world-origin.log" || fail 'the origin was asked'
agent $CURL https://both.test/other | expect 'hello from both.test'
