# The certificates that an agent is shown are taken by the strictest verifiers
# there are, for one name each, whatever the origin's own looks like.
. "${0%/*}/peers_lib.sh"

need certtool gnutls-cli
long=$(printf 'a%.0s' $(seq 60)).$(printf 'b%.0s' $(seq 20)).test
_world_ca
# An origin's certificate with all that must not be copied.
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-subj '/CN=wide.test' -addext \
	'subjectAltName=DNS:wide.test,DNS:other.test,DNS:*.wide.test,IP:8.8.8.8' \
	-addext 'tlsfeature=status_request' -addext \
	'crlDistributionPoints=URI:http://wide.test/crl' -addext \
	'authorityInfoAccess=OCSP;URI:http://wide.test/ocsp' \
	-keyout "$DIR/wide.test.key" -out "$DIR/wide.csr" 2>/dev/null
openssl x509 -req -in "$DIR/wide.csr" -CA "$DIR/world-ca.pem" \
	-CAkey "$DIR/world-ca.key" -days 30 -copy_extensions copyall \
	-out "$DIR/wide.test.pem" 2>/dev/null
world_peers listed.test "$long" wide.test
world_resolves
manifest "routes: [{host: listed.test}, {host: $long}, {host: wide.test}]"
agent cat /run/sluice/ca.pem >"$DIR/ca.pem"

# strict FILE NAME: OpenSSL, GnuTLS and Python as strict as they can be.
strict()
{
	openssl verify -x509_strict -check_ss_sig -purpose sslserver \
		-verify_hostname "$2" -CAfile "$DIR/ca.pem" "$1" >/dev/null ||
		fail "OpenSSL does not take $2"
	certtool --verify --verify-profile high --verify-purpose \
		1.3.6.1.5.5.7.3.1 --verify-hostname "$2" \
		--load-ca-certificate "$DIR/ca.pem" --infile "$1" \
		>"$DIR/certtool" 2>&1 || {
		cat "$DIR/certtool" >&2
		fail "GnuTLS does not take $2"
	}
	# Those that know more of the profile of the web say it here.
	openssl x509 -in "$1" -noout -text >"$DIR/text"
	[ "$(grep -c 'X509v3 Subject Alternative Name' "$DIR/text")" -eq 1 ] &&
		grep -q "^ *DNS:$2\$" "$DIR/text" ||
		fail "not one name: $2"
	! grep -E 'TLS Feature|CRL|OCSP|Authority Information|CT Pre' \
		"$DIR/text" || fail "more than there is to say: $2"
	grep -q 'CA:FALSE' "$DIR/text" || fail "it is a CA: $2"
	grep -A 1 'X509v3 Key Usage' "$DIR/text" | expect '^ *Digital Signature$'
	grep -A 1 'Extended Key Usage' "$DIR/text" |
		expect '^ *TLS Web Server Authentication$'
}

for name in listed.test "$long" wide.test; do
	agent sh -c "openssl s_client -connect $name:443 -servername $name \
		</dev/null 2>/dev/null" |
		sed -n '/BEGIN CERT/,/END CERT/p' >"$DIR/leaf.pem"
	strict "$DIR/leaf.pem" "$name"
	agent python3 -c "
import ssl, socket, sys
context = ssl.create_default_context()
context.verify_flags |= ssl.VERIFY_X509_STRICT
raw = socket.create_connection((sys.argv[1], 443), 20)
with context.wrap_socket(raw, server_hostname=sys.argv[1]) as tls:
    names = tls.getpeercert()['subjectAltName']
    assert names == (('DNS', sys.argv[1]),), names" "$name" ||
		fail "Python does not take $name"
	agent timeout 20 gnutls-cli --logfile=/dev/null --priority \
		SECURE256:+SECURE128 "$name" </dev/null >"$DIR/out" 2>&1 || {
		cat "$DIR/out" >&2
		fail "gnutls-cli does not take $name"
	}
done

# A serial number of its own for each, and long enough not to be guessed.
agent sh -c 'for name; do
	openssl s_client -connect "$name:443" -servername "$name" \
		</dev/null 2>/dev/null | openssl x509 -noout -serial
done' - listed.test "$long" wide.test | sort -u >"$DIR/serials"
[ "$(grep -c '^serial=[0-9A-F]\{32\}$' "$DIR/serials")" -eq 3 ] ||
	fail 'serial numbers are short or shared'

# And the CA itself: for nothing but what stands below it, and of this run.
openssl verify -x509_strict -check_ss_sig -CAfile "$DIR/ca.pem" \
	"$DIR/ca.pem" >/dev/null || fail 'the CA is not sound'
openssl x509 -in "$DIR/ca.pem" -noout -text >"$DIR/text"
grep -A 1 'Basic Constraints: critical' "$DIR/text" |
	expect 'CA:TRUE, pathlen:0'
grep -A 1 'Key Usage: critical' "$DIR/text" |
	expect '^ *Certificate Sign, CRL Sign$'

# Java has a verifier, and ideas of names, of its own.
if command -v javac >/dev/null && command -v keytool >/dev/null; then
	mkdir "$DIR/java"
	cat >"$DIR/java/Get.java" <<-'END'
		public class Get {
		    public static void main(String[] names) throws Exception {
		        for (String name : names)
		            System.out.print(new String(new java.net.URL(
		                "https://" + name + "/").openStream()
		                .readAllBytes()));
		    }
		}
	END
	javac -d "$DIR/java" "$DIR/java/Get.java"
	keytool -importcert -noprompt -alias sluice -file "$DIR/ca.pem" \
		-keystore "$DIR/java/store" -storepass changeit 2>/dev/null
	chmod -R a+rX "$DIR"
	for name in listed.test "$long" wide.test; do
		agent java -Djavax.net.ssl.trustStore="$DIR/java/store" \
			-Djavax.net.ssl.trustStorePassword=changeit \
			-cp "$DIR/java" Get "$name" | expect "hello from $name"
	done
fi
