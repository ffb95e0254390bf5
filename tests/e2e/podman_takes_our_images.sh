# podman loads the images that we write, from folders and archives, and the
# program in each runs there.
. "${0%/*}/image_lib.sh"
need_engine

loads_and_runs() { # IMAGE, what it says when it is given nothing
	image "$1" "$work/$1.tar"
	[ "$status" = 0 ] || fail "$1: status $status"
	image "$1" "$work/$1"
	# podman names what is in a folder after the path.
	cd "$work"
	for file in "$1.tar" "$1"; do
		engine load -i "$file" >"$work/out" 2>"$work/err" ||
			fail "podman load $file"
		name=$(sed -n 's/^Loaded image: //p' "$work/out")
		engine run --rm --network none --read-only "$name" --nonsense \
			>"$work/out" 2>"$work/err" || :
		grep -q "^usage: sluice-$1 " "$work/err" || fail "$file: $name"
	done
}
loads_and_runs gateway
loads_and_runs init

engine images >"$work/out"
grep -q -E '/sluice-gateway +[0-9.]+ ' "$work/out" || fail 'name and version'
! engine run --rm --network none --entrypoint /bin/sh "$name" -c : \
	2>"$work/err" || fail 'there is a shell'
