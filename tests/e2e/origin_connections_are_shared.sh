# A connection to an origin outlives the agent's: the next one to the same name
# needs none of its own. A stale one is noticed, and nothing is asked twice that
# may not be.
WORKERS=1
. "${0%/*}/peers_lib.sh"

world_peers listed.test other.test
world_resolves
routes='routes:
  - host: listed.test
  - {host: other.test, private: true}'
manifest "$routes"

# Of the origin's log: "CONNECTION.REQUEST METHOD PATH".
heard()
{
	grep -c "^[0-9.]* $1 HTTP/1.1$" "$DIR/world-origin.log" || :
}

agent_does <<-'END'
	from peer import *

	def ask(name, port, path, method="GET", extra="", body=b""):
	    """The status, and the origin's own number of its connection."""
	    link = connect(name, port)
	    first, _, text = exchange(
	        link, f"{method} {path} HTTP/1.1\r\nHost: {name}\r\n{extra}"
	        "\r\n".encode(), body, method)
	    link.close()
	    number = text.partition(b"connection ")[2].partition(b".")[0]
	    return first.split(" ")[1], number

	for port in 443, 80:
	    numbers = {ask("listed.test", port, "/", extra=extra)[1]
	               for extra in ("", "Connection: close\r\n") * 5}
	    assert len(numbers) == 1 and b"" not in numbers, numbers
	    # Not for another name, though it is at hand.
	    assert ask("other.test", port, "/")[1] not in numbers

	    # Who is logged in is so for his connection alone (RFC 4559).
	    one = ask("listed.test", port, "/",
	              extra="Authorization: Negotiate abc=\r\n")[1]
	    two = ask("listed.test", port, "/")[1]
	    assert one != two, (one, two)

	    # A stale connection costs a safe request nothing ...
	    for method in "GET", "HEAD", "OPTIONS":
	        ask("listed.test", port, "/")
	        status, _ = ask("listed.test", port, f"/stale/{port}", method)
	        assert status == "200", (method, status)
	    # ... and any other is sent once.
	    ask("listed.test", port, "/")
	    status, _ = ask("listed.test", port, f"/stale/post/{port}", "POST",
	                    "Content-Length: 4\r\n", b"once")
	    assert status == "502", status
	    # If nobody answers, it was asked twice, not for ever.
	    ask("listed.test", port, "/")
	    status, _ = ask("listed.test", port, f"/nothing/{port}")
	    assert status == "502", status

	    # On a connection that the agent keeps, that ends as the origin's did.
	    link = connect("listed.test", port)
	    exchange(link, b"GET / HTTP/1.1\r\nHost: listed.test\r\n\r\n")
	    link.sendall(f"POST /stale/kept/{port} HTTP/1.1\r\n"
	                 "Host: listed.test\r\nContent-Length: 0\r\n\r\n"
	                 .encode())
	    try:
	        assert link.recv(100) == b""
	    except (ConnectionResetError, ssl.SSLError):
	        pass  # TLS has no other word for it
END
for port in 443 80; do
	[ "$(heard "GET /stale/$port")" -eq 2 ] || fail 'GET was not sent again'
	[ "$(heard "POST /stale/post/$port")" -eq 1 ] || fail 'POST was sent again'
	[ "$(heard "POST /stale/kept/$port")" -eq 1 ] || fail 'POST was sent again'
	[ "$(heard "GET /nothing/$port")" -le 2 ] || fail 'GET was sent on and on'
done

# Where there is no connection to use again, the TLS session is.
before=$(grep -c '^resumed$' "$DIR/world-origin.log" || :)
for i in 1 2 3; do
	agent curl -sS --max-time 10 https://listed.test/last | expect 'the last'
done
[ "$(grep -c '^resumed$' "$DIR/world-origin.log")" -ge $((before + 2)) ] ||
	fail "no session was resumed"

# What another manifest admitted is not used any more.
number()
{
	agent curl -sS --max-time 10 https://listed.test/ |
		sed -n 's/^connection \([0-9]*\).*/\1/p'
}
first=$(number)
[ "$(number)" = "$first" ] || fail 'it was not kept'
manifest "$routes
  - host: third.test"
[ "$(number)" != "$first" ] || fail 'it outlived the manifest'
