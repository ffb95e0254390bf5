# What an origin says beyond its answer is no answer to anybody: neither to the
# next request, nor to the next agent, however late it comes. Nor does an
# origin turn a connection into one that is not read any more.
WORKERS=1
. "${0%/*}/peers_lib.sh"

world_peers listed.test
world_resolves
manifest 'routes: [{host: listed.test}]'

agent_does <<-'END'
	import os
	from peer import *

	def ask(link, path, more=""):
	    return exchange(link, f"GET {path} HTTP/1.1\r\nHost: listed.test\r\n"
	                    f"{more}\r\n".encode())

	def number(text):
	    assert b"hello from listed.test" in text, text
	    return text.split(b"connection ")[1].split(b".")[0]

	for port in 443, 80:
	    # On a connection of its own to the origin, all along.
	    other = connect("listed.test", port)
	    number(ask(other, "/")[2])
	    for stays in True, False:
	        for path in "/beyond", f"/later/g{port}{stays}":
	            link = connect("listed.test", port)
	            used = number(ask(link, "/")[2])
	            assert ask(link, path)[2] == b"first\n"
	            if not stays:
	                link.close()
	            if path != "/beyond":
	                for gate in (f"/open/g{port}{stays}",
	                             f"/await/g{port}{stays}-said"):
	                    assert b"open" in ask(other, gate)[2]
	            if not stays:
	                link = connect("listed.test", port)
	            for _ in range(3):
	                assert number(ask(link, "/")[2]) != used
	            link.close()
	    other.close()

	    key = base64.b64encode(os.urandom(16)).decode()
	    asked = ("Connection: Upgrade\r\nUpgrade: websocket\r\n"
	             f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n")
	    for path, more in (("/false_websocket", asked), ("/status/101", asked),
	                       ("/status/101", ""),
	                       ("/status/101", "Connection: Upgrade\r\n"
	                        "Upgrade: h2c\r\n")):
	        link = connect("listed.test", port)
	        first, _, body = ask(link, path, more)
	        assert first.startswith("HTTP/1.1 502 "), (path, first)
	        assert b"upstream_http" in body and b"welcome" not in body, body
	        link.close()
END
