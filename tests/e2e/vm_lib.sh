# What the tests of whole machines share: lib.sh's world, of which the agent or
# the gateway is a virtual machine under a distribution's own kernel. Its cards
# are taps, bridged to where the namespace that it stands for has its own; the
# namespace itself has no address any more.
. "${0%/*}/lib.sh"

need qemu-system-x86_64 modprobe mke2fs python3
KERNEL=$(find /boot -maxdepth 1 -name 'vmlinuz-*' 2>/dev/null | sort | tail -n 1)
[ -n "$KERNEL" ] || skip 'no kernel in /boot'
VERSION=${KERNEL#*/vmlinuz-}
[ -d "/lib/modules/$VERSION" ] || skip "no modules of $VERSION"
[ "$(uname -m)" = x86_64 ] || skip 'for a kernel of another processor'
[ -c /dev/net/tun ] || skip 'no /dev/net/tun'
HOST=${0%/*}/vm_host.py
AGENT_MAC=52:54:00:77:00:02

# An emulated machine may take longer than anything else that is awaited.
await_machine()
{
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		await "$@" && return
	done
	return 1
}

# modules NAME...: the files that they are, and need, in order.
modules()
{
	for module; do
		modprobe -S "$VERSION" --show-depends "$module" ||
			fail "the kernel has no $module"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

# wire NAMESPACE INTERFACE TAP: the tap is where the interface was.
wire()
{
	ip -n "$1" addr flush dev "$2"
	ip -n "$1" link add "b-$3" type bridge
	ip netns exec "$1" ip tuntap add dev "$3" mode tap
	ip -n "$1" link set "$2" master "b-$3"
	ip -n "$1" link set "$3" master "b-$3"
	for device in "$2" "$3" "b-$3"; do
		ip netns exec "$1" sysctl -q -w \
			"net.ipv6.conf.$device.disable_ipv6=1"
		ip -n "$1" link set "$device" up
	done
}

# machine MEMORY: the words of an emulator that all machines have in common.
machine()
{
	echo "qemu-system-x86_64 -M q35 -accel tcg,thread=single -cpu qemu64 \
		-smp 1 -m $1 -nodefaults -no-user-config -nographic -no-reboot \
		-monitor none -serial file:$DIR/console -kernel $KERNEL \
		-object rng-random,id=rng,filename=/dev/urandom \
		-device virtio-rng-pci,rng=rng"
}

# card NUMBER TAP MAC
card()
{
	echo "-netdev tap,id=net$1,ifname=$2,script=no,downscript=no \
		-device virtio-net-pci,romfile=,netdev=net$1,mac=$3"
}

APPEND='console=ttyS0 quiet panic=-1 cryptomgr.notests mitigations=off
	nokaslr no_timer_check tsc=reliable random.trust_cpu=on i8042.noaux
	i8042.nokbd words that_the kernel=does not=know'

# put FOLDER PROGRAM...: programs and what they are linked to, for a root.
put()
{
	folder=$1
	shift
	for program; do
		file=$(command -v "$program") || skip "no $program"
		{
			readlink -f "$file"
			ldd "$file" 2>/dev/null | grep -o '/[^ ]*'
		} | while read -r part; do
			mkdir -p "$folder${part%/*}"
			[ -e "$folder$part" ] || cp -L "$part" "$folder$part"
		done
		[ -e "$folder$file" ] || {
			mkdir -p "$folder${file%/*}"
			cp -L "$file" "$folder$file"
		}
		mkdir -p "$folder/bin"
		[ -e "$folder/bin/$program" ] ||
			ln -s "$file" "$folder/bin/$program"
	done
}
