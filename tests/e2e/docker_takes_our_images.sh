# docker loads the images that we write, and the program in each runs there;
# what it saves becomes the disk that the image itself becomes.
. "${0%/*}/image_lib.sh"
need docker dockerd runc tar2sqfs
[ "$(id -u)" = 0 ] || skip 'needs root'

image gateway "$work/gateway.tar"
[ "$status" = 0 ] || fail "gateway: status $status"
image init "$work/init.tar"
[ "$status" = 0 ] || fail "init: status $status"

# A daemon of our own, in namespaces of its own, that ends with the shell.
cat >"$work/engine.sh" <<'EOT'
set -eu
cd "$1"
ip link set lo up
mount --make-rprivate /
dockerd --data-root "$1/data" --exec-root "$1/exec" --pidfile "$1/pid" \
	-H "unix://$1/socket" --iptables=false --bridge=none \
	--storage-driver vfs >"$1/log" 2>&1 &
daemon=$!
trap 'kill $daemon; wait $daemon || :' EXIT
export DOCKER_HOST="unix://$1/socket"
tries=300
until docker version >/dev/null 2>&1; do
	tries=$((tries - 1))
	[ $tries -gt 0 ] && kill -0 $daemon || exit 77
	sleep 0.1
done
for name in gateway init; do
	docker load -i "$2/$name.tar" >"$1/loaded"
	image=$(sed -n 's/^Loaded image: //p' "$1/loaded")
	docker run --rm --network none --read-only "$image" --nonsense \
		>"$1/said" 2>&1 || :
	grep -q "^usage: sluice-$name " "$1/said" || {
		cat "$1/said"
		exit 1
	}
	docker save -o "$1/$name.tar" "$image"
done
EOT
mkdir "$work/engine"
status=0
unshare -n -m sh "$work/engine.sh" "$work/engine" "$work" >"$work/err" 2>&1 ||
	status=$?
[ "$status" != 77 ] || skip "docker does not work here: $(tail -n 1 "$work/engine/log")"
[ "$status" = 0 ] || fail "status $status"

for name in gateway init; do
	image disk "$work/$name.tar" "$work/disk"
	[ "$status" = 0 ] || fail "$name: status $status"
	image disk "$work/engine/$name.tar" "$work/other"
	[ "$status" = 0 ] || fail "what docker saved: status $status"
	cmp "$work/disk" "$work/other" || fail "$name: another disk"
done
