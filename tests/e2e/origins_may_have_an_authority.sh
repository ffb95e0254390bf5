# An origin whose route names an authority is verified by that one alone: one
# that nobody else knows will do, and one that the system knows will not. What
# was verified by one is not used for a route that names another.
WORKERS=1
. "${0%/*}/peers_lib.sh"

# authority NAME: a CA that only who is told of it knows.
authority()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-subj "/CN=$1" -keyout "$DIR/$1.key" -out "$DIR/$1.pem" \
		-addext 'keyUsage=critical,keyCertSign,cRLSign' 2>/dev/null
}

# certificate NAME CA [OPTION...]: for NAME, or with other extensions.
certificate()
{
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-subj "/CN=$1" -addext "${3:-subjectAltName=DNS:$1}" \
		-keyout "$DIR/$1.key" -out "$DIR/$1.csr" 2>/dev/null
	openssl x509 -req -in "$DIR/$1.csr" -CA "$DIR/$2.pem" \
		-CAkey "$DIR/$2.key" -days 30 -copy_extensions copyall \
		-out "$DIR/$1.pem" 2>/dev/null || fail "no certificate for $1"
}

# route HOST CA...: with the CAs' certificates in it.
route()
{
	echo "  - host: $1"
	shift
	[ $# -eq 0 ] && return
	echo '    upstream_ca: |'
	for ca; do
		sed 's/^/      /' "$DIR/$ca.pem"
	done
}

_world_ca
authority ours
authority theirs
certificate middle theirs basicConstraints=critical,CA:TRUE
certificate registry.test ours
certificate below.test middle
certificate wrong.test ours subjectAltName=DNS:other.test
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-subj '/CN=self.test' -addext subjectAltName=DNS:self.test \
	-keyout "$DIR/self.test.key" -out "$DIR/self.test.pem" 2>/dev/null
PORTS='80 443 8443'
world_peers registry.test below.test wrong.test self.test listed.test
world_resolves

# says NAME WORDS: what is told over HTTPS.
says()
{
	agent $CURL "https://$1/${3:-}" | expect "$2"
}
refused()
{
	says "$1" '"reason":"upstream_tls"' secret
}

manifest "routes:
$(route registry.test)
$(route listed.test)"
refused registry.test

manifest "routes:
$(route registry.test ours)
$(route below.test middle)
$(route wrong.test ours)
$(route self.test self.test)
$(route listed.test ours theirs)"
for name in registry below self; do
	says $name.test "hello from $name.test"
done
refused wrong.test
# Not by what the system trusts, where the route names another.
refused listed.test

# A session stands for what another authority verified. Each of these answers
# ends its connection, so that the next one has a handshake.
manifest "routes:
$(route listed.test)
    ports: 443
$(route listed.test theirs)
    ports: 8443"
for i in 1 2; do
	says listed.test 'the last' last
done
await grep -q '^resumed$' "$DIR/world-origin.log" || fail 'nothing was resumed'
refused listed.test:8443

# What is open was verified by somebody.
manifest "routes:
$(route registry.test ours)
$(route listed.test)"
says listed.test 'hello from listed.test'
says registry.test 'hello from registry.test'
cat >"$DIR/held.py" <<'END'
import sys
from peer import *

links = {name: connect(name) for name in ("registry.test", "listed.test")}
def ask(name):
    head = f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode()
    first, _, _ = exchange(links[name], head)
    assert "200" in first, first

for name in links:
    ask(name)
open(sys.argv[1], "w").close()
links["registry.test"].settimeout(PATIENCE)
try:
    while links["registry.test"].recv(4096):
        pass
except (ConnectionError, ssl.SSLError):
    pass
ask("listed.test")
END
agent python3 "$DIR/held.py" "$DIR/holds" >"$DIR/held.out" 2>&1 &
held=$!
PIDS="$PIDS $held"
await [ -e "$DIR/holds" ] || {
	cat "$DIR/held.out" >&2
	fail 'nothing is held'
}
manifest "routes:
$(route registry.test theirs)
$(route listed.test)"
# Open connections go by the new manifest: the one is reset, the other kept.
wait $held || {
	cat "$DIR/held.out" >&2
	fail 'it was not as it should be'
}
audit_has '"event":"close"' '"reason":"policy_changed"' \
	'"name":"registry.test"'
refused registry.test
! grep -q secret "$DIR/world-origin.log" || fail 'an origin was asked'

# What cannot be a certificate is a mistake, with its line; nothing changes.
for bad in '"-----BEGIN CERTIFICATE-----"' /etc/ssl/ours.pem \
	"|
      $(sed -n '1,3p' "$DIR/ours.pem" | sed 's/^/      /')" \
	"|
$(sed 's/^/      /' "$DIR/ours.key")" \
	"|
      -----BEGIN CERTIFICATE-----
      MAMCAQE=
      -----END CERTIFICATE-----"; do
	n=$(wc -l <"$DIR/gateway.log")
	manifest "routes:
  - host: registry.test
    upstream_ca: $bad"
	tail -n "+$((n + 1))" "$DIR/gateway.log" |
		expect 'manifest.yaml:[23]:[0-9]*: .*certificate'
	says listed.test 'hello from listed.test'
done
for tls in splice none; do
	n=$(wc -l <"$DIR/gateway.log")
	manifest "routes:
$(route registry.test ours)
    ports: 443
    tls: $tls"
	tail -n "+$((n + 1))" "$DIR/gateway.log" |
		expect "no meaning with \"tls: $tls\""
done
