# The gateway answers an agent as RFC 9113 and RFC 7541 ask of a server: every
# case of the suite, beside nghttpd, which is given the same.
. "${0%/*}/h2_lib.sh"

need nghttpd

_world_name listed.test
world_certificate listed.test listed.test
mkdir "$DIR/htdocs"
echo 'hello from listed.test' >"$DIR/htdocs/index.html"
head -c 300000 /dev/zero >"$DIR/htdocs/large"
background world-nghttpd.log in_world nghttpd --echo-upload -d "$DIR/htdocs" \
	443 "$DIR/listed.test.key" "$DIR/listed.test.pem"
world_resolves
manifest 'routes: [{host: listed.test}]'

# The world asks its own server, by the name that it has there.
cat >"$DIR/theirs.sh" <<-END
	mount --make-rprivate /
	mount --bind "$DIR/hosts" /etc/hosts
	SSL_CERT_FILE=$DIR/world-ca.pem exec $PYTHON \
		"$here/h2_conformance.py" run listed.test
END
in_world unshare --mount sh "$DIR/theirs.sh" >"$DIR/theirs" ||
	fail 'the suite could not be put to nghttpd'
agent $PYTHON "$here/h2_conformance.py" run listed.test >"$DIR/ours" ||
	fail 'the suite could not be put to the gateway'
$PYTHON "$here/h2_conformance.py" compare "$DIR/ours" "$DIR/theirs" ||
	fail 'the gateway does not conform'
