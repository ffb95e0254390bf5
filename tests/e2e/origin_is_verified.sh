# An origin that cannot prove its name, or is not there, hears no request; the
# agent is told which it was.
. "${0%/*}/peers_lib.sh"

# bad_certificate NAME SAN DAYS CA: signed for less than it takes.
bad_certificate()
{
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-subj "/CN=$1" ${2:+-addext "subjectAltName=$2"} \
		-keyout "$DIR/$1.key" -out "$DIR/$1.csr" 2>/dev/null
	openssl x509 -req -in "$DIR/$1.csr" -CA "$DIR/$4.pem" \
		-CAkey "$DIR/$4.key" -days "$3" -copy_extensions copyall \
		-out "$DIR/$1.pem" 2>/dev/null || fail "no certificate for $1"
}

_world_ca
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-subj '/CN=nobody knows it' -keyout "$DIR/other-ca.key" \
	-out "$DIR/other-ca.pem" 2>/dev/null
bad_certificate wrong.test DNS:other.test 30 world-ca
bad_certificate below.test 'DNS:*.below.test' 30 world-ca
bad_certificate partial.test 'DNS:part*.test' 30 world-ca
bad_certificate expired.test DNS:expired.test -1 world-ca
bad_certificate unknown.test DNS:unknown.test 30 other-ca
bad_certificate nosan.test '' 30 world-ca
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-subj '/CN=self.test' -addext subjectAltName=DNS:self.test \
	-keyout "$DIR/self.test.key" -out "$DIR/self.test.pem" 2>/dev/null
# Below the authority, by one that may not sign this, or not sign at all.
below_it()
{
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-subj "/CN=below it: $1" -addext "$2" ${3:+-addext "$3"} \
		-keyout "$DIR/$1-ca.key" -out "$DIR/$1-ca.csr" 2>/dev/null
	openssl x509 -req -in "$DIR/$1-ca.csr" -CA "$DIR/world-ca.pem" \
		-CAkey "$DIR/world-ca.key" -days 30 -copy_extensions copyall \
		-out "$DIR/$1-ca.pem" 2>/dev/null
	bad_certificate "$1.test" "DNS:$1.test" 30 "$1-ca"
	cat "$DIR/$1-ca.pem" >>"$DIR/$1.test.pem"
}
is_ca=basicConstraints=critical,CA:TRUE
below_it middle "$is_ca" 'nameConstraints=critical,permitted;DNS:middle.test'
below_it elsewhere "$is_ca" 'nameConstraints=critical,permitted;DNS:other.test'
below_it leaf basicConstraints=critical,CA:FALSE
below_it unsigning "$is_ca" keyUsage=critical,digitalSignature
below_it clientish "$is_ca" extendedKeyUsage=clientAuth
bad='wrong below partial expired unknown nosan self elsewhere leaf unsigning
	clientish'

names=$(printf '%s.test ' $bad)
world_peers good.test middle.test $names
world_resolves
manifest "routes:
  - {host: good.test, ports: [80, 443, 9999]}
  - host: nowhere.test
  - host: middle.test
$(printf '  - host: %s\n' $names)"

agent $CURL https://good.test/secret | expect 'hello from good.test'
agent $CURL https://middle.test/ | expect 'hello from middle.test'
for name in $names; do
	agent $CURL -w '%{http_code}\n' "https://$name/secret" >"$DIR/told"
	expect '^502$' <"$DIR/told"
	expect '"reason":"upstream_tls"' <"$DIR/told"
	audit_has '"event":"upstream"' '"reason":"upstream_tls"' "\"$name\""
	# A client that does not ask for a proof gets none either.
	agent $CURL -k "https://$name/secret" | expect upstream_tls
done
[ "$(grep -c secret "$DIR/world-origin.log")" -eq 1 ] ||
	fail 'an origin without proof was asked'

# Nobody listens there: known at once, for the address answers so.
agent $CURL -w '%{http_code}\n' https://good.test:9999/ >"$DIR/told"
expect '^504$' <"$DIR/told"
expect '"reason":"upstream_connect"' <"$DIR/told"
agent $CURL -w '%{http_code}\n' http://good.test:9999/ >"$DIR/told"
expect '^504$' <"$DIR/told"
expect '"reason":"upstream_connect"' <"$DIR/told"

# A listed name that does not exist is just that; curl's 6 is "no such host".
agent curl -sS --max-time 10 https://nowhere.test/ >"$DIR/told" 2>&1 &&
	fail 'nowhere was reached'
expect 'Could not resolve host' <"$DIR/told"
agent dig +tries=1 nowhere.test | expect 'status: NXDOMAIN'
