# A name that a new manifest lists works at once; what was allowed before and
# after never fails in between.
. "${0%/*}/lib.sh"

world_serves always.test spliced.test new.test
old='routes:
  - host: always.test
  - {host: spliced.test, tls: splice}'
manifest "$old"

agent $CURL https://new.test/ | expect name_not_listed
manifest "$old
  - host: new.test"
agent $CURL https://new.test/ | expect 'hello from new.test'
agent $CURL http://new.test/ | expect 'hello from new.test'
manifest "$old"
agent $CURL https://new.test/ | expect name_not_listed

# The world's certificates are trusted too, for what is spliced.
cat >"$DIR/load" <<-'END'
	cat "$1" "$NODE_EXTRA_CA_CERTS" >"$2"
	n=0
	while [ ! -e "$3" ]; do
		for url in https://always.test http://always.test \
			https://spliced.test; do
			curl -sS --cacert "$2" --max-time 10 --fail-early --fail \
				-o /dev/null -o /dev/null -o /dev/null \
				"$url/[1-3]" || exit 1
			n=$((n + 1))
		done
	done
	echo "runs: $n"
END
for i in 1 2 3; do
	agent sh "$DIR/load" "$DIR/world-ca.pem" "$DIR/bundle$i" \
		"$DIR/enough" >"$DIR/load$i.out" 2>&1 &
	eval "load$i=$!"
	PIDS="$PIDS $!"
done
await [ -s "$DIR/bundle3" ] || fail 'no load'
for round in 1 2 3 4 5; do
	manifest "$old
  - host: new.test"
	agent $CURL https://new.test/ | expect 'hello from new.test'
	manifest "$old"
	agent $CURL https://new.test/ | expect name_not_listed
done
: >"$DIR/enough"
for i in 1 2 3; do
	eval "wait \$load$i" || {
		cat "$DIR/load$i.out" >&2
		fail 'an allowed request failed'
	}
	expect '^runs: [1-9]' <"$DIR/load$i.out"
done
