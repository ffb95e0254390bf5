# `sluice log` shows what the record has, by what is asked for, across files
# that were put aside, and goes on with those that come.
. "${0%/*}/dns_lib.sh"

record=$DIR/audit.jsonl
world_serves listed.test
GATEWAY_OPTIONS='--audit-size 64K --audit-keep 2'
manifest 'routes: [{host: listed.test}]'
log() { "$BIN/sluice" log "$@" "$record"; }

agent curl -sS -o "$DIR/page" https://listed.test/some/page
agent curl -sS -o "$DIR/page" https://refused.test/
audit_has '"event":"request"' '"path":"/some/page"'
audit_has '"name":"refused.test"' '"event":"request"'

log --text --event request --name 'listed.*' >"$DIR/shown"
expect 'intercept request  GET listed.test:443/some/page -> 200' <"$DIR/shown"
log --text --verdict deny --name refused.test >"$DIR/shown"
expect 'deny .* refused.test.* name_not_listed .* allow: - host: refused.test' \
	<"$DIR/shown"
id=$(sed -n 's/.* id \([^ ]*\).*/\1/p' "$DIR/shown" | head -n 1)
log --text --id "$id" | expect "id $id"

# In a pipe it is what is in the file.
log | cmp - "$record" || fail 'it is not the file'
log --since 1h | cmp - "$record" || fail 'an hour ago is not long ago'
[ -z "$(log --since 2999-01-01)" ] || fail 'that is still to come'
log --since yesterday 2>"$DIR/error" && fail 'yesterday is no time'
expect 'neither so long ago' <"$DIR/error"

# Followed over files that are full; the oldest of those go.
background followed in_agent "$BIN/sluice" log -f --json --event dns "$record"
cat >"$DIR/many.py" <<'END2'
import sys
from dns_peer import *
for i in range(200):
    over_udp(GATEWAYS[0], query(f"many{sys.argv[1]}-{i}.unlisted.test", A, i))
END2
asked=0
until [ -e "$DIR/oldest" ] && [ ! -e "$(cat "$DIR/oldest")" ]; do
	asked=$((asked + 1))
	[ $asked -lt 30 ] || fail 'no file is removed'
	agent python3 "$DIR/many.py" $asked
	await grep -q "\"name\":\"many$asked-199.unlisted.test\"" \
		"$DIR/followed" || fail 'it does not go on'
	ls "$record".* 2>/dev/null | head -n 1 | grep . >"$DIR/oldest.new" &&
		[ ! -e "$DIR/oldest" ] && mv "$DIR/oldest.new" "$DIR/oldest"
done
[ "$(grep -c many "$DIR/followed")" -eq $((asked * 200)) ] ||
	fail 'lines are missing'
[ "$(ls "$record".* | wc -l)" -eq 2 ] || fail "kept: $(ls "$record".*)"
"$BIN/sluice" log --verify "$record" >"$DIR/verified" ||
	fail "$(cat "$DIR/verified")"
expect 'what was before is not here' <"$DIR/verified"

# A record that another wrote does not speak to the terminal.
printf '%s\n' '{"time":"\u001b[2J","event":"\u0007","name":"a\u001bb"}' \
	'no record' >"$DIR/foreign"
"$BIN/sluice" log --text "$DIR/foreign" >"$DIR/shown" 2>"$DIR/error"
grep -q "$(printf '\033')" "$DIR/shown" && fail 'an escape sequence'
expect 'foreign: line 2 is no line of a record' <"$DIR/error"
