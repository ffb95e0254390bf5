# What the gateway's CA has signed is trusted, by the system's bundle and by
# the environment alone; starting twice adds the CA once.
. "${0%/*}/init_lib.sh"

openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
	-subj /CN=listed.test -keyout "$work/leaf.key" -out "$work/leaf.csr" \
	2>/dev/null
printf 'subjectAltName=DNS:listed.test\n' >"$work/leaf.ext"
openssl x509 -req -in "$work/leaf.csr" -CA "$work/ca.pem" \
	-CAkey "$work/ca.key" -CAcreateserial -days 1 \
	-extfile "$work/leaf.ext" -out "$work/leaf.pem" 2>/dev/null
in_ns gateway openssl s_server -accept 10.77.0.1:443 -www -quiet \
	-cert "$work/leaf.pem" -key "$work/leaf.key" >/dev/null 2>&1 &
servers="$servers $!"

url=https://listed.test/
curl='curl -sS --retry 20 --retry-connrefused --retry-delay 1 -o /dev/null'
curl="$curl --resolve listed.test:443:10.77.0.1"

on_machine ip link set eth0 up
! on_machine $curl $url 2>"$work/err" || fail 'trusted before it can be'
expect 'self.signed certificate|unable to get local issuer' <"$work/err"

# What Java reads has the certificates of the bundle, all of them, and ends
# with the digest that its password makes.
cat >"$work/store.py" <<'END'
import hashlib, os, re, ssl, struct
option, path = os.environ["JAVA_TOOL_OPTIONS"].split("=")
assert (option, path) == (
    "-Djavax.net.ssl.trustStore", "/run/sluice/java.jks"), path
store = open(path, "rb").read()
text = open("/run/sluice/bundle.pem").read()
wanted = [ssl.PEM_cert_to_DER_cert(each) for each in re.findall(
    "-----BEGIN CERT.*?-----END CERTIFICATE-----", text, re.DOTALL)]
magic, version, n = struct.unpack_from(">III", store)
assert (magic, version, n) == (0xfeedfeed, 2, len(wanted)), n
at, names = 12, set()
for der in wanted:
    tag, length = struct.unpack_from(">IH", store, at)
    names.add(store[at + 6:at + 6 + length])
    at += 6 + length + 8
    kind, length = struct.unpack_from(">7sI", store, at)
    assert (tag, kind) == (2, b"\0\5X.509")
    assert store[at + 11:at + 11 + length] == der
    at += 11 + length
assert len(names) == n
assert store[at:] == hashlib.sha1(
    "changeit".encode("utf-16-be") + b"Mighty Aphrodite" + store[:at]).digest()
END

# The variables, the proxies gone, and both ways of being trusted.
cp "$work/etc/bundle" "$work/before"
http_proxy=http://192.0.2.1:8 HTTPS_PROXY=http://192.0.2.1:8 \
SSL_CERT_DIR=/nowhere started -- sh -ec "
	env
	$curl $url
	env -i $curl $url
	env -i $curl --cacert /run/sluice/bundle.pem $url
	openssl verify -CAfile /run/sluice/ca.pem '$work/leaf.pem'
	openssl verify -CAfile /run/sluice/bundle.pem '$work/leaf.pem'
	cmp /run/sluice/bundle.pem /etc/ssl/certs/ca-certificates.crt
	python3 '$work/store.py'
	echo trusted"
expect '^trusted$' <"$work/out"
for name in SSL_CERT_FILE CURL_CA_BUNDLE REQUESTS_CA_BUNDLE PIP_CERT \
	GIT_SSL_CAINFO AWS_CA_BUNDLE CARGO_HTTP_CAINFO HTTPLIB2_CA_CERTS \
	GRPC_DEFAULT_SSL_ROOTS_FILE_PATH NIX_SSL_CERT_FILE \
	CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE; do
	expect "^$name=/run/sluice/bundle.pem\$" <"$work/out"
done
expect '^NODE_EXTRA_CA_CERTS=/run/sluice/ca.pem$' <"$work/out"
expect '^DENO_CERT=/run/sluice/ca.pem$' <"$work/out"
! grep -iE '^(http|https|all)_proxy|^SSL_CERT_DIR' "$work/out" ||
	fail 'a variable that leads past'

# What was in the bundle is there still, before what was added.
cp "$work/etc/bundle" "$work/once"
cmp -n "$(wc -c <"$work/before")" "$work/before" "$work/once" ||
	fail 'the bundle lost something'
started -- true
cmp "$work/once" "$work/etc/bundle" || fail 'a second start changed the bundle'
count() { grep -c 'BEGIN CERTIFICATE' "$1"; }
[ "$(count "$work/once")" = $(($(count "$work/before") + 1)) ] ||
	fail 'not one certificate more'

# Another gateway's CA takes the place of the one that is gone.
make_ca other
hand_out "$work/other.pem"
started -- true
[ "$(count "$work/etc/bundle")" = $(($(count "$work/before") + 1)) ] ||
	fail 'the CA that is gone is still there'
start -- env -i $curl $url
[ "$status" != 0 ] || fail 'the CA that is gone is still trusted'
hand_out "$work/ca.pem"

# A bundle that cannot be written: the environment serves.
cp "$work/mounts" "$work/mounts.good"
sed -i 's,^exec,mount -o remount\,bind\,ro \\\
	/etc/ssl/certs/ca-certificates.crt\
&,' "$work/mounts"
started -- $curl $url
start -- env -i $curl $url
[ "$status" != 0 ] || fail 'that bundle was written after all'
cp "$work/mounts.good" "$work/mounts"

# A folder that somebody else prepared is not used.
sed -i 's,^exec,mkdir /run/sluice\
chown 65534 /run/sluice\
mount -t tmpfs none /dev/shm\
&,' "$work/mounts"
started -- sh -c 'echo "$SSL_CERT_FILE"; ls /run/sluice'
[ "$(cat "$work/out")" = /dev/shm/sluice/bundle.pem ] || fail 'used it'

# Browsers are told in their own folders, where those are there, and nobody
# else's settings are touched.
sed -i 's,^exec,mount -t tmpfs none /etc/opt\
mount -t tmpfs none /opt\
mkdir -p /etc/opt/chrome /opt/firefox/distribution\
&,' "$work/mounts.good"
cp "$work/mounts.good" "$work/mounts"
chrome=/etc/opt/chrome/policies/managed/sluice.json
firefox=/opt/firefox/distribution/policies.json
started -- python3 -c "
import base64, json, os, ssl
[text] = json.load(open('$chrome'))['CACertificates']
ca = open('/run/sluice/ca.pem').read()
assert base64.b64decode(text) == ssl.PEM_cert_to_DER_cert(ca)
assert json.load(open('$firefox')) == {'policies': {'Certificates': {
    'Install': ['/run/sluice/ca.pem']}}}
assert not os.path.exists('/etc/opt/edge')"

with() { sed "s,^exec,$1\\
&," "$work/mounts.good" >"$work/mounts"; }
with "echo '{}' >$firefox"
started -- cat $firefox
[ "$(cat "$work/out")" = '{}' ] || fail 'the settings of somebody else are gone'
with "echo '{\"policies\":{\"Certificates\":{\"Install\":[\"/old\"]}}}' >$firefox"
started -- cat $firefox
expect '"/run/sluice/ca.pem"' <"$work/out"
with 'mount -o remount\,ro /etc/opt; mount -o remount\,ro /opt'
started -- true
