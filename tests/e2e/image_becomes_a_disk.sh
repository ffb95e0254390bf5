# An image becomes a disk in whatever form it comes, by any user, and nothing
# of it lies on the host under its own name; the disk is made once.
. "${0%/*}/image_lib.sh"
need sqfs2tar
make_images

image disk "$work/images/good" "$work/disk"
[ "$status" = 0 ] || fail "status $status"
[ ! -s "$work/err" ] || fail 'it said something'
list_disk "$work/disk" >"$work/list"

has() {
	grep -q -x -F -e "$1" "$work/list" || {
		cat "$work/list" >&2
		fail "not there: $1"
	}
}
has_not() {
	! grep -q -e "^'$1" "$work/list" || fail "there: $1"
}
unsquashfs -lln "$work/disk" >"$work/long"
grep -q '^drwxr-x--x 7/8 .* squashfs-root$' "$work/long" || fail 'the root'
has "'bin/su' b'0' '0o4755' 0 0 '' '0a64ce10853f25cb' [('SCHILY.xattr.security.capability', '\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00')]"
has "'bin/entry' b'0' '0o755' 1000 0 '' '998c61589817f911' []"
has "'srv' b'5' '0o1777' 3000000000 70000 '' '-' []"
has "'srv/third' b'0' '0o644' 0 0 '' 'a4d26868017c0ccf' [] ['srv/first', 'srv/second', 'srv/third']"
has "'odd/new\nline' b'0' '0o644' 0 0 '' '1b16b1df538ba12d' []"
has "'odd/\udcff\udcfe' b'0' '0o644' 0 0 '' '2c624232cdd22177' []"
has "'odd/\udced\udca0\udc80\udced\udcb0\udc80' b'0' '0o644' 0 0 '' '2e7d2c03a9507ae2' []"
has "'odd/link' b'2' '0o777' 0 0 '\xfc' '-' []"
has "'odd/hard' b'0' '0o644' 0 0 '' '0bfe935e70c321c7' [] ['odd/hard', 'odd/\xfc']"
has "'usr/lib/new' b'0' '0o644' 0 0 '' 'b6fbb25e0ca53171' []"
has "'link/out' b'2' '0o777' 0 0 '../../../../etc/shadow' '-' []"
has "'swap/back' b'0' '0o644' 0 0 '' '3c482346f3750276' []"
has "'gone/again' b'0' '0o644' 0 0 '' 'b4c9e14061c2fd45' []"
for gone in gone/a\' gone/b opaque/old swap/in usr/lib/old dev/null; do
	has_not "$gone"
done

# The same bytes, from an archive, from `docker save`, from other compression.
for form in good.tar good.tar:latest good.docker.tar members; do
	image disk "$work/images/$form" "$work/other"
	[ "$status" = 0 ] || fail "$form: status $status"
	cmp "$work/disk" "$work/other" || fail "$form: another disk"
done

# What it says of itself.
image show "$work/images/good"
printf 'entrypoint    /bin/entry\nentrypoint    two words\ncommand       %s\n%s\n' \
	argument 'environment   PATH=/bin' >"$work/expected"
grep -E '^(entrypoint|command)|PATH' "$work/out" | diff "$work/expected" - ||
	fail 'show'

# In the cache it is made once, even if an earlier run was killed over it, and
# what such a run left goes.
image disk "$work/images/good.tar"
cached=$(cat "$work/out")
cmp "$work/disk" "$cached" || fail 'another disk in the cache'
made=$(stat -c %i "$cached")
image disk "$work/images/good"
[ "$(cat "$work/out")" = "$cached" ] || fail 'two places for one image'
[ "$(stat -c %i "$cached")" = "$made" ] || fail 'made twice'
: >"${cached%/*}/.new-abcdef"
image disk "$work/images/good.docker.tar"
[ "$(cat "$work/out")" != "$cached" ] || fail 'one place for two images'
[ "$(ls -A "${cached%/*}" | wc -l)" = 2 ] || fail 'something was left'

# A folder is a disk as it stands.
mkdir "$work/folder"
echo content >"$work/folder/file"
chmod 640 "$work/folder/file"
image disk "$work/folder" "$work/other"
[ "$status" = 0 ] || fail "folder: status $status"
unsquashfs -lln "$work/other" >"$work/long"
grep -q '^-rw-r----- .* squashfs-root/file$' "$work/long" || fail 'folder'

# Without root, and with nothing but the disk to show for it.
[ "$(id -u)" = 0 ] || exit 0
mkdir "$work/of_nobody"
chown 65534 "$work/of_nobody"
(cd "$work/of_nobody" && HOME="$work/of_nobody" TMPDIR="$work/of_nobody" \
	setpriv --reuid 65534 --regid 65534 --clear-groups \
	"$sluice" image disk "$work/images/good" disk 2>"$work/err") ||
	fail 'as nobody'
cmp "$work/disk" "$work/of_nobody/disk" || fail 'another disk as nobody'
[ "$(find "$work/of_nobody" -type f | wc -l)" = 1 ] || fail 'files were left'
