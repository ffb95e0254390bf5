# An origin that asks for a client certificate gets the one that its route
# names, once it has proved to be itself, and no other origin gets it. The agent
# never has it.
WORKERS=1
. "${0%/*}/lib.sh"

need python3 nginx
export PYTHONPATH="${0%/*}" PYTHONDONTWRITEBYTECODE=1

# client NAME: a certificate that the origins know, with a chain of one more.
client()
{
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-subj "/CN=$1" -keyout "$DIR/$1.key" -out "$DIR/$1.csr" \
		2>/dev/null
	openssl x509 -req -in "$DIR/$1.csr" -CA "$DIR/middle.pem" \
		-CAkey "$DIR/middle.key" -days 30 -out "$DIR/$1.pem" 2>/dev/null
}

# secrets CERTIFICATE...: the file, with CLIENT_CERT and OTHER_CERT.
secrets()
{
	(
		umask 077
		printf 'TOKEN=0123456789\nCLIENT_CERT=' >"$DIR/secrets"
		cat "$DIR/$1.pem" "$DIR/middle.pem" "$DIR/${2:-$1}.key" \
			>>"$DIR/secrets"
		printf 'OTHER_CERT=' >>"$DIR/secrets"
		cat "$DIR/other-client.key" "$DIR/other-client.pem" \
			"$DIR/middle.pem" >>"$DIR/secrets"
	)
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-subj '/CN=an authority of clients' -keyout "$DIR/clients.key" \
	-out "$DIR/clients.pem" \
	-addext 'keyUsage=critical,keyCertSign,cRLSign' 2>/dev/null
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-subj '/CN=below it' -addext basicConstraints=critical,CA:TRUE \
	-keyout "$DIR/middle.key" -out "$DIR/middle.csr" 2>/dev/null
openssl x509 -req -in "$DIR/middle.csr" -CA "$DIR/clients.pem" \
	-CAkey "$DIR/clients.key" -days 30 -copy_extensions copyall \
	-out "$DIR/middle.pem" 2>/dev/null
for name in first-client next-client other-client; do
	client $name
done
secrets first-client
SECRETS=$DIR/secrets

# One address, so that nothing but the name and the port tells them apart.
for name in shown.test other.test plain.test; do
	world_certificate $name $name
	for at in '8444 ssl TLSv1.2' '9443 ssl TLSv1.3' \
		'10443 ssl.http2 TLSv1.3'; do
		set -- $at
		cat >>"$DIR/servers.conf" <<-EOF
			server {
				listen $1 $(echo "$2" | tr . ' ');
				server_name $name;
				ssl_certificate $DIR/$name.pem;
				ssl_certificate_key $DIR/$name.key;
				ssl_protocols $3;
				ssl_client_certificate $DIR/clients.pem;
				ssl_verify_client optional;
				ssl_verify_depth 3;
				ssl_session_cache shared:s:1m;
				location / { return 200 "<\$ssl_client_s_dn> by \$server_protocol, reused \$ssl_session_reused, on \$connection\n"; }
				location /last { keepalive_timeout 0; return 200 "<\$ssl_client_s_dn> reused \$ssl_session_reused\n"; }
			}
		EOF
	done
done
world_serves liar.test shown.test other.test plain.test

# Who only says to be the origin does not get to see it. In TLS 1.2 it would be
# there for all to read.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-subj '/CN=liar.test' -addext subjectAltName=DNS:liar.test \
	-keyout "$DIR/false.key" -out "$DIR/false.pem" 2>/dev/null
origin()
{
	port=$1
	shift
	background "world-$port.log" in_world openssl s_server -www \
		-accept "$port" "$@"
	await grep -q ACCEPT "$DIR/world-$port.log" || fail 'no origin'
}
origin 7002 -Verify 3 -tls1_2 -cert "$DIR/false.pem" -key "$DIR/false.key"
# ... and these do not know who signed it.
for at in '7003 -tls1_2' '7004 -tls1_3' '7005 -tls1_3 -alpn h2'; do
	origin $at -Verify 3 -verify_return_error -CAfile "$DIR/world-ca.pem" \
		-cert "$DIR/shown.test.pem" -key "$DIR/shown.test.key"
done
ports='ports: [7003, 7004, 7005, 8444, 9443, 10443]'
routes="routes:
  - {host: liar.test, ports: 7002, client_cert_ref: CLIENT_CERT}
  - {host: shown.test, $ports, client_cert_ref: CLIENT_CERT}
  - {host: other.test, $ports, client_cert_ref: OTHER_CERT}"
manifest "$routes
  - {host: plain.test, $ports}"
reads()
{
	agent $CURL "$@" 2>&1 | tee -a "$DIR/read"
}
reads https://liar.test:7002/ | expect '"reason":"upstream_tls"'
world_heard_nothing_of first-client

for at in '8444 HTTP/1.1' '9443 HTTP/1.1' '10443 HTTP/2.0'; do
	port=${at% *}
	reads https://shown.test:$port/ |
		expect "^<CN=first-client> by ${at#* }"
	reads https://other.test:$port/ |
		expect "^<CN=other-client> by ${at#* }"
	reads https://plain.test:$port/ | expect "^<> by ${at#* }"
	# In the order that lends what could be lent.
	for name in shown other plain shown; do
		reads https://$name.test:$port/ https://$name.test:$port/
	done >"$DIR/mixed"
	[ "$(grep -c '^<CN=first-client>' "$DIR/mixed")" = 4 ] &&
		[ "$(grep -c '^<CN=other-client>' "$DIR/mixed")" = 2 ] &&
		[ "$(grep -c '^<>' "$DIR/mixed")" = 2 ] || {
		cat "$DIR/mixed" >&2
		fail 'the certificates are mixed up'
	}
	# A session has it too.
	reads https://shown.test:$port/last >/dev/null
	reads https://shown.test:$port/last |
		expect '^<CN=first-client> reused r'
	reads https://plain.test:$port/last | expect '^<> reused'
done
world_heard first-client || fail 'nobody could have heard it'
! _audit_line '"reason":"upstream_wants_client_cert"' '"name":"shown.test"' ||
	fail 'what was shown is wanted'
audit_has '"reason":"upstream_wants_client_cert"' '"name":"plain.test"' \
	'client_cert_ref: CLIENT_CERT'

# One that does not take it.
for port in 7003 7004 7005; do
	reads https://shown.test:$port/ >"$DIR/told"
	expect '"reason":"upstream_tls"' <"$DIR/told"
	audit_has '"reason":"upstream_tls"' "\"port\":$port" \
		'did not take the certificate of client_cert_ref'
done

# Another certificate under the same name: who was met with the first one is
# met anew.
cat >"$DIR/held.py" <<'PY'
import sys
from peer import *

links = {name: connect(name, 9443) for name in ("shown.test", "other.test")}
def ask(name):
    head = f"GET / HTTP/1.1\r\nHost: {name}:9443\r\n\r\n".encode()
    return exchange(links[name], head)[2]

for name in links:
    assert b"-client> by" in ask(name)
open(sys.argv[1], "w").close()
try:
    while links["shown.test"].recv(4096):
        pass
except (ConnectionError, ssl.SSLError):
    pass
assert b"<CN=other-client>" in ask("other.test")
PY
agent python3 "$DIR/held.py" "$DIR/holds" >"$DIR/held.out" 2>&1 &
held=$!
PIDS="$PIDS $held"
await [ -e "$DIR/holds" ] || {
	cat "$DIR/held.out" >&2
	fail 'nothing is held'
}
secrets next-client
manifest "$routes
  - {host: plain.test, $ports}"
wait $held || {
	cat "$DIR/held.out" >&2
	fail 'it was not as it should be'
}
audit_has '"event":"close"' '"reason":"policy_changed"' '"name":"shown.test"'
for port in 8444 9443 10443; do
	reads https://shown.test:$port/last | expect '^<CN=next-client>'
	reads https://other.test:$port/ | expect '^<CN=other-client>'
done

# The line that was told helps; without it nothing is shown any more.
manifest "routes:
  - {host: shown.test, $ports}
  $(grep -o -- '- {host: plain.test, ports: \[9443\], client_cert_ref: CLIENT_CERT}' \
	"$DIR/audit.jsonl" | head -n 1)"
reads https://plain.test:9443/ | expect '^<CN=next-client>'
for port in 8444 9443 10443; do
	reads https://shown.test:$port/last | expect '^<> reused'
done

# What cannot be shown is a mistake, with its place, and changes nothing.
refused()
{
	before=$(wc -l <"$DIR/gateway.log")
	manifest "routes:
  - {host: shown.test, ports: 9443, client_cert_ref: $1}"
	tail -n +$((before + 1)) "$DIR/gateway.log" |
		expect "manifest.yaml:2:54: the secret $1 $2"
	reads https://plain.test:9443/ | expect '^<CN=next-client>'
}
refused NO_CERT 'was not given: add it to the file of --secrets'
refused TOKEN 'has no certificate in PEM'
secrets first-client other-client
refused CLIENT_CERT "has a key that is not its first certificate's"

# Nobody but the gateway has seen the keys.
ps -e -o args >"$DIR/ps"
for name in first-client next-client other-client; do
	key=$(sed -n 2p "$DIR/$name.key")
	[ ${#key} = 64 ] || fail 'this is no key'
	! grep -q -F -e "$key" "$DIR/read" "$DIR/audit.jsonl" \
		"$DIR/gateway.log" "$DIR/ps" || fail 'a key can be read'
done
