# DNS over HTTPS, TLS or QUIC is no way around: a resolver that nobody listed
# gets not a byte, by name or address; on a listed one it is a request like others.
. "${0%/*}/lib.sh"

need python3
world_serves listed.test dns.google cloudflare-dns.com
for address in 1.1.1.1 8.8.8.8; do
	ip -n "$WORLD" addr add $address/32 dev lo
done
manifest 'routes: [{host: listed.test}]'
question=AAABAAABAAAAAAAABnNlY3JldAVsZWFrcwAAAQAB # secret.leaks
agent $CURL https://listed.test/ | expect 'hello from listed.test'
before=$(world_settled)

for url in https://dns.google/dns-query https://cloudflare-dns.com/dns-query \
	http://dns.google/resolve; do
	agent $CURL "$url?dns=$question&name=secretleaks.test" |
		expect '"reason":"name_not_listed"'
	agent $CURL -H 'Content-Type: application/dns-message' \
		--data-binary secretleaks "$url" |
		expect '"reason":"name_not_listed"'
done
for address in 1.1.1.1 8.8.8.8 '[2606:4700:4700::1111]'; do
	agent $CURL "http://$address/dns-query?dns=$question" |
		expect '"reason":"address_not_listed"'
	agent_fails $CURL -k --max-time 3 \
		"https://$address/dns-query?dns=$question"
	# Nor by a name that is listed, at that address.
	agent $CURL -k --connect-to "::$address:" \
		"https://listed.test/dns-query?dns=$question" |
		expect '"reason":"address_mismatch"'
	agent $CURL -k --connect-to "::$address:853" https://listed.test:853/ |
		expect '"reason":"port_not_listed"'
done
agent python3 - <<'END' || fail 'QUIC went out'
import socket
for where in ("1.1.1.1", "2606:4700:4700::1111", "93.184.216.53"):
    for port in (853, 443, 8853, 784):
        family = socket.AF_INET6 if ":" in where else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as link:
            link.settimeout(2)
            link.connect((where, port))
            link.send(b"\xc3\0\0\0\1\x08secretleaks".ljust(1200, b"\0"))
            try:
                link.recv(1)
                raise SystemExit(f"{where} {port} answers")
            except OSError as error:  # refused at once, by ICMP
                assert not isinstance(error, TimeoutError), (where, port)
END
[ "$(world_settled)" -eq "$before" ] || fail 'something reached the world'
world_heard_nothing_of secretleaks secret dns.google cloudflare

# On a listed host it is read and recorded as what it is.
agent $CURL "https://listed.test/dns-query?dns=$question" |
	expect 'hello from listed.test'
audit_has '"event":"request"' '"name":"listed.test"' '"path":"/dns-query"'
