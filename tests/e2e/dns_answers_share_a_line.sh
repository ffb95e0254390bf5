# Answers alike are recorded at the first, then counted, unless something was
# asked upstream; what was counted is in the record when the gateway has ended.
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

agent dig +time=2 +tries=1 +short \
	$(for i in $(seq 40); do echo listed.test; done) >"$DIR/answers"
[ "$(wc -l <"$DIR/answers")" -eq 40 ] || fail 'not every question is answered'

kill -TERM "$GATEWAY_PID"
wait "$GATEWAY_PID" || fail 'the gateway did not end well'
GATEWAY_PID=
for name in again.unlisted.test listed.test; do
	grep "\"event\":\"dns\".*\"name\":\"$name\"" "$DIR/audit.jsonl" \
		>"$DIR/lines"
	[ "$(wc -l <"$DIR/lines")" -le 8 ] || fail "$name shares no line"
	jq -s 'map(.count // 1) | add' "$DIR/lines" | expect '^40$'
done
