# A user without any privilege has machines too, whose agent has a file system
# of its own, is that user in the working folder, and changes nothing else.
. "${0%/*}/qemu_lib.sh"

need setpriv ldd
ROOT=$DIR/root
mkdir -p "$ROOT/bin" "$ROOT/etc" "$ROOT/tmp"
echo 'untouched' >"$ROOT/etc/mark"
for tool in sh cat id ls rm; do
	program=$(realpath "$(command -v $tool)")
	cp "$program" "$ROOT/bin/$tool"
	ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
		mkdir -p "$ROOT${library%/*}"
		cp -L "$library" "$ROOT$library"
	done
done

echo 'routes: []' >"$DIR/manifest.yaml"
cp -r "$BIN/sluice" "$BIN/sluice-gateway" "$BIN/sluice-init" "$DIR/"
chmod 755 "$DIR"
chown -R 12345:12345 "$FOLDER" "$DIR/cache" "$DIR/runtime" "$DIR/audit.jsonl"
chmod 700 "$DIR/runtime"

as_user()
{
	status=0
	in_host setpriv --reuid 12345 --regid 12345 --clear-groups \
		"$DIR/sluice" run --backend qemu --accel tcg $MEMORY \
		-m "$DIR/manifest.yaml" --audit "$DIR/audit.jsonl" \
		--resolver "$RESOLVER" "$@" >"$DIR/out" 2>"$DIR/gateway.log" ||
		status=$?
}

as_user --memory 96 --root "$ROOT" -- sh -c '
	id -u; cat /etc/mark; ls -d /home /usr/bin 2>&1
	echo changed >/tmp/mark && cat /tmp/mark
	rm -f /etc/mark; echo changed >/etc/mark; echo mine >made; exit 3'
[ "$status" = 3 ] || fail "status $status instead of 3"
expect '^12345$' <"$DIR/out"
expect '^untouched$' <"$DIR/out"
expect '^changed$' <"$DIR/out"
! grep -E '^(/home|/usr/bin)' "$DIR/out" || fail 'the agent sees the host'
[ "$(cat "$ROOT/etc/mark")" = untouched ] || fail 'its file system has changed'
[ "$(cat "$FOLDER/made")" = mine ] || fail 'the folder is not shared'
[ "$(stat -c %u "$FOLDER/made")" = 12345 ] || fail 'a file is not the user'\''s'

# The host's programs are root's to share.
as_user -- true
[ "$status" = 125 ] || fail "status $status instead of 125"
expect 'with --root' <"$DIR/gateway.log"
