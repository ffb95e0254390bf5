# git.sh NAME - git.NAME is cloned and fetched from, and refuses a push.
set -eu
url=https://git.$1/git/some.git
export GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0
export GIT_AUTHOR_NAME=Somebody GIT_AUTHOR_EMAIL=somebody@example.org
export GIT_COMMITTER_NAME=Somebody GIT_COMMITTER_EMAIL=somebody@example.org

rm -rf copy
git clone -q "$url" copy
git -C copy fetch -q origin
git -C copy commit -q --allow-empty -m mine
if git -C copy push -q origin HEAD:main 2>push; then
	echo 'it was pushed'
	exit 1
fi
grep -q 'remote: .*git_push' push
cat copy/hello
