# A connection that is being made when a new manifest comes is judged by that
# one: where it leads must be allowed then, and not only when it began.
. "${0%/*}/lib.sh"

need python3
here=$(cd "${0%/*}" && pwd)
for name in inner outer; do
	echo "10.9.8.7 $name.test" >>"$DIR/hosts"
	world_certificate $name.test $name.test
done
world_certificate both inner.test outer.test
world_serves listed.test
background world-inner.log in_world /usr/bin/python3 "$here/withhold.py" \
	7443 "$DIR/release" "$DIR/both.pem" "$DIR/both.key"
await grep -q listening "$DIR/world-inner.log" || fail 'no origin'
manifest 'routes:
  - {host: inner.test, ports: 7443, private: true}
  - {host: outer.test, ports: 7443, private: true}'

# A private address that is private no longer; one that still may be reached.
for name in inner outer; do
	agent $CURL https://$name.test:7443/ >"$DIR/told-$name" 2>&1 &
	PIDS="$PIDS $!"
	eval "$name=$!"
	await grep -q "\"name\":\"$name.test\"" "$DIR/audit.jsonl" ||
		fail "$name was not judged"
done
await grep -q 'held 2' "$DIR/world-inner.log" || fail 'nothing is under way'
manifest 'routes:
  - {host: inner.test, ports: 7443}
  - {host: outer.test, ports: 7443, private: true}'
: >"$DIR/release"
wait $inner || :
expect '"reason":"policy_changed"' <"$DIR/told-inner"
wait $outer || fail "$(cat "$DIR/told-outer")"
expect '^withheld$' <"$DIR/told-outer"
[ "$(grep -c asked "$DIR/world-inner.log")" -eq 1 ] || fail 'both were asked'
