# An agent that goes away while an answer is awaited takes its request along:
# the origin hears of it at once. One that has only ended its own direction is
# answered.
WORKERS=1
. "${0%/*}/peers_lib.sh"

world_peers listed.test
world_resolves
manifest 'routes: [{host: listed.test}]'

agent_does <<-'END'
	from peer import *

	def until(link, mark):
	    text = b""
	    while mark not in text:
	        more = link.recv(4096)
	        assert more, text
	        text += more

	for port in 443, 80:
	    link = connect("listed.test", port)
	    link.sendall(f"GET /events/{port}left HTTP/1.1\r\nHost: listed.test"
	                 "\r\n\r\n".encode())
	    until(link, b"data: 0")
	    # By RST, as when a program is killed with bytes unread.
	    raw = socket.socket(fileno=os.dup(link.fileno()))
	    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
	                   struct.pack("ii", 1, 0))
	    raw.close()
	    link.close()

	# By FIN, where TLS has no other half to go on with.
	link = connect("listed.test")
	link.sendall(b"GET /events/fin HTTP/1.1\r\nHost: listed.test\r\n\r\n")
	until(link, b"data: 0")
	link.close()

	# A direction alone is ended by FIN, or in TLS by close_notify.
	link = connect("listed.test", 80)
	link.sendall(b"GET /hints/half80 HTTP/1.1\r\nHost: listed.test\r\n\r\n")
	half_close(link)
	until(link, b"103")
	other = connect("listed.test")
	exchange(other, b"GET /open/half80 HTTP/1.1\r\nHost: listed.test\r\n\r\n")
	text = b""
	while more := link.recv(4096):
	    text += more
	assert b"after the hints" in text, text
END
for gone in 443left 80left fin; do
	await grep -q "^[0-9.]* gone $gone" "$DIR/world-origin.log" ||
		fail "the origin still talks to nobody: $gone"
done
printf 'GET / HTTP/1.1\r\nHost: listed.test\r\nConnection: close\r\n\r\n' |
	agent gnutls-cli --logfile=/dev/null listed.test >"$DIR/gnutls" || :
grep -q 'hello from listed.test' "$DIR/gnutls" ||
	fail 'half a connection of TLS was not answered'
