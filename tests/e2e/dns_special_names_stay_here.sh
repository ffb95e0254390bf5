# Names of special use are answered by the gateway itself: nothing of them
# reaches the world, not even where a route lists them.
. "${0%/*}/lib.sh"

need dig
world_serves listed.test
manifest 'routes: [{host: listed.test}, {host: hidden.onion},
  {host: use-application-dns.net},
  {host: nothing.invalid}, {host: "*.10.in-addr.arpa"}, {host: app.localhost}]'
DIG='dig +time=2 +tries=1 +noall +comments +answer'

agent $DIG listed.test | expect '93.184.216'
# The capture lags: one question has arrived, and only one is to.
one() { [ "$(world_packets udp or tcp)" -eq 1 ]; }
await one || fail 'the capture has not the one question that was asked'
for name in hidden.onion nothing.invalid printer printer.local nas.home.arpa \
	build.internal other.onion use-application-dns.net; do
	for type in A AAAA TXT; do
		agent $DIG $name $type | expect 'NXDOMAIN'
	done
done
agent $DIG -x 10.1.2.3 | expect 'NXDOMAIN'
agent $DIG -x 192.168.1.1 | expect 'NXDOMAIN'
agent $DIG -x fd00::1 | expect 'NXDOMAIN'
for name in localhost app.localhost; do
	agent $DIG $name A | expect '127.0.0.1$'
	agent $DIG $name AAAA | expect '::1$'
	agent $DIG $name MX | expect 'NOERROR'
done
sleep 0.2 # for a packet that should not be there
one || fail 'something reached the world'
world_heard_nothing_of onion invalid printer in-addr
agent $DIG listed.test | expect '93.184.216'
