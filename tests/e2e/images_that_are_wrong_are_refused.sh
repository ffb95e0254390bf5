# An image that would lead out of itself, is not what its digests say, or would
# never end is refused, with the layer and the entry, and leaves no disk.
. "${0%/*}/image_lib.sh"
make_images

# What is there stays, if no disk is to come in its place.
echo kept >"$work/disk"
refused() {
	image disk "$work/images/$1" "$work/disk"
	[ "$status" = 125 ] || fail "$1: status $status"
	grep -q -E -e "$2" "$work/err" || fail "$1: not said: $2"
	[ "$(wc -l <"$work/err")" = 1 ] || fail "$1: more than one line"
	[ "$(cat "$work/disk")" = kept ] || fail "$1: there is a disk"
	! ls "$work" | grep -q new || fail "$1: something was left"
	image disk "$work/images/$1"
	[ "$status" = 125 ] || fail "$1: status $status for the cache"
}

refused upward 'layer 1 of 1 .*entry "\.\./escape": the path leads upward'
refused inside_upward 'entry "a/\.\./\.\./escape": the path leads upward'
refused linked_upward 'layer 2 of 2 .*entry "b": the path leads upward'
refused link_to_nothing 'entry "b": a hard link to what is not there'
refused loop 'entry "a/c": the links on its path lead nowhere'
refused below_a_file 'layer 2 of 2 .*"a/b": it is in something that is not a folder'
refused whiteout_of_all 'entry "\.wh\.\.\.": a name that begins with \.wh\.'
refused terminal 'entry "a\\033\[31m\\012\\042": a hard link'
refused owner 'entry "a": an owner that nobody can be'
refused wrong_blob 'layer 1 of 1 .*: is not what its digest says'
refused wrong_content 'unpacks to something else than the configuration says'
refused cut_short 'layer 1 of 1 .*: truncated gzip input'
refused cut_later 'layer 1 of 1 \([^,]*\): Truncated'
refused terminals_machine 'is for linux/a\?\[31m, and this machine'
refused no_tar 'layer 1 of 1 .*: Unrecognized archive format'
refused empty_layer 'layer 1 of 1 .*: Unrecognized archive format'
refused bomb 'entry "huge": the image unpacks to more than is allowed'
refused another_count 'names another number of layers than there are'
refused another_machine 'is for linux/s390x, and this machine is linux/'
refused digest_as_path 'layers: no digest, or none of the form sha256:HEX'
refused too_many_layers 'layers: is no list, or too long a one'
refused layers_are_no_list 'layers: is no list, or too long a one'
refused twice.tar 'index.json: is there twice'
refused two 'has 2 images for linux/.*; say which one, as in FILE:NAME'
refused good:other 'has no image named other for linux/'
refused none 'No such file or directory'

# What is no image at all.
mkdir "$work/images/archives"
echo text >"$work/images/archives/text"
gzip -c "$work/images/good.tar" >"$work/images/archives/packed"
tar -C "$work/images/archives" -cf "$work/images/archives/tar" text
refused archives/text 'is not a tar archive; if it is compressed, decompress it'
refused archives/packed 'is not a tar archive; if it is compressed, decompress it'
refused archives/tar 'is no image: it has neither oci-layout nor manifest.json'

# A disk goes to a file alone.
mkdir "$work/folder"
image disk "$work/images/good" "$work/folder"
[ "$status" = 125 ] || fail "status $status over a folder"
grep -q 'folder: is there, and no file' "$work/err" || fail 'not said'

# A changed configuration is not the one that the manifest names.
cp -R "$work/images/good" "$work/images/changed"
for file in "$work/images/changed/blobs/sha256"/*; do
	sed -i 's/agent/admin/' "$file"
done
refused changed ': is not what its digest says'

[ -z "$(find "$work/cache" -type f 2>/dev/null)" ] || fail 'something is cached'
