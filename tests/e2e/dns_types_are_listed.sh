# Record types besides addresses are told where the manifest lists them, for
# that name, and asked for nowhere else. What they lead to is told by name, and
# is no permission.
. "${0%/*}/peers_lib.sh"

need dig jq
DIG='dig +time=2 +tries=1'
_world_name listed.test
_world_name mail.test
_world_name end.test
_world_name plain.test
long=$(printf '%0200d' 0)
# One of each, an alias, and what nobody is told. An NS and an HTTPS record, as
# dnsmasq takes them: in hexadecimal, "ns.test" and "1 . alpn=h3".
world_resolves --cname=alias.test,end.test --txt-record=end.test,at-the-end \
	--txt-record=listed.test,'one string','two "strings"' \
	--txt-record=_acme-challenge.a.wild.test,token \
	--txt-record=plain.test,secret --txt-record=end.wild.test,secret \
	--txt-record=big.test,"$long" --txt-record=big.test,"1$long" \
	--txt-record=big.test,"2$long" --txt-record=big.test,"3$long" \
	--txt-record=big.test,"4$long" --txt-record=big.test,"5$long" \
	--txt-record=big.test,"6$long" --txt-record=big.test,"7$long" \
	--mx-host=listed.test,Mail.test,10 \
	--mx-host=shy.test,mail.test,10 \
	--srv-host=_ldap._tcp.wild.test,end.test,389,1,2 \
	--naptr-record=listed.test,100,10,s,SIP+D2U,,_sip._udp.listed.test \
	--caa-record=listed.test,0,issue,ca.example \
	--dns-rr=listed.test,2,026e7304746573740000 \
	--dns-rr=listed.test,65,00010000010003026833
manifest 'routes:
  - {host: listed.test, dns: [TXT, MX, NAPTR, CAA, NS]}
  - {host: alias.test, dns: TXT}
  - {host: big.test, dns: TXT}
  - {host: virtual.test, ports: 22, tls: none, dns: [TXT, SOA]}
  - {host: "*.wild.test", dns: [SRV, TXT]}
  - host: end.wild.test
  - host: plain.test'

"$BIN/sluice" check "$DIR/manifest.yaml" |
	expect 'listed.test .*  dns: TXT,MX,NAPTR,CAA,NS  (line 2)$'

short() { agent $DIG +short "$@"; }

# As another implementation reads them, over both.
for over in +notcp +tcp; do
	short $over listed.test TXT | expect '^"one string" "two \\"strings\\""$'
	short $over LISTED.test MX | expect '^10 mail.test.$'
	short $over listed.test CAA | expect '^0 issue "ca.example"$'
	short $over listed.test NAPTR |
		expect '^100 10 "s" "SIP+D2U" "" _sip._udp.listed.test.$'
	short $over _ldap._tcp.wild.test SRV | expect '^1 2 389 end.test.$'
	short $over _acme-challenge.a.wild.test TXT | expect '^"token"$'
done

# The end of the chain, told for the name that was asked; nothing beside it.
agent $DIG alias.test TXT >"$DIR/told"
expect '^alias.test.*TXT.*"at-the-end"' <"$DIR/told"
expect 'ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1$' <"$DIR/told"
agent $DIG listed.test MX | expect 'ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1$'

# What does not fit is said to be cut, and is whole over TCP.
agent $DIG +ignore big.test TXT >"$DIR/told"
expect 'flags:.* tc' <"$DIR/told"
expect 'ANSWER: 0,' <"$DIR/told"
[ "$(short big.test TXT | grep -c "$long")" -eq 8 ] || fail 'it was cut'

# Long answers that are not taken hold up the questions, and none is lost.
agent_does <<-'END'
	from peer import *

	def question(number):
	    body = struct.pack(">HHHHHH", number, 0x100, 1, 0, 0, 0) + (
	        b"\3big\4test\0" + struct.pack(">HH", 16, 1))
	    return struct.pack(">H", len(body)) + body

	link = socket.socket()
	link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
	link.settimeout(PATIENCE)
	link.connect(("10.77.0.1", 53))
	link.sendall(b"".join(question(i) for i in range(500)))
	stream = link.makefile("rb")
	left = set(range(500))
	while left:
	    size, = struct.unpack(">H", read_exactly(stream, 2))
	    reply = read_exactly(stream, size)
	    number, flags, _, answers = struct.unpack(">HHHH", reply[:8])
	    left.remove(number)
	    assert flags & 0x20f == 0 and answers == 8, (number, flags, answers)
END

# The target is a name like any other: refused, and not asked for.
agent $DIG mail.test A | expect 'EDE: 15 (Blocked).*name_not_listed'
agent $DIG mail.test TXT | expect 'status: NXDOMAIN'

# Everything else is no data, and no question goes out for it.
no_data()
{
	agent $DIG "$@" >"$DIR/told"
	expect 'status: NOERROR' <"$DIR/told"
	expect 'ANSWER: 0,' <"$DIR/told"
}
for type in HTTPS SVCB SRV SOA PTR CNAME NULL ANY DNSKEY RRSIG TYPE65400; do
	no_data listed.test $type
done
no_data plain.test TXT
no_data end.wild.test TXT # its own route says nothing of types
no_data a.wild.test MX
# What is listed and is not there, for a virtual address as well.
agent $DIG virtual.test TXT | expect 'ANSWER: 0,'
audit_has '"dns"' '"type":"TXT"' '"name":"plain.test"' '"reason":"dns_type"'
audit_has '"dns"' '"type":"HTTPS"' '"name":"listed.test"' '"reason":"dns_type"'
audit_has '"dns"' '"type":"MX"' '"name":"listed.test"' '"reason":"allowed"'
world_heard_nothing_of secret mail.test 'query\[HTTPS\]' 'query\[SVCB\]' \
	'query\[type=6[45]' 'query\[SOA\]' 'query\[CNAME\]' 'query\[ANY\]' \
	'query\[DNSKEY\]' plain.test end.wild.test

# Below a wildcard the agent chooses the names: the budget is for all types.
for i in $(seq 1 40); do
	echo "n$i.wild.test TXT"
done >"$DIR/batch"
agent $DIG -f "$DIR/batch" | expect 'EDE: 15 (Blocked).*dns_tunnel_suspect'
grep -i -o 'query\[TXT\] n[0-9]*[.]wild' "$DIR/dnsmasq.log" | tr A-Z a-z |
	sort -u >"$DIR/heard"
[ "$(wc -l <"$DIR/heard")" -gt 0 ] || fail 'nothing was heard'
[ "$(wc -l <"$DIR/heard")" -lt 24 ] || fail 'the budget is not for TXT'

# A new manifest applies to what is known already.
manifest 'routes: [{host: listed.test, dns: MX}]'
no_data listed.test TXT
short listed.test MX | expect '^10 mail.test.$'
