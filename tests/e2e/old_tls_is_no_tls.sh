# Neither side gets less than TLS 1.2, with keys and signatures that hold: an
# agent that has no more is told so, and an origin that has no more hears no
# request.
. "${0%/*}/lib.sh"

need python3
export PYTHONPATH="${0%/*}" PYTHONDONTWRITEBYTECODE=1
world_serves listed.test spliced.test

# origin PORT CERTIFICATE OPTION...: of its own manners.
origin()
{
	port=$1 certificate=$2
	shift 2
	background "world-$port.log" in_world openssl s_server -www \
		-accept "$port" -cert "$DIR/$certificate.pem" \
		-key "$DIR/$certificate.key" "$@"
	await grep -q ACCEPT "$DIR/world-$port.log" || fail 'no origin'
}

# certificate FILE KEY DIGEST: for listed.test, by the world's CA.
certificate()
{
	openssl req -new -newkey "$2" -nodes -subj /CN=listed.test -addext \
		subjectAltName=DNS:listed.test -keyout "$DIR/$1.key" \
		-out "$DIR/$1.csr" 2>/dev/null
	openssl x509 -req -in "$DIR/$1.csr" -CA "$DIR/world-ca.pem" \
		-CAkey "$DIR/world-ca.key" -days 30 "-$3" \
		-copy_extensions copyall -out "$DIR/$1.pem" 2>/dev/null ||
		fail "no certificate $1"
}

certificate small rsa:1024 sha256
certificate weak rsa:2048 sha1
certificate sound rsa:2048 sha256
lax='-cipher ALL:@SECLEVEL=0'
origin 7001 sound $lax -tls1_1
origin 7002 small $lax
origin 7003 weak $lax
origin 7004 sound -cipher NULL-SHA256:@SECLEVEL=0 -tls1_2
origin 7005 sound -tls1_2
manifest 'routes:
  - {host: listed.test, ports: [443, 7001, 7002, 7003, 7004, 7005]}
  - {host: spliced.test, tls: splice}'

agent $CURL https://listed.test:7005/ | expect s_server
agent $CURL --tls-max 1.2 https://listed.test/ | expect 'hello from listed.test'
for port in 7001 7002 7003 7004; do
	agent $CURL "https://listed.test:$port/secret" |
		expect '"reason":"upstream_tls"'
	! grep -q secret "$DIR/world-$port.log" || fail "$port was asked"
done

# What no client of today sends is no TLS; GREASE is what none may stumble on.
chmod 755 "$DIR"
cat >"$DIR/versions.py" <<'END'
import sys
from hello import *

GREASE = 0x1a1a
for host in "listed.test", "spliced.test":
    for versions, wanted in (
            ((0x0302, 0x0301), "protocol_version"),
            ((0x0301,), "protocol_version"),
            ((0x0300,), "protocol_version"),
            ((GREASE,), "protocol_version"),
            ((GREASE, 0x0304, 0x0303), "hello")):
        with connect(host) as link:
            link.sendall(records(hello(host, versions=versions)))
            got = answer(link)
            if got != wanted:
                sys.exit("%s, %r: %s" % (host, versions, got))
    # RFC 8701: in every list, also as protocols, and twice as extensions.
    greased = hello(host, early=extension(GREASE, b"") +
                    extension(0x2a2a, b"\0"), alpn=("\x0a\x0a", "http/1.1"))
    suites = greased.index(bytes.fromhex("13011302"))
    body = (greased[4:suites - 2] + short(
        b"\x1a\x1a" + greased[suites:suites + 10]) + greased[suites + 10:])
    with connect(host) as link:
        link.sendall(records(b"\1" + struct.pack("!I", len(body))[1:] + body))
        got = answer(link)
        assert got == "hello", "%s, GREASE: %s" % (host, got)
    # Extensions of one kind twice are read in two ways.
    twice = hello(host, early=extension(0x1234, b"a") +
                  extension(0x1234, b"b"))
    with connect(host) as link:
        link.sendall(records(twice))
        got = answer(link)
        assert got == "decode_error", "%s, twice: %s" % (host, got)
    # SSLv2 opened so; no name, and no TLS, can be in it.
    with connect(host) as link:
        link.sendall(bytes.fromhex("802e0100020015000000100100800700c0030080"
                                   "0600400200800400800000040000fe0000ff00") +
                     os.urandom(16))
        got = answer(link)
        assert got in ("closed", "reset"), "%s, SSLv2: %s" % (host, got)
END
agent /usr/bin/python3 "$DIR/versions.py" || fail 'see above'
audit_has '"verdict":"deny"' '"reason":"tls_version"'
audit_has '"verdict":"deny"' '"reason":"tls_malformed"'
