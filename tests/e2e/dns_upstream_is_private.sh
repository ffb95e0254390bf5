# Where the resolvers are asked over TLS, nobody on the way learns a name; a
# resolver that cannot prove who it is learns none either, and there is no
# other way to ask.
RESOLVER='93.184.216.61#one.resolver.test'
WORKERS=1
. "${0%/*}/peers_lib.sh"

need dig

# world_dot NUMBER NAME [MANNER...]: a resolver at 93.184.216.NUMBER, heard in
# dot-NUMBER.log. It may be stopped by its $DOT_NUMBER.
world_dot()
{
	number=$1
	shift
	[ -e "$DIR/$1.pem" ] || world_certificate "$1" "$1"
	ip -n "$WORLD" addr add "93.184.216.$number/24" dev eth0 2>/dev/null ||
		:
	background "dot-$number.log" ip netns exec "$WORLD" python3 \
		"$here/resolver.py" "$DIR" "93.184.216.$number" "$@"
	eval "DOT_$number=$!"
	await grep -q listening "$DIR/dot-$number.log" ||
		fail "resolver $number did not start"
}

heard_by() { grep -c -- "$2" "$DIR/dot-$1.log" || :; }

# Of every name that is asked for, "secret" is a part; the world's servers are
# told of none, so that the wire alone could tell.
nothing_leaked()
{
	world_heard_nothing_of secret
	[ "$(world_packets 'port 53')" -eq 0 ] || fail 'somebody asked in clear'
}

routes='routes: [{host: "*.secret.test"}'
for i in $(seq 0 999); do
	routes="$routes, {host: n$i.secret.test}" # each may be asked for once
done
routes="$routes]"
for i in $(seq 1 20); do
	echo "93.184.217.$i $i.secret.test" >>"$DIR/hosts"
	echo "2606:2800:220:2::$i $i.secret.test" >>"$DIR/hosts"
done
dig='dig +tries=1 +time=6'
asks() { agent $dig +short "$@"; }

# --- by the command line ---
world_dot 61 one.resolver.test
manifest "$routes"
[ "$(asks 1.secret.test A)" = 93.184.217.1 ] || fail 'no A'
[ "$(asks 1.secret.test AAAA)" = 2606:2800:220:2::1 ] || fail 'no AAAA'
expect '^handshake dot full' <"$DIR/dot-61.log"
agent $dig none.secret.test | expect 'ANSWER: 0'
agent $dig a-rather-longer-name-than-the-others.secret.test |
	expect 'ANSWER: 0'
# Lengths tell nothing either.
[ "$(sed -n 's/^question .* //p' "$DIR/dot-61.log" | sort -u)" = 128 ] ||
	fail 'questions are not padded'
nothing_leaked

# One connection is enough for many questions.
agent_does <<-'END'
	from peer import *

	def question(number):
	    labels = b"".join(bytes([len(label)]) + label.encode() for label in
	                      f"n{number}.secret.test".split("."))
	    return struct.pack(">HHHHHH", number, 0x100, 1, 0, 0, 0) + (
	        labels + b"\0" + struct.pack(">HH", 1, 1))

	link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	link.settimeout(PATIENCE)
	link.connect(("10.77.0.1", 53))
	for first in range(0, 1000, 50):
	    left = set(range(first, first + 50))
	    for number in left:
	        link.send(question(number))
	    while left:
	        answer = link.recv(4096)
	        number, flags = struct.unpack_from(">HH", answer)
	        assert flags & 15 in (0, 3), (number, flags)
	        left.discard(number)
END
[ "$(heard_by 61 '^question n[0-9]')" -eq 1000 ] || fail 'not all were asked'
[ "$(heard_by 61 '^connection')" -le 2 ] ||
	fail "$(heard_by 61 '^connection') connections"

# --- by the manifest, and another one at each reload ---
# A certificate for another name: nobody is asked, in no way at all.
world_dot 62 two.resolver.test
manifest "$routes
resolvers: [{address: 93.184.216.62, tls: other.resolver.test}]"
agent $dig 2.secret.test | expect 'status: SERVFAIL'
audit_has '"reason":"upstream_dns"' '"name":"2.secret.test"' \
	'"detail":"resolver 93.184.216.62:853#other.resolver.test: its certificate is for another name"'
expect 'its certificate is for another name' <"$DIR/gateway.log"
[ "$(heard_by 62 '^question')" -eq 0 ] || fail 'it was asked'
# Nor is it tried again at once.
[ "$(heard_by 62 '^connection')" -eq 1 ] || fail 'it does not rest'

# By an authority that nobody trusts.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3 \
	-subj /CN=three.resolver.test \
	-addext subjectAltName=DNS:three.resolver.test \
	-keyout "$DIR/three.resolver.test.key" \
	-out "$DIR/three.resolver.test.pem" 2>/dev/null
world_dot 63 three.resolver.test
manifest "$routes
resolvers: [{address: 93.184.216.63, tls: three.resolver.test}]"
agent $dig 3.secret.test | expect 'status: SERVFAIL'
audit_has '"name":"3.secret.test"' 'its certificate is not good: self-signed'
[ "$(heard_by 63 '^question')" -eq 0 ] || fail 'it was asked'

# One that ends every connection after an answer is connected to anew, and
# knows us again.
world_dot 64 four.resolver.test once
manifest "$routes
resolvers: [{address: 93.184.216.64, tls: four.resolver.test}]"
for i in 4 5 6 7; do
	[ "$(asks $i.secret.test A)" = 93.184.217.$i ] ||
		fail "no answer after $((i - 4)) connections"
done
[ "$(heard_by 64 '^connection')" -ge 4 ] || fail 'the connections did not end'
expect '^handshake dot resumed' <"$DIR/dot-64.log"

# What is dead, or says nothing, has a second behind it.
world_dot 65 five.resolver.test silent
world_dot 66 six.resolver.test deaf
for first in '{address: 93.184.216.61, port: 854, tls: nobody.resolver.test}' \
	'{address: 93.184.216.65, tls: five.resolver.test}' \
	'{address: 93.184.216.66, tls: six.resolver.test}'; do
	manifest "$routes
resolvers:
  - $first
  - {address: 93.184.216.61, port: 853, tls: one.resolver.test}"
	i=$((i + 1))
	[ "$(asks $i.secret.test A)" = 93.184.217.$i ] ||
		fail "no failover from $first"
done
expect '#five.resolver.test: no TLS handshake in time' <"$DIR/gateway.log"
expect '#nobody.resolver.test: cannot connect: Connection refused' <"$DIR/gateway.log"
expect '^unanswered 10.secret.test' <"$DIR/dot-66.log"

# A resolver that went away and came back is asked again.
manifest "$routes"
[ "$(asks 11.secret.test A)" = 93.184.217.11 ] || fail 'no way back'
kill -KILL "$DOT_61"
agent $dig 12.secret.test | expect 'status: SERVFAIL'
world_dot 61 one.resolver.test
comes_back() { [ "$(asks 13.secret.test A)" = 93.184.217.13 ]; }
await comes_back || fail 'it is not asked again'
nothing_leaked

# --- from TLS to clear, and back ---
world_resolves
manifest "$routes
resolvers: [93.184.216.53]"
[ "$(asks 14.secret.test A)" = 93.184.217.14 ] || fail 'no clear way'
world_heard secret || fail 'the witness is deaf'
asked=$(world_packets 'port 53')
[ "$asked" -gt 0 ] || fail 'nothing was asked in clear'
manifest "$routes"
[ "$(asks 15.secret.test A)" = 93.184.217.15 ] || fail 'no way back'
[ "$(world_packets 'port 53')" -eq "$asked" ] || fail 'still in clear'

# --- what cannot be meant changes nothing ---
printf '%s\nresolvers: [%s, %s]\n' "$routes" 192.0.2.1 \
	'{address: 192.0.2.2, tls: two.resolver.test}' >"$DIR/manifest.yaml"
kill -HUP "$GATEWAY_PID"
audit_has '"event":"reload"' 'mistakes in it'
expect 'manifest.yaml:2:24: ' <"$DIR/gateway.log"
