# An agent in a machine of its own reaches what is listed, and nothing else: no
# name that is not, and nothing of the host that the machines run on.
. "${0%/*}/qemu_lib.sh"

need socat

# Names that lead to what user-mode networking takes for the host's loopback.
cat >>"$DIR/hosts" <<'EOT'
10.0.2.2 router.test
10.0.2.3 resolver.test
10.0.2.4 alias.test
fd00:736c:7569:6365::2 router6.test
EOT
world_serves listed.test unlisted.test
cat >"$DIR/manifest.yaml" <<'EOT'
routes:
  - host: listed.test
  - {host: router.test, private: true}
  - {host: resolver.test, private: true}
  - {host: alias.test, private: true}
  - {host: router6.test, private: true}
  - {cidr: 10.0.2.0/24, private: true, ports: [81], tls: none}
EOT
for address in 80,bind=127.0.0.1 81,bind=127.0.0.1 80,bind=93.184.216.2; do
	background "host-$address.log" in_host socat -d -d \
		"TCP4-LISTEN:$address,fork" 'SYSTEM:echo the host; cat'
done
background 'host-80,bind=[::1].log' in_host socat -d -d \
	'TCP6-LISTEN:80,bind=[::1],fork' 'SYSTEM:echo the host; cat'

# To an emulated processor it is work to read all the authorities that the
# system trusts, which curl does while its connection waits.
cat >"$FOLDER/tries.sh" <<'EOT'
again='--max-time 30 --retry 3 --retry-all-errors'
curl -sS $again https://listed.test/
curl -sS $again --cacert "$NODE_EXTRA_CA_CERTS" https://unlisted.test/
curl -s --http0.9 --max-time 10 http://router.test/ http://resolver.test/ \
	http://alias.test/ http://router6.test/ http://10.0.2.2:81/ \
	http://10.0.2.3:81/ http://10.0.2.15:81/ http://93.184.216.2/ \
	http://10.77.0.1/ http://127.0.0.1/
cat
exit 7
EOT
echo 'from outside' >"$DIR/in"
run --timings -- sh tries.sh <"$DIR/in"
grep timing "$DIR/gateway.log"
[ "$status" = 7 ] || { cat "$DIR/out"; fail "status $status instead of 7"; }
expect 'hello from listed.test' <"$DIR/out"
expect name_not_listed <"$DIR/out"
expect 'from outside' <"$DIR/out"
! grep 'the host' "$DIR/out" || fail 'the agent has reached the host'
! grep -i 'accepting connection' "$DIR"/host-*.log ||
	fail 'the host has heard of the agent'
world_heard_nothing_of unlisted.test
audit_has '"verdict":"intercept"' '"name":"listed.test"'
audit_has '"reason":"name_not_listed"' '"name":"unlisted.test"'
for name in router resolver alias router6; do
	audit_has '"reason":"address_private"' "\"name\":\"$name.test\""
done
audit_has '"reason":"address_private"' '"address":"10.0.2.2"'
grep -q 'command: first byte' "$DIR/gateway.log" || fail 'no timings'

# The witness: from the host itself it is heard.
in_host curl -sS --http0.9 --max-time 5 http://127.0.0.1/ >"$DIR/got" 2>&1 || :
await grep -q 'accepting connection' "$DIR/host-80,bind=127.0.0.1.log" ||
	fail 'the listener is deaf'
