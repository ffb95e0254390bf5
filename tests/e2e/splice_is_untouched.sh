# Spliced TLS is the agent's and the origin's own: their certificate, their
# versions, every byte, and the end of each direction for itself.
. "${0%/*}/peers_lib.sh"

world_peers spliced.test
world_resolves
# And one that wants another key than agents offer, so that they say hello
# twice (HelloRetryRequest).
background world-again.log in_world openssl s_server -accept 8443 -www \
	-groups P-384 -cert "$DIR/spliced.test.pem" \
	-key "$DIR/spliced.test.key"
await grep -q ACCEPT "$DIR/world-again.log" || fail 's_server did not start'
# And one that warns, before it says hello, that it does not know the name.
cat >"$DIR/warns.py" <<'END'
from peer import *

tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(f"{sys.argv[1]}.pem", f"{sys.argv[1]}.key")

def warn(raw):
    raw.sendall(b"\x15\x03\x03\0\2\1\x70")
    serve_http(raw, tls)

listen(8444, warn)
log("listening")
time.sleep(3600)
END
background world-warns.log in_world python3 "$DIR/warns.py" "$DIR/spliced.test"
await grep -q listening "$DIR/world-warns.log" || fail 'nobody warns'
manifest 'routes:
  - {host: spliced.test, ports: [443, 8443, 8444], tls: splice}'

# The world's own certificate, and so not ours.
for version in 1.2 1.3; do
	agent $CURL --cacert "$DIR/world-ca.pem" "--tlsv$version" \
		--tls-max "$version" https://spliced.test/ |
		expect 'hello from spliced.test'
done
agent_fails curl -sS --max-time 10 https://spliced.test/
agent sh -c "openssl s_client -connect spliced.test:443 -servername \
	spliced.test -CAfile '$DIR/world-ca.pem' -verify_return_error \
	-verify_hostname spliced.test </dev/null 2>&1" | expect 'CN = the world'

agent_does "$DIR/world-ca.pem" <<-'END'
	import socket
	import sys
	from peer import *

	def trusting(world=sys.argv[1]):
	    tls = ssl.create_default_context(cafile=world)
	    tls.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
	    return tls

	data = content(64 << 20)
	want = f"{len(data)} {digest(data)}\n".encode()
	for family in socket.AF_INET, socket.AF_INET6:
	    link = connect("spliced.test", 443, family, trusting())
	    first, _, got = exchange(link, b"GET /length/67108864 HTTP/1.1\r\n"
	                             b"Host: spliced.test\r\n\r\n")
	    assert got == data, len(got)
	    del got
	    # The answer comes when our direction has ended, and not before.
	    link.sendall(b"PUT /to_the_end HTTP/1.1\r\n"
	                 b"Host: spliced.test\r\n\r\n" + data)
	    half_close(link)
	    stream = link.makefile("rb")
	    first, fields = read_head(stream)
	    assert read_body(stream, fields) == want
	    link.close()

	# A hello of more than one segment: many protocols are offered.
	tls = trusting()
	tls.set_alpn_protocols(["http/1.1"] + [f"p{i:0200}" for i in range(20)])
	link = connect("spliced.test", 443, 0, tls)
	assert b"hello from" in exchange(link, b"GET / HTTP/1.1\r\n"
	                                 b"Host: spliced.test\r\n\r\n")[2]
	link.close()

	# And one that comes byte by byte.
	into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
	tls = trusting().wrap_bio(into, out, server_hostname="spliced.test")
	try:
	    tls.do_handshake()
	except ssl.SSLWantReadError:
	    pass
	raw = connect("spliced.test", 443, 0, False)
	raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
	for byte in out.read():
	    raw.send(bytes([byte]))
	assert raw.recv(1) == b"\x16"
	raw.close()
END
for family in 4 6; do
	agent $CURL "-$family" --cacert "$DIR/world-ca.pem" \
		https://spliced.test:8443/ | expect 'TLSv1.3'
	agent $CURL "-$family" --cacert "$DIR/world-ca.pem" \
		https://spliced.test:8444/ | expect 'hello from spliced.test'
done
audit_has '"event":"connect"' '"verdict":"relay"' '"name":"spliced.test"'
audit_has '"event":"close"' '"name":"spliced.test"' '"bytes_out":67[0-9]\{6\},' \
	'"bytes_in":67[0-9]\{6\},'
