# packages_lib.sh - what package managers find at an origin that serves
# $DIR/files as /files/: a package "tiny" that has some words in it

# npm_registry NAME WORDS: at https://NAME/files/npm/, its version 1.0.0.
npm_registry()
{
	mkdir -p "$DIR/files/npm" "$DIR/npm/package"
	echo '{"name": "tiny", "version": "1.0.0", "main": "index.js"}' \
		>"$DIR/npm/package/package.json"
	echo "module.exports = '$2'" >"$DIR/npm/package/index.js"
	tar -C "$DIR/npm" -czf "$DIR/files/npm/tiny-1.0.0.tgz" package
	sum=$(openssl dgst -sha512 -binary "$DIR/files/npm/tiny-1.0.0.tgz" |
		base64 -w 0)
	cat >"$DIR/files/npm/tiny" <<-END
		{"name": "tiny", "dist-tags": {"latest": "1.0.0"}, "versions": {
		 "1.0.0": {"name": "tiny", "version": "1.0.0", "dist": {
		  "integrity": "sha512-$sum",
		  "tarball": "https://$1/files/npm/tiny-1.0.0.tgz"}}}}
	END
}

# apt_archive WORDS: at /files/apt, its version 1.0.
apt_archive()
{
	mkdir -p "$DIR/files/apt" "$DIR/tiny/DEBIAN"
	cat >"$DIR/tiny/DEBIAN/control" <<-END
		Package: tiny
		Version: 1.0
		Architecture: all
		Maintainer: Somebody <somebody@example.org>
		Description: $1
	END
	dpkg-deb --build "$DIR/tiny" "$DIR/files/apt/tiny_1.0_all.deb" \
		>/dev/null
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
}
