# Listed names resolve as they would anywhere, over UDP and TCP and both
# families; of other types there is nothing, but never a denial that they exist.
. "${0%/*}/peers_lib.sh"

need dig
_world_name listed.test
_world_name end.test
_world_name four.test
for name in below.test a.below.test b.a.below.test xbelow.test; do
	_world_name $name
done
sed -i '/:.* four\.test$/d' "$DIR/hosts"
for i in $(seq 1 60); do
	echo "93.184.217.$i many.test" >>"$DIR/hosts"
done
world_resolves --cname=chain.test,middle.test --cname=middle.test,end.test \
	--txt-record=listed.test,secret --mx-host=listed.test,mail.test,10
manifest 'routes:
  - host: listed.test
  - host: chain.test
  - host: four.test
  - host: many.test
  - host: nowhere.test
  - host: "*.below.test"
  - {host: virtual.test, ports: 22, tls: none}'
address=$(world_address listed.test)
address6=2606:2800:220:1::${address##*.}

for server in 10.77.0.1 fd73:6c75:6963:1::1; do
	for over in +notcp +tcp; do
		dig="dig +tries=1 +time=5 $over @$server"
		[ "$(agent $dig +short listed.test A)" = "$address" ] ||
			fail "A of listed.test, $over"
		[ "$(agent $dig +short LISTED.test. AAAA)" = \
			"2606:2800:220:1::101" ] || fail "AAAA, $over"
		agent $dig nowhere.test | expect 'status: NXDOMAIN'
	done
done
dig='dig +tries=1 +time=5'

# Of an alias the addresses at its end, though the way there is not listed.
agent $dig +short chain.test A | expect "^$(world_address end.test)\$"
agent $dig +short middle.test A >"$DIR/got"
! grep -q "$(world_address end.test)" "$DIR/got" || fail 'middle.test leaks'

# No data is not "no such name".
for type in AAAA TXT MX HTTPS SVCB SRV NS ANY CAA TYPE65400; do
	agent $dig four.test $type >"$DIR/told"
	expect 'status: NOERROR' <"$DIR/told"
	expect 'ANSWER: 0,' <"$DIR/told"
	expect '^four.test.*SOA' <"$DIR/told"
	agent $dig listed.test $type >"$DIR/told"
	expect 'status: NOERROR' <"$DIR/told"
	[ $type = AAAA ] || expect 'ANSWER: 0,' <"$DIR/told"
done
world_heard_nothing_of secret 'query\[TXT\]' 'query\[HTTPS\]'

# A star is for what is below, one label or more, and not for the name itself
# nor one that merely ends so.
for name in a.below.test b.a.below.test; do
	[ "$(agent $dig +short $name A)" = "$(world_address $name)" ] ||
		fail "A of $name"
done
for name in below.test xbelow.test; do
	agent $dig $name A | expect 'EDE: 15'
done
world_heard_nothing_of xbelow 'query\[[A]*\] below.test'

# A virtual address is the same each time, and one name's alone.
first=$(agent $dig +short virtual.test A)
case $first in 198.18.* | 198.19.*) ;; *) fail "not virtual: $first" ;; esac
[ "$(agent $dig +short +tcp virtual.test A)" = "$first" ] || fail 'it moved'

# What does not fit is said to be cut, and is whole over TCP. Of its 60 addresses
# it keeps 32, which no answer without EDNS has room for.
for server in 10.77.0.1 fd73:6c75:6963:1::1; do
	agent $dig @$server +noedns +ignore many.test >"$DIR/told"
	expect 'flags:.* tc' <"$DIR/told"
	expect 'ANSWER: 0,' <"$DIR/told"
	for over in +noedns +tcp +bufsize=4096; do
		agent $dig @$server $over many.test >"$DIR/told"
		! grep -q 'flags:.* tc' "$DIR/told" || fail "cut, $over"
		[ "$(grep -c 'A	93.184.217' "$DIR/told")" -eq 32 ] ||
			fail "not all of it, $over"
	done
done
# No EDNS in the question, none in the answer; another version is refused.
agent $dig +noedns listed.test >"$DIR/told"
! grep -q 'OPT PSEUDOSECTION' "$DIR/told" || fail 'EDNS was not asked for'
agent $dig +edns=1 +noednsneg listed.test | expect 'status: BADVERS'
agent $dig +opcode=NOTIFY listed.test | expect 'status: NOTIMP'

# Many questions in one segment of TCP are all answered.
agent_does <<-'END'
	from peer import *

	def question(number, name, kind=1):
	    labels = b"".join(bytes([len(label)]) + label.encode()
	                      for label in name.split("."))
	    body = struct.pack(">HHHHHH", number, 0x100, 1, 0, 0, 0) + (
	        labels + b"\0" + struct.pack(">HH", kind, 1))
	    return struct.pack(">H", len(body)) + body

	link = socket.create_connection(("10.77.0.1", 53), PATIENCE)
	names = ["listed.test", "unlisted.test", "chain.test", "virtual.test"]
	link.sendall(b"".join(question(i, names[i % 4]) for i in range(200)))
	# And one that comes byte by byte.
	for byte in question(200, "listed.test"):
	    link.sendall(bytes([byte]))
	stream = link.makefile("rb")
	left = set(range(201))
	while left:
	    size, = struct.unpack(">H", read_exactly(stream, 2))
	    reply = read_exactly(stream, size)
	    number, flags, _, answers = struct.unpack(">HHHH", reply[:8])
	    left.remove(number)
	    assert flags & 0x8000 and flags & 15 == 0, (number, hex(flags))
	    assert answers >= 1, number
END
