# Over IPv6 the agent has the same world: listed names in all their forms, and
# refusals. A name may have either family alone, or an address that is dead.
. "${0%/*}/peers_lib.sh"

world_peers both.test spliced.test four.test six.test dead.test unlisted.test
world_tcp raw.test
# After the names have their numbers: take away, or point into nothing.
sed -i -e '/:.* four\.test$/d' -e '/\..* six\.test$/{/:/!d}' \
	-e 's/^.*:.* dead\.test$/2606:2800:220:1::dead dead.test/' "$DIR/hosts"
# Packets to the dead one arrive at nobody, and nobody says so.
ip -n "$GATEWAY" neigh add 2606:2800:220:1::dead lladdr 02:00:00:00:00:01 \
	dev up0 nud permanent
world_resolves
manifest 'routes:
  - host: both.test
  - host: four.test
  - host: six.test
  - host: dead.test
  - {host: spliced.test, tls: splice}
  - {host: raw.test, ports: 7000, tls: none}'

for url in http https; do
	for family in 4 6; do
		agent $CURL "-$family" "$url://both.test/" |
			expect 'hello from both.test'
		agent $CURL "-$family" "$url://unlisted.test/" |
			expect '"allow":"- host: unlisted.test"'
	done
	agent $CURL "$url://four.test/" | expect 'hello from four.test'
	agent $CURL "$url://six.test/" | expect 'hello from six.test'
	# The dead one is preferred, and would take minutes to be given up.
	agent $CURL --max-time 5 "$url://dead.test/" |
		expect 'hello from dead.test'
	agent $CURL --max-time 5 -6 "$url://dead.test/" |
		expect 'hello from dead.test'
done
agent $CURL -6 --cacert "$DIR/world-ca.pem" https://spliced.test/ |
	expect 'hello from spliced.test'
agent_fails curl -4 -sS --max-time 5 https://six.test/
agent_fails curl -6 -sS --max-time 5 https://four.test/
agent_does <<-'END'
	from peer import *
	link = connect("raw.test", 7000, socket.AF_INET6, False)
	link.sendall(b"\0echo")
	assert link.makefile("rb").read(5) == b"\0echo"
END
audit_has '"event":"connect"' '"agent":"fd73:' '"verdict":"intercept"'
audit_has '"event":"connect"' '"agent":"fd73:' '"verdict":"relay"'
world_heard_nothing_of unlisted
