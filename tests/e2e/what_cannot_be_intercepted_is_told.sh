# Where TLS cannot be ended on the way, because the origin wants a certificate
# of its client or the client does not take the gateway's, that is recognised,
# and told with the line of manifest that helps. It is never passed by itself.
. "${0%/*}/lib.sh"

need python3
export PYTHONPATH="${0%/*}" PYTHONDONTWRITEBYTECODE=1
world_serves listed.test cloudflare-ech.com
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-subj '/CN=a client' -keyout "$DIR/client.key" \
	-out "$DIR/client.pem" 2>/dev/null

# origin PORT OPTION...: one that asks its clients for a certificate.
origin()
{
	port=$1
	shift
	background "world-$port.log" in_world openssl s_server -www \
		-accept "$port" -cert "$DIR/listed.test.pem" \
		-key "$DIR/listed.test.key" -CAfile "$DIR/client.pem" \
		-verify_return_error "$@"
	await grep -q ACCEPT "$DIR/world-$port.log" || fail 'no origin'
}
origin 7002 -Verify 1 -tls1_2
origin 7003 -Verify 1 -tls1_3
origin 7004 -verify 1
# s_server has no HTTP/2, but may say so.
origin 7005 -Verify 1 -tls1_3 -alpn h2
origin 7006 -verify 1 -alpn h2
ports='ports: [443, 7002, 7003, 7004, 7005, 7006]'
manifest "routes: [{host: listed.test, $ports}]"

for port in 7002 7003 7005; do
	for method in GET POST; do
		agent $CURL -X $method -w '%{http_code}\n' \
			"https://listed.test:$port/" >"$DIR/told"
		expect '^502$' <"$DIR/told"
		expect '"reason":"upstream_wants_client_cert"' <"$DIR/told"
		expect "{host: listed.test, ports: \[$port\], client_cert_ref: CLIENT_CERT}" \
			<"$DIR/told"
	done
	audit_has '"event":"upstream"' '"reason":"upstream_wants_client_cert"' \
		"\"port\":$port" '"allow":"- {host: listed.test, .*CLIENT_CERT}"'
done
# One that only asks is used, and it is on record that it did.
agent $CURL https://listed.test:7004/ | expect 's_server'
audit_has '"event":"upstream"' '"reason":"upstream_wants_client_cert"' \
	'"port":7004'

# The agent has a certificate to give, where it gets through to the origin.
chmod 755 "$DIR"
chmod 644 "$DIR"/client.*
manifest "routes: [{host: listed.test, tls: splice, $ports}]"
for port in 7002 7003; do
	agent $CURL --cacert "$DIR/world-ca.pem" --cert "$DIR/client.pem" \
		--key "$DIR/client.key" "https://listed.test:$port/" |
		expect 's_server'
done
manifest "routes: [{host: listed.test, $ports}, {host: cloudflare-ech.com}]"

# Clients that do not take the gateway's certificate.
rejected()
{
	agent_fails "$@"
	audit_has '"event":"close"' '"reason":"tls_client_rejected"' \
		'"name":"listed.test"' "\"detail\":\".*$alert" \
		'"allow":"- {host: listed.test, tls: splice}"'
}
alert='unknown ca' rejected $CURL --cacert "$DIR/world-ca.pem" \
	https://listed.test/
alert='unknown ca' rejected $CURL --tls-max 1.2 --cacert "$DIR/world-ca.pem" \
	https://listed.test/
# By its key, or only after the handshake: such a client leaves without a word.
for port in 443 7006; do
	agent_fails $CURL -k --pinnedpubkey \
		'sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' \
		"https://listed.test:$port/"
done
audit_has '"event":"close"' '"reason":"tls_unused"' '"port":7006' \
	'"allow":"- {host: listed.test, ports: \[7006\], tls: splice}"'
audit_has '"event":"close"' '"reason":"tls_unused"' '"name":"listed.test"' \
	'"allow":"- {host: listed.test, tls: splice}"'
# One that asks for something has taken it.
before=$(grep -c tls_unused "$DIR/audit.jsonl")
agent $CURL https://listed.test/ https://listed.test/ |
	expect 'hello from listed.test'
audit_has '"event":"close"' '"reason":"allowed"' '"name":"listed.test"'
[ "$(grep -c tls_unused "$DIR/audit.jsonl")" -eq "$before" ] ||
	fail 'a connection that was used is not'

# ECH: the name that can be seen decides, and the offer is on record. What is
# sent in it, or made up for GREASE, is the same to everybody on the way.
cat >"$DIR/ech.py" <<'END'
import sys
from hello import *

# RFC 9849 5: outer, HKDF-SHA256 and AES-128-GCM, and what nobody can read.
ECH = extension(0xfe0d, b"\0" + bytes.fromhex("00010001") + b"\x07" +
                short(os.urandom(32)) + short(os.urandom(144)))
for name, wanted in (("listed.test", "hello"), ("cloudflare-ech.com", "hello"),
                     ("unlisted.test", "hello")):
    with connect(name) as link:
        link.sendall(records(hello(name, early=ECH)))
        got = answer(link)
        if got != wanted:
            sys.exit("%s: %s" % (name, got))
END
agent /usr/bin/python3 "$DIR/ech.py" || fail 'see above'
for name in listed.test cloudflare-ech.com; do
	audit_has '"event":"connect"' '"verdict":"intercept"' '"ech":true' \
		"\"name\":\"$name\""
done
audit_has '"event":"connect"' '"verdict":"deny"' '"ech":true' \
	'"name":"unlisted.test"' '"reason":"name_not_listed"'
world_heard_nothing_of unlisted
manifest 'routes: [{host: listed.test}]'
agent /usr/bin/python3 "$DIR/ech.py" || fail 'see above'
audit_has '"event":"connect"' '"verdict":"deny"' '"ech":true' \
	'"name":"cloudflare-ech.com"' '"reason":"name_not_listed"'
