# Refusals of one name and type are recorded at the first, then counted; what
# was counted is in the record when the gateway has ended.
. "${0%/*}/lib.sh"

need dig jq
world_serves listed.test
manifest 'routes: [{host: listed.test}]'

# One run of dig asks one after the other.
agent dig +time=2 +tries=1 +noall +answer +comments \
	$(for i in $(seq 40); do echo again.unlisted.test; done) \
	>"$DIR/answers"
[ "$(grep -c 'EDE: 15 (Blocked)' "$DIR/answers")" -eq 40 ] ||
	fail 'not every refusal says so'
[ "$(grep -o '(id [a-z0-9]*' "$DIR/answers" | sort -u | wc -l)" -eq 1 ] ||
	fail 'the same refusal has several ids'
id=$(grep -o '(id [a-z0-9]*' "$DIR/answers" | head -n 1)
audit_has '"name":"again.unlisted.test"' "\"id\":\"${id#(id }\""

kill -TERM "$GATEWAY_PID"
wait "$GATEWAY_PID" || fail 'the gateway did not end well'
GATEWAY_PID=
grep '"name":"again.unlisted.test"' "$DIR/audit.jsonl" >"$DIR/lines"
[ "$(wc -l <"$DIR/lines")" -le 8 ] || fail 'they share no line'
jq -s 'map(.count // 1) | add' "$DIR/lines" | expect '^40$'
