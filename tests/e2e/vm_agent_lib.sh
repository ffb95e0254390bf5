# What the tests of the agent's machine share.
wire "$AGENT" eth0 tap0
mkfifo "$DIR/orders"
modules virtio_pci virtio_net virtio-rng virtio_console virtio_blk overlay \
	>"$DIR/modules"

# image PROGRAM...: a root with a shell and these, in $DIR/image.
image()
{
	root=$DIR/image.d
	mkdir -p "$root/etc/ssl/certs" "$root/tmp"
	put "$root" sh cat head wc id ls grep sleep hostname env "$@"
	cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
	echo 'agent:x:1000:1000::/home/agent:/bin/sh' >"$root/etc/passwd"
	mkdir -p "$root/home/agent"
	chown 1000:1000 "$root/home/agent"
	mke2fs -q -t ext4 -d "$root" "$DIR/image" \
		"$(($(du -sk "$root" | cut -f1) * 3 / 2 + 8192))k" >/dev/null
	mke2fs -q -t ext4 "$DIR/scratch" 16M >/dev/null
}


# boot COMMAND...: on a machine of its own, with these.
USER_OPTIONS="--user agent" OPTIONS=
boot()
{
	# shellcheck disable=SC2086 # lists of words
	python3 "$HOST" initramfs "$DIR/initramfs" "$BIN/sluice-init" \
		"$DIR/modules" -- --root /dev/vda --scratch /dev/vdb \
		--interface "mac=$AGENT_MAC" --hostname box \
		--address 10.77.0.2/30 --address fd73:6c75:6963:1::2/126 \
		--gateway 10.77.0.1 --gateway6 fd73:6c75:6963:1::1 \
		--timeout 60 $USER_OPTIONS $OPTIONS -- "$@"
	# shellcheck disable=SC2046,SC2086
	ip netns exec "$AGENT" python3 "$HOST" agent "$DIR" -- $(machine 128) \
		-append "$(echo $APPEND)" -initrd "$DIR/initramfs" \
		$(card 0 tap0 "$AGENT_MAC") \
		-drive "file=$DIR/image,if=virtio,format=raw,readonly=on" \
		-drive "file=$DIR/scratch,if=virtio,format=raw"
}

# boots STATUS COMMAND...: the same, and this is what comes of it; out, err,
# control and console are in $DIR.
boots()
{
	wanted=$1
	shift
	status=0
	boot "$@" >"$DIR/out" 2>"$DIR/err" || status=$?
	[ $status -eq "$wanted" ] && return
	tail -n 5 "$DIR/console" "$DIR/out" "$DIR/err" "$DIR/control" >&2
	fail "status $status instead of $wanted: $*"
}
