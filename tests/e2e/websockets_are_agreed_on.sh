# Bytes that nobody reads pass only where a WebSocket was admitted, asked for and
# agreed on. Until then what an agent sends behind its request waits, and where
# it comes to nothing, it is a request like any other.
. "${0%/*}/peers_lib.sh"

world_peers listed.test other.test
world_resolves
WORKERS=1
manifest 'routes:
  - host: listed.test
    matches:
      - {paths: [{type: prefix, value: /websocket}]}
      - {paths: [{type: prefix, value: /false_websocket}]}
      - {paths: [{type: prefix, value: /status}]}
      - {paths: [{type: prefix, value: /admitted}]}
      - {paths: [{type: prefix, value: /moved}]}
  - host: other.test'

agent_does <<-'END'
	import os
	from peer import *

	KEY = base64.b64encode(os.urandom(16)).decode()
	BEHIND = (b"GET /smuggled HTTP/1.1\r\nHost: listed.test\r\n\r\n",
	          b"GET /admitted HTTP/1.1\r\nHost: smuggled.test\r\n\r\n",
	          frame(0x81, b"smuggled", b"mask"))

	def handshake(path, host="listed.test", version="13", key=KEY,
	              upgrade="websocket", connection="Upgrade"):
	    return (f"GET {path} HTTP/1.1\r\nHost: {host}\r\n"
	            f"Upgrade: {upgrade}\r\nConnection: {connection}\r\n"
	            f"Sec-WebSocket-Version: {version}\r\n"
	            f"Sec-WebSocket-Key: {key}\r\n\r\n").encode()

	def answers(said, port):
	    """Every answer to it, up to the end of the connection."""
	    link = connect("listed.test", port)
	    link.sendall(said)
	    stream = link.makefile("rb")
	    got = []
	    while (head := read_head(stream))[0]:
	        got.append((int(head[0].split()[1]),
	                    read_body(stream, head[1])))
	        if ("connection", "close") in head[1]:
	            break
	    link.close()
	    return got

	for port in 443, 80:
	    for behind in BEHIND:
	        # Not admitted: another path, another host.
	        for path, host in ("/smuggled", "listed.test"), \
	                ("/websocket", "other.test"), \
	                ("/websocket/../smuggled", "listed.test"):
	            got = answers(handshake(path, host) + behind, port)
	            assert got[0][0] == 403 and len(got) == 1, (path, got)
	        # Answered as if the gateway were asleep: with what was not asked,
	        # and with another key's proof.
	        for said in (handshake("/status/101", version="8"),
	                     handshake("/status/101", key="short"),
	                     handshake("/status/101", upgrade="h2c"),
	                     handshake("/status/101", upgrade="h2c, websocket"),
	                     handshake("/status/101", connection="close"),
	                     handshake("/status/101"),
	                     handshake("/false_websocket")):
	            got = answers(said + behind, port)
	            assert got[0][0] == 502 and len(got) == 1, (said, got)
	        # Turned down, so that the connection is HTTP's still.
	        for said in handshake("/moved/away"), handshake("/admitted"), \
	                handshake("/moved/away", version="777"), \
	                handshake("/admitted", upgrade="tls/1.0"):
	            got = answers(said + behind, port)
	            assert got[0][0] in (200, 302), (said, got)
	            assert len(got) == 1 or got[1][0] in (400, 403), (said, got)

	    # Agreed on: what was sent behind it has waited, and arrives.
	    link = connect("listed.test", port)
	    link.sendall(handshake("/websocket") + frame(0x81, b"early", b"mask"))
	    stream = link.makefile("rb")
	    first, fields = read_head(stream)
	    assert first.startswith("HTTP/1.1 101 "), first
	    assert read_frame(stream) == (0x81, b"welcome")
	    assert read_frame(stream) == (0x81, b"early")
	    link.close()
END
world_heard_nothing_of smuggled
grep -q 'GET /websocket HTTP/1.1' "$DIR/world-origin.log" ||
	fail 'the witness is blind'
