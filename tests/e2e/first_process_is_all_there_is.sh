# In a file system that holds the program, what it is linked to, the manifest
# and the certificates, and nothing else, there is nothing else to miss.
. "${0%/*}/first_lib.sh"

world_serves listed.test
root=$DIR/root
mkdir "$root"
mount -t tmpfs none "$root"
{
	echo "$BIN/sluice-gateway"
	ldd "$BIN/sluice-gateway" | grep -o '/[^ ]*'
} | while read -r file; do
	mkdir -p "$root${file%/*}"
	cp -L "$file" "$root$file"
done
mv "$root$BIN/sluice-gateway" "$root/init"
_world_ca
cp "$DIR/world-ca.pem" "$root/trust.pem"
echo 'routes: [{host: listed.test}]' >"$root/manifest.yaml"
# A sanitizer looks into /proc before main() does.
if grep -q __asan_init "$root/init"; then
	mkdir "$root/proc"
	mount -t proc none "$root/proc"
fi

mkfifo "$DIR/ready"
ip netns exec "$GATEWAY" unshare --pid --mount --fork --kill-child \
	--root="$root" /init --init --internal=int0 $INSIDE $OUTSIDE \
	--agent-mac=$MAC --manifest=/manifest.yaml --trust=/trust.pem \
	--resolver=93.184.216.53 --ready-fd=9 9>"$DIR/ready" \
	>"$DIR/gateway.log" 2>&1 </dev/null &
FIRST_PID=$!
read -r word <"$DIR/ready" || word=
[ "$word" = ready ] || fail 'the gateway did not start'
agent $CURL https://listed.test/ | expect 'hello from listed.test'
mounts=/proc/$(first)/mounts
for line in ' /proc proc ' ' /sys sysfs ro,' ' /run tmpfs .*nosuid'; do
	expect "$line" <"$mounts"
done
! grep -q devtmpfs /proc/filesystems || expect ' /dev devtmpfs ' <"$mounts"
kill -TERM "$(first)"
powers_off
umount -R "$root"
