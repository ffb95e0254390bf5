# The version of HTTP that an agent agreed on with ALPN is the one it has to
# speak: in another one its origin hears nothing.
. "${0%/*}/h2_lib.sh"

world_h2 -- h2.test
_world_name http1.test
world_certificate http1.test http1.test
background world-origin.log in_world python3 "$here/peer.py" origin "$DIR" 8443
await grep -q listening "$DIR/world-origin.log" || fail 'no origin'
world_resolves
manifest 'routes: [{host: h2.test}, {host: http1.test, ports: [8443]}]'

agent_does_h2 <<-'END'
	import socket
	import ssl
	from peer import PATIENCE

	HTTP1 = b"GET /smuggled HTTP/1.1\r\nHost: %b\r\n\r\n"
	HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"

	def heard(name, port, protocols, chosen, said):
	    context = ssl.create_default_context()
	    if protocols:
	        context.set_alpn_protocols(protocols)
	    raw = socket.create_connection((name, port), PATIENCE)
	    with context.wrap_socket(raw, server_hostname=name) as link:
	        assert link.selected_alpn_protocol() == chosen, \
	            (name, link.selected_alpn_protocol())
	        link.sendall(said)
	        got = b""
	        try:
	            while more := link.recv(65536):
	                got += more
	        except (ConnectionError, ssl.SSLError):
	            pass
	        return got

	# SETTINGS come from the server in any case; then GOAWAY, and the end.
	for said in HTTP1 % b"h2.test", b"\0" * 100, HTTP2[:20] + HTTP1 % b"x", \
	        HTTP2.replace(b"SM", b"MS") + HTTP1 % b"h2.test":
	    got = heard("h2.test", 443, ["h2"], "h2", said)
	    assert b"HTTP/1.1" not in got, got
	# An origin that agrees on nothing has chosen HTTP/1.
	for protocols in ["http/1.1"], [], ["h2", "http/1.1"]:
	    got = heard("http1.test", 8443, protocols, None, HTTP2)
	    assert got.startswith(b"HTTP/1.1 400 "), got
END
! grep -e smuggled -e ' GET ' "$DIR/world-origin.log" "$DIR/world-h2.log" ||
	fail 'an origin heard of it'
audit_has '"name":"h2.test"' '"reason":"http_malformed"'
audit_has '"name":"http1.test"' '"reason":"http_malformed"'
