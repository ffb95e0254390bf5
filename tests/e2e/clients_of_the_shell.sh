# The clients of the shell work through the gateway, and say what it refuses.
. "${0%/*}/clients_lib.sh"
. "${0%/*}/packages_lib.sh"

npm_registry listed.test 'hello from listed.test'
! command -v dpkg-deb >/dev/null || apt_archive 'hello from listed.test'
if command -v git >/dev/null; then
	export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory \
		GIT_CONFIG_VALUE_0='*'
	git init -q -b main "$DIR/first"
	echo 'hello from listed.test' >"$DIR/first/hello"
	git -C "$DIR/first" add hello
	git -C "$DIR/first" -c user.name=Somebody \
		-c user.email=somebody@example.org commit -q -m first
	mkdir "$DIR/git"
	git clone -q --bare "$DIR/first" "$DIR/git/some.git"
	git -C "$DIR/git/some.git" config http.receivepack true
fi

clients_serve
clients_work shell
