# crowd_lib.sh - h2_lib.sh and a crowd of connections: crowd.py's

. "${0%/*}/h2_lib.sh"

# What stays and what goes.
world_crowd()
{
	world_h2 -- stays.test goes.test
	world_certificate crowd stays.test goes.test
	background world-crowd.log in_world $PYTHON "$here/crowd.py" serve \
		"$DIR/crowd.pem" "$DIR/crowd.key"
	await grep -q serving "$DIR/world-crowd.log" || fail 'nobody serves'
	world_resolves
}

# crowd_routes NAME [PATH]: its routes; PATH is what is admitted in HTTP/2.
crowd_routes()
{
	cat <<-EOF
		  - {host: $1, ports: 9000, tls: none}
		  - {host: $1, ports: 9443, tls: splice}
		  - {host: $1, ports: 9444}
		  - host: $1
		    ports: 443
		    matches: [{paths: [{type: prefix, value: ${2:-/echo}}]}]
	EOF
}

# crowd EACH: EACH connections of a kind, to either, are there and alive.
crowd()
{
	rm -f "$DIR/open" "$DIR/applied"
	manifest "routes:
$(crowd_routes stays.test)
$(crowd_routes goes.test)"
	chmod 755 "$DIR"
	agent $PYTHON "$here/crowd.py" hold "$DIR" "$DIR/world-ca.pem" "$1" \
		>"$DIR/crowd.out" 2>&1 &
	CROWD=$!
	PIDS="$PIDS $CROWD"
	# It gives up by itself.
	until [ -e "$DIR/open" ]; do
		kill -0 $CROWD 2>/dev/null || _crowd_fails
		sleep 0.05
	done
}

# What half of them are not admitted by.
crowd_parts()
{
	echo 'routes:'
	crowd_routes stays.test /echo/stays
}

_crowd_fails()
{
	cat "$DIR/crowd.out" >&2
	fail 'the crowd saw otherwise'
}

# Of what has gone by now all is closed, and what stays goes on.
crowd_has_parted()
{
	: >"$DIR/applied"
	wait $CROWD || _crowd_fails
	expect '^as it should be' <"$DIR/crowd.out"
}
