# What the tests of `sluice image` share. Sourced, never run.
set -eu

here=$(cd "${0%/*}" && pwd)
sluice=${SLUICE_BIN:?}/sluice
work=$(mktemp -d)
# What an engine has started may still be at its own cleaning up.
clean_up() {
	tries=50
	until rm -rf "$work" 2>/dev/null || [ $tries -eq 0 ]; do
		tries=$((tries - 1))
		sleep 0.1
	done
}
trap clean_up EXIT
chmod 755 "$work"
export XDG_CACHE_HOME="$work/cache" TMPDIR="$work"

skip() {
	echo "skipped: $*"
	exit 77
}

fail() {
	echo "FAILED: $*" >&2
	cat "$work/err" >&2
	exit 1
}

need() {
	for tool; do
		command -v "$tool" >/dev/null || skip "no $tool on this machine"
	done
}

# The images of image_maker.py, in $work/images.
make_images() {
	need python3 tar2sqfs unsquashfs zstd
	python3 "$here/image_maker.py" "$work/images"
}

# sluice image ...: its output is in $work/out, what was said on standard error
# in $work/err, its status in $status.
image() {
	status=0
	"$sluice" image "$@" >"$work/out" 2>"$work/err" || status=$?
}

# What a squashfs file has, as image_list.py prints it.
list_disk() {
	sqfs2tar "$1" | python3 "$here/image_list.py"
}

# An engine of our own: its files in $work, its network nobody's.
engine() {
	unshare -n -m podman --root "$work/engine/root" \
		--runroot "$work/engine/run" --tmpdir "$work/engine/tmp" \
		--network-config-dir "$work/engine/net" --storage-driver vfs "$@"
}

need_engine() {
	need podman runc
	[ "$(id -u)" = 0 ] || skip 'needs root'
	mkdir "$work/engine"
	# What an engine inside another machine needs: its limits may not be
	# raised, and its cgroups are somebody else's.
	cat >"$work/engine/containers.conf" <<-'EOT'
		[containers]
		default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
		[engine]
		runtime = "runc"
		cgroup_manager = "cgroupfs"
		events_logger = "file"
	EOT
	export CONTAINERS_CONF="$work/engine/containers.conf"
	engine info >"$work/out" 2>"$work/err" ||
		skip "podman does not work here: $(tail -n 1 "$work/err")"
}

: >"$work/err"
