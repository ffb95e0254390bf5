# A manifest with ten mistakes is told of all ten, by line and column, and
# admits nothing: the gateway does not start with it, and one that runs goes on
# as if it had not been shown it. The same for one that is not there.
. "${0%/*}/steady_lib.sh"

world_steadies listed.test unlisted.test

cat >"$DIR/bad.yaml" <<'END'
mode: perhaps
refusals: loud
deny:
  - {host: 10.0.0.1}
routes:
  - {host: a.test, ports: htpps}
  - {host: "*.co.uk"}
  - {host: b.test, port: 443}
  - {cidr: 203.0.113.9/24, ports: 22}
  - {host: c.test, tls: maybe}
  - {host: d.test, private: yes}
  - {host: listed.test, host: unlisted.test}
  - host: unlisted.test
END
cat >"$DIR/places" <<'END'
1:7: .*perhaps
2:11: .*loud
4:12: .*is an address, not a host name
6:27: expected a port from 1 to 65535, found "htpps"
7:12: .*names that anybody can register
8:20: unknown key "port"
9:12: .*bits set after its prefix
10:25: .*maybe
11:29: .*true or false
12:25: duplicate key "host"
END

# has_ten FILE NAME: in it are the ten messages about NAME, and no eleventh.
has_ten()
{
	while IFS= read -r place; do
		grep -q -- "^$2:$place" "$1" || {
			cat "$1" >&2
			fail "no message $place"
		}
	done <"$DIR/places"
	[ "$(grep -c "^$2:[0-9]*:[0-9]*: ." "$1")" -eq 10 ] || {
		cat "$1" >&2
		fail 'not ten messages'
	}
}

# refuses_to_start MANIFEST: with status 1, and in a bounded time.
refuses_to_start()
{
	status=0
	timeout -k 1 20 ip netns exec "$GATEWAY" "$BIN/sluice-gateway" \
		--internal int0 --agent 10.77.0.2 --manifest "$1" \
		--audit "$DIR/early.jsonl" --resolver 93.184.216.53 \
		>"$DIR/start" 2>&1 </dev/null || status=$?
	[ $status -eq 1 ] || {
		cat "$DIR/start" >&2
		fail "status $status, not 1"
	}
}

if [ -x "$BIN/sluice" ]; then
	status=0
	"$BIN/sluice" check "$DIR/bad.yaml" >"$DIR/check" 2>&1 || status=$?
	[ $status -eq 1 ] || fail "sluice check: status $status"
	has_ten "$DIR/check" "$DIR/bad.yaml"
	status=0
	"$BIN/sluice" check "$DIR/none.yaml" >"$DIR/check" 2>&1 || status=$?
	[ $status -eq 1 ] || fail "sluice check: status $status for no file"
fi

# A gateway that cannot start has shut the door first.
refuses_to_start "$DIR/bad.yaml"
has_ten "$DIR/start" "$DIR/bad.yaml"
refuses_to_start "$DIR/none.yaml"
grep -q 'cannot read .*none.yaml' "$DIR/start" || fail 'no reason given'
in_gateway nft list table inet sluice >/dev/null || fail 'no rules'
[ ! -s "$DIR/early.jsonl" ] || fail 'it recorded something'
before=$(world_packets)
for name in listed.test unlisted.test; do
	in_agent $CURL --max-time 1 "http://$(world_address $name)/shut" \
		>/dev/null 2>&1 && fail "$name was reached without a gateway"
done
[ "$(world_packets)" -eq "$before" ] || fail 'the world was reached'

manifest 'routes: [{host: listed.test, ports: [80, 443, 9443]}]'
hold kept:keep:listed.test download:get:listed.test

# shown: the file that is there now, by SIGHUP.
shown()
{
	before=$(grep -c '"event":"reload"' "$DIR/audit.jsonl" || true)
	kill -HUP "$GATEWAY_PID"
	await _gateway_reloaded "$before" || fail 'the record says nothing'
}

# As it was: connections go on, new ones are judged as before.
nothing_changed()
{
	goes_on kept download
	agent $CURL https://listed.test/ | expect 'hello from listed.test'
	agent $CURL https://unlisted.test/ | expect name_not_listed
	agent $CURL https://a.test/ | expect name_not_listed
}

nothing_changed
cp "$DIR/bad.yaml" "$DIR/manifest.yaml"
shown
audit_has '"event":"reload"' '"detail":"refused: mistakes in it"'
has_ten "$DIR/gateway.log" "$DIR/manifest.yaml"
nothing_changed

rm "$DIR/manifest.yaml"
shown
audit_has '"event":"reload"' '"detail":"refused: cannot be read"'
grep -q 'cannot read .*manifest.yaml' "$DIR/gateway.log" ||
	fail 'no reason given'
nothing_changed

: >"$DIR/manifest.yaml"
shown
nothing_changed
printf 'routes: []\n\0' >"$DIR/manifest.yaml"
shown
nothing_changed
! grep -q '"detail":"applies"' "$DIR/audit.jsonl" || fail 'one of them applied'
world_heard_nothing_of unlisted 'a\.test'

# The next good one does.
manifest 'routes: [{host: unlisted.test}]'
audit_has '"event":"reload"' '"detail":"applies"'
has_ended kept download
agent $CURL https://listed.test/ | expect name_not_listed
died 0
