# A new manifest applies to what is already open: what it no longer admits is
# reset at once, what it still admits does not notice.
. "${0%/*}/steady_lib.sh"

world_steadies spliced.test kept.test raw.test spliced-too.test kept-too.test \
	raw-too.test changed.test denied.test
entries='routes:
  - {host: spliced-too.test, ports: 9443, tls: splice}
  - {host: kept-too.test, ports: 9443}
  - {host: raw-too.test, ports: 9000, tls: none}'
removed='
  - {host: spliced.test, ports: 9443, tls: splice}
  - {host: kept.test, ports: 9443}
  - {host: raw.test, ports: 9000, tls: none}'
manifest "$entries$removed
  - {host: changed.test, ports: 9443, tls: splice}
  - {host: denied.test, ports: 9443}"

hold spliced:get:spliced.test kept:keep:kept.test raw:line:raw.test \
	changed:get:changed.test denied:keep:denied.test \
	spliced-too:get:spliced-too.test kept-too:keep:kept-too.test \
	raw-too:line:raw-too.test
goes_on spliced kept raw changed denied spliced-too kept-too raw-too

# The same in other words changes nothing for anybody.
manifest "$entries$removed
  - {host: changed.test, ports: 9443, tls: splice}
  - {host: denied.test, ports: [9443]}
  - host: another.test"
goes_on spliced kept raw changed denied spliced-too kept-too raw-too

agent_listens
# Three are gone from it, one is to be read from now on, one is denied.
manifest "deny: [{host: denied.test}]
$entries
  - {host: changed.test, ports: 9443}
  - {host: denied.test, ports: 9443}"
has_ended spliced kept raw changed denied
goes_on spliced-too kept-too raw-too
for name in spliced kept raw changed denied; do
	audit_has '"event":"close"' "\"name\":\"$name.test\"" \
		'"reason":"policy_changed"'
done
for name in spliced kept changed denied; do
	was_reset $name.test 9443
done
grep -q ConnectionResetError "$DIR/held-raw" || fail 'raw was not reset'
! _audit_line '"event":"close"' -too.test || fail 'a flow that is admitted ended'

# The origins heard the end, and nothing afterwards.
for name in kept raw denied; do
	last=$(grep -c "$name.test" "$DIR/world-steady.log")
	goes_on kept-too raw-too
	[ "$(grep -c "$name.test" "$DIR/world-steady.log")" -eq "$last" ] ||
		fail "$name still gets through"
done
[ "$(grep -c '^end ' "$DIR/world-steady.log")" -eq 5 ] ||
	fail 'not every origin was told'

# Nobody comes back either.
for url in https://spliced.test:9443 https://kept.test:9443 \
	http://raw.test:9000 https://denied.test:9443; do
	agent $CURL --max-time 3 "$url/again" >"$DIR/again" 2>&1 || :
	! grep -q tick "$DIR/again" || fail "$url is still reached"
done
! grep -q again "$DIR/world-steady.log" || fail 'a refused one came through'

# No name at all ends them all.
manifest 'routes: []'
has_ended spliced-too kept-too raw-too
died 0
