# sluice-gateway as the first process of a virtual machine, from a file of its
# words, with cards by their hardware addresses; the record goes to the host by
# a port, and while the host does not take it nothing new is admitted.
. "${0%/*}/vm_lib.sh"

world_serves listed.test
wire "$GATEWAY" int0 tap0
wire "$GATEWAY" up0 tap1
# The namespace itself only says how far the capture has come.
ip -n "$GATEWAY" addr add 93.184.216.3/24 dev b-tap1
ip -n "$GATEWAY" neigh add 93.184.216.1 dev b-tap1 lladdr \
	"$(in_world cat /sys/class/net/eth0/address)"
_world_ca
echo 'routes: [{host: listed.test}]' >"$DIR/manifest.yaml"
# The table has an expression of most kinds that there are.
modules virtio_pci virtio_net virtio-rng virtio_console nf_tables nft_chain_nat \
	nft_ct nft_redir nft_nat nft_reject_inet nft_log nfnetlink_log nft_limit \
	nft_fib_inet nft_connlimit nft_socket nf_conntrack_netlink >"$DIR/modules"
files=$(ldd "$BIN/sluice-gateway" | grep -o '/[^ ]*' | awk '{ print $1 ":" $1 }')

# shellcheck disable=SC2086 # lists
python3 "$HOST" initramfs "$DIR/initramfs" "$BIN/sluice-gateway" \
	"$DIR/modules" $files "$DIR/manifest.yaml:/sluice/manifest.yaml" \
	"$DIR/world-ca.pem:/sluice/trust.pem" \
	-- --init --internal mac=52:54:00:77:00:01 \
	--internal-address 10.77.0.1/30 \
	--internal-address fd73:6c75:6963:1::1/126 --agent 10.77.0.2 \
	--agent fd73:6c75:6963:1::2 --uplink mac=52:54:00:77:00:ff \
	--uplink-address 93.184.216.2/24 --uplink-gateway 93.184.216.1 \
	--manifest /sluice/manifest.yaml --trust /sluice/trust.pem \
	--audit /dev/virtio-ports/sluice.audit --resolver 93.184.216.53
# A gateway with sanitizers is larger than one without.
# shellcheck disable=SC2046
background gateway.log ip netns exec "$GATEWAY" python3 "$HOST" sidecar "$DIR" \
	-- $(machine "$(grep -q __asan_init "$BIN/sluice-gateway" &&
		echo 1024 || echo 128)") -append "$(echo $APPEND)" \
	-initrd "$DIR/initramfs" $(card 0 tap0 52:54:00:77:00:01) \
	$(card 1 tap1 52:54:00:77:00:ff)
await_machine [ -e "$DIR/ready" ] || {
	cat "$DIR/console" >&2
	fail 'the gateway did not start'
}

agent $CURL https://listed.test/ | expect 'hello from listed.test'
agent $CURL https://unlisted.test/ | expect name_not_listed
audit_has '"event":"start"' '"seq":1,'
audit_has '"verdict":"deny"' '"name":"unlisted.test"'
world_heard_nothing_of unlisted.test

# A host that is deaf: what can be kept is kept, then nothing is admitted.
: >"$DIR/deaf"
refuses() { ! agent $CURL https://listed.test/ | grep -q hello; }
cat >"$DIR/ask.py" <<'END'
import socket
for number in range(4000):
    question = b"\0\1\1\0\0\1\0\0\0\0\0\0\x3f" + b"x" * 63 + b"\4" \
        b"%04d" % number + b"\4test\0\0\1\0\1"
    asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asking.settimeout(0.5)
    asking.sendto(question, ("10.77.0.1", 53))
    try:
        asking.recv(512)
    except OSError:
        pass
END
agent python3 "$DIR/ask.py"
await refuses || fail 'what cannot be recorded is admitted'
rm "$DIR/deaf"
takes() { agent $CURL https://listed.test/ | grep -q hello; }
await takes || fail 'it never recovers'

# No line is missing, or cut.
python3 - "$DIR/audit.jsonl" <<'END' || fail 'the record has a gap'
import json, sys
numbers = [json.loads(line)["seq"] for line in open(sys.argv[1])]
assert numbers == list(range(1, len(numbers) + 1)), numbers
END
