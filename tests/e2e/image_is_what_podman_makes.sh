# The disk that is made of an image has the files that podman makes of it: from
# podman's own archives as well as from those that podman is given.
. "${0%/*}/image_lib.sh"
need_engine
need sqfs2tar
make_images

# What a container of image $1 is before it runs, without its devices.
list_container() {
	container=$(engine create "$1" x 2>"$work/err") || fail "podman create $1"
	engine export "$container" >"$work/export.tar" 2>"$work/err" ||
		fail "podman export $1"
	python3 "$here/image_list.py" --no-devices <"$work/export.tar"
	engine rm "$container" >/dev/null 2>&1
}

# All but the root itself, which an export does not have.
compare() {
	image disk "$1" "$work/disk"
	[ "$status" = 0 ] || fail "$1: status $status"
	list_disk "$work/disk" >"$work/ours"
	diff "$work/theirs" "$work/ours" >"$work/err" || fail "$1 differs"
}

# Into the engine, in $name.
load() {
	engine load -i "$1" >"$work/out" 2>"$work/err" || fail "podman load $1"
	name=$(sed -n 's/^Loaded image: //p' "$work/out")
}

# Out of it, and into a disk.
save() {
	engine save --format "$1" -o "$work/saved.$1" "$name" \
		>"$work/out" 2>"$work/err" || fail "podman save --format $1"
	compare "$work/saved.$1"
}

load "$work/images/good.tar"
list_container "$name" >"$work/theirs"
grep -q bin/entry "$work/theirs" || fail 'podman made nothing'
compare "$work/images/good"
compare "$work/images/good.docker.tar"
save oci-archive
save oci-dir

# This format has no zstd.
load "$work/images/good.docker.tar"
save docker-archive
