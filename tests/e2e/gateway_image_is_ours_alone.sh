# `sluice image gateway` writes an image that any engine takes, with the
# program, what it needs, and nothing else: the same bytes each time, small, and
# able to run where there is nothing but it.
. "${0%/*}/image_lib.sh"
need python3 jq

image gateway "$work/gateway"
[ "$status" = 0 ] || fail "status $status"
image gateway "$work/gateway.tar"
[ "$status" = 0 ] || fail "status $status for an archive"
mkdir "$work/unpacked"
tar -xf "$work/gateway.tar" -C "$work/unpacked"
diff -r "$work/gateway" "$work/unpacked" || fail 'the archive differs'

# In place of the archive that is there, and the same.
cp "$work/gateway.tar" "$work/before.tar"
image gateway "$work/gateway.tar"
cmp "$work/before.tar" "$work/gateway.tar" || fail 'not reproducible'
# What is in a folder stays.
image gateway "$work/gateway"
[ "$status" = 125 ] || fail "status $status over a folder"
grep -q 'gateway: File exists' "$work/err" || fail 'not said'
[ "$(ls -d "$work"/gateway*)" = "$work/gateway
$work/gateway.tar" ] || fail 'something was left'

blob() { echo "$work/gateway/blobs/sha256/${1#sha256:}"; }
manifest=$(blob "$(jq -r '.manifests[0].digest' "$work/gateway/index.json")")
config=$(blob "$(jq -r .config.digest "$manifest")")
layer=$(blob "$(jq -r '.layers[0].digest' "$manifest")")
for file in "$work/gateway/blobs/sha256"/*; do
	[ "$(sha256sum <"$file")" = "${file##*/}  -" ] || fail "digest of $file"
done
[ "$(gzip -dc "$layer" | sha256sum)" = \
	"$(jq -r '.rootfs.diff_ids[0]' "$config" | cut -d: -f2)  -" ] || fail 'DiffID'
[ "$(jq -r '.[0].Layers[0]' "$work/gateway/manifest.json")" = \
	"blobs/sha256/${layer##*/}" ] || fail 'manifest.json'
jq -e '.config.Entrypoint == ["/sluice-gateway"] and .os == "linux" and
	.config.Labels["org.opencontainers.image.title"] == "sluice-gateway"' \
	"$config" >"$work/out" || fail 'config'
[ "$(du -b "$layer" | cut -f1)" -lt $((12 << 20)) ] || fail 'too large'

# Owned by root, of no time, in order; no file but what is meant to be there.
gzip -dc "$layer" >"$work/layer.tar"
tar --numeric-owner --full-time --utc -tvf "$work/layer.tar" >"$work/list"
! grep -v ' 0/0 .* 1970-01-01 00:00:00 ' "$work/list" || fail 'owners, times'
tar -tf "$work/layer.tar" >"$work/names"
LC_ALL=C sort -c "$work/names" || fail 'order'
! grep -v -E -x -e '([a-z0-9_-]+/)+' -e 'sluice-gateway' \
	-e 'etc/ssl/certs/ca-certificates.crt' \
	-e '[a-z0-9_/-]*/(lib[^/]*|ld-[^/]*)\.so[.0-9]*' "$work/names" ||
	fail 'there is more in it'
mkdir "$work/root"
tar -xf "$work/layer.tar" -C "$work/root"
[ "$(od -A n -t u1 -j 60 -N 2 "$work/root/sluice-gateway" | tr -d ' ')" = 00 ] ||
	fail 'not stripped'

# The other image is one file.
image init "$work/init.tar"
[ "$status" = 0 ] || fail "init: status $status"
image show "$work/init.tar"
grep -q '^entrypoint    /sluice-init$' "$work/out" || fail 'init: entrypoint'
if command -v tar2sqfs >/dev/null; then
	image disk "$work/init.tar" "$work/disk"
	unsquashfs -l "$work/disk" >"$work/list"
	[ "$(grep squashfs-root "$work/list" | wc -l)" = 2 ] ||
		fail 'init: more than a file'
fi

# It runs where nothing else is.
[ "$(id -u)" = 0 ] || exit 0
unshare -m -p -f sh -c "mount -t proc proc '$work/root/proc' &&
	exec chroot '$work/root' /sluice-gateway --nonsense" 2>"$work/err" || :
grep -q 'usage: sluice-gateway' "$work/err" || fail 'does not run'
