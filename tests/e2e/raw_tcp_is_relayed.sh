# On a port that a route names, bytes pass whatever they are and whoever speaks
# first; the name is known by an address that stands for it alone.
. "${0%/*}/peers_lib.sh"

world_tcp raw.test other.test
world_resolves
other=$(world_address other.test)
manifest "routes:
  - {host: raw.test, ports: [7000, 7001, 7002], tls: none}
  - {cidr: $other, ports: 7000}
  - {cidr: \"2606:2800:220:1::102\", ports: 7000}"

agent_does "$other" <<-'END'
	import ipaddress
	import sys
	from peer import *

	VIRTUAL = {socket.AF_INET: ipaddress.ip_network("198.18.0.0/15"),
	           socket.AF_INET6: ipaddress.ip_network("fc00::/7")}

	def talk(name, port, family):
	    return connect(name, port, family, False)

	def echoes(link, end=b"goodbye\n"):
	    data = content(200000)
	    link.sendall(data)
	    stream = link.makefile("rb")
	    assert read_exactly(stream, len(data)) == data
	    half_close(link)
	    assert stream.read() == end
	    link.close()

	for family, network in VIRTUAL.items():
	    address = socket.getaddrinfo("raw.test", 7000, family)[0][4][0]
	    assert ipaddress.ip_address(address) in network, address

	    echoes(talk("raw.test", 7000, family))

	    link = talk("raw.test", 7001, family)
	    stream = link.makefile("rb")
	    assert stream.readline() == b"220 welcome\r\n"
	    link.sendall(b"QUIT\r\n")
	    assert stream.readline() == b"QUIT\r\n"
	    half_close(link)
	    assert stream.read() == b"goodbye\n"
	    link.close()

	    # It answers when it has heard the end, and not before.
	    link = talk("raw.test", 7002, family)
	    data = content(8 << 20)
	    link.sendall(data)
	    half_close(link)
	    assert link.makefile("rb").read() == (
	        f"{len(data)} {digest(data)}\n".encode())
	    link.close()

	    # What looks like TLS or HTTP is bytes here, too.
	    for odd in (b"\x16\x03\x01\x00\x05hello",
	                b"GET / HTTP/1.1\r\nHost: unlisted.test\r\n\r\n"):
	        link = talk("raw.test", 7000, family)
	        link.sendall(odd)
	        assert link.makefile("rb").read(len(odd)) == odd
	        link.close()

	# By address, where a route lists it.
	echoes(talk(sys.argv[1], 7000, socket.AF_INET))
	echoes(talk("2606:2800:220:1::102", 7000, socket.AF_INET6))

	# Another port, and another address, are not listed.
	for name, port, family in (
	        ("raw.test", 7003, socket.AF_INET),
	        ("raw.test", 7003, socket.AF_INET6),
	        (sys.argv[1], 7001, socket.AF_INET),
	        ("93.184.216.101", 7000, socket.AF_INET),
	        ("2606:2800:220:1::101", 7000, socket.AF_INET6)):
	    try:
	        link = talk(name, port, family)
	        link.sendall(b"\0hello")
	        assert link.recv(1) == b"", "an answer"
	        raise AssertionError(f"{name} {port}: no reset")
	    except ConnectionError:
	        pass
END
[ "$(grep -c '7003' "$DIR/world-tcp.log")" -eq 0 ] || fail 'another port'
[ "$(world_packets 'tcp dst port 7003')" -eq 0 ] || fail 'another port'
[ "$(world_packets 'tcp dst port 7001 and host 93.184.216.102')" -eq 0 ] ||
	fail 'another port of an address'
audit_has '"event":"connect"' '"verdict":"relay"' '"name":"raw.test"'
audit_has '"event":"connect"' '"verdict":"deny"' '"port":7003' \
	'"reason":"port_not_listed"'
