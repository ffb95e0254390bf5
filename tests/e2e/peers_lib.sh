# peers_lib.sh - lib.sh with origins of our own instead of nginx: peer.py's

. "${0%/*}/lib.sh"

need python3 dnsmasq openssl
here=$(cd "${0%/*}" && pwd)
export PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1

# world_resolves [OPTION...]: the names that the world has by now, by dnsmasq.
world_resolves()
{
	background dnsmasq.log in_world dnsmasq --keep-in-foreground \
		--conf-file=/dev/null --no-resolv --no-hosts --no-daemon \
		--addn-hosts="$DIR/hosts" --local=/test/ --log-queries --log-facility=- \
		--listen-address=93.184.216.53 --bind-interfaces \
		--cache-size=0 --local-ttl=60 --user=root --pid-file= "$@"
	await grep -q started "$DIR/dnsmasq.log" || fail 'dnsmasq did not start'
}

# world_peers NAME...: each with an address and a certificate, all of them
# served by peer.py on 80 and 443, or on $PORTS.
world_peers()
{
	world_certificate unnamed unnamed.test
	for name; do
		_world_name "$name"
		[ -e "$DIR/$name.pem" ] || world_certificate "$name" "$name"
	done
	background world-origin.log in_world python3 "$here/peer.py" origin \
		"$DIR" ${PORTS:-}
	await grep -q listening "$DIR/world-origin.log" ||
		fail 'the origins did not start'
}

# world_tcp NAME...: raw services on the ports 7000 to 7002.
world_tcp()
{
	for name; do
		_world_name "$name"
	done
	background world-tcp.log in_world python3 "$here/peer.py" tcp \
		7000 7001 7002
	await grep -q listening "$DIR/world-tcp.log" ||
		fail 'the raw services did not start'
}

# agent_does: a Python program from standard input, as the agent.
agent_does()
{
	cat >"$DIR/agent.py"
	agent python3 "$DIR/agent.py" "$@" || fail 'the agent saw otherwise'
}
