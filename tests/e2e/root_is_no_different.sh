# Root of the agent's machine, with every capability and without sluice-init,
# reaches by name and by address what the agent reaches, and no more.
. "${0%/*}/lib.sh"

need dig openssl python3
world_serves listed.test unlisted.test
manifest 'routes: [{host: listed.test}]'
listed=$(world_address listed.test)
unlisted=$(world_address unlisted.test)
in_agent ip route add default via 10.77.0.1
in_agent ip -6 route add default via fd73:6c75:6963:1::1 dev eth0
in_agent grep -q 'CapEff:.*[1-9a-f]' /proc/self/status || fail 'no root'
DIG='dig +time=2 +tries=1 +short'

# The gateway's answers, whoever is asked; and a listed name is there.
[ "$(in_agent $DIG @8.8.8.8 listed.test)" = "$listed" ] || fail 'no answer'
in_agent $CURL -k --resolve "listed.test:443:$listed" https://listed.test/ |
	expect 'hello from listed.test'

before=$(world_settled not port 53)
for server in 93.184.216.53 2606:2800:220:1::1; do
	for over in +notcp +tcp; do
		[ "$(in_agent $DIG $over @$server unlisted.test)" = 198.18.0.1 ] ||
			fail 'an unlisted name was resolved'
		[ -z "$(in_agent $DIG $over @$server data.unlisted.test TXT)" ] ||
			fail 'an unlisted name has text'
	done
done
for address in "$listed" "$unlisted" 198.18.0.1 93.184.216.1; do
	in_agent $CURL -k --resolve "unlisted.test:443:$address" \
		https://unlisted.test/ | expect '"reason":"name_not_listed"'
	in_agent $CURL --resolve "unlisted.test:80:$address" \
		http://unlisted.test/ | expect '"reason":"name_not_listed"'
	in_agent openssl s_client -connect "$address:443" -noservername \
		</dev/null 2>&1 | expect alert
done
for address in "$unlisted" 93.184.216.1; do
	in_agent $CURL -k --resolve "listed.test:443:$address" \
		https://listed.test/ | expect '"reason":"address_mismatch"'
done

# What only root can ask of its own kernel.
cat >"$DIR/root.py" <<'END'
import socket, struct, sys

def attempt(address, port, prepare):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(0.3)
        try:
            prepare(s)
            s.connect((address, port))
            s.send(b"GET /unlisted HTTP/1.0\r\n\r\n")
            got = s.recv(1000)
        except OSError:
            return
        if b"hello" in got:
            sys.exit("%s %d answered: %r" % (address, port, got))

def mark(value):
    value = struct.pack("=I", value)
    return lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, value)

def low(s):
    s.bind(("", 53))

def foreign(source):
    def prepare(s):
        if s.family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, 75, 1)  # IPV6_TRANSPARENT
        else:
            s.setsockopt(socket.SOL_IP, 19, 1)  # IP_TRANSPARENT
        s.bind((source, 0))
    return prepare

def routed(s):
    s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS,
                 b"\x83\x07\x04" + socket.inet_aton("93.184.216.2") + b"\0")

marks = [mark(1 << bit) for bit in range(32)] + [mark(0xffffffff)]
for prepare in (lambda s: None, *marks, low, foreign("127.0.0.1"),
                foreign("10.77.0.1"), foreign("93.184.216.2"), routed):
    for port in (80, 443):
        attempt(sys.argv[1], port, prepare)
for prepare in (lambda s: None, *marks, low, foreign("::1"),
                foreign("fd73:6c75:6963:1::1"), foreign("2606:2800:220:1::2")):
    for port in (80, 443):
        attempt(sys.argv[2], port, prepare)
for address in (sys.argv[1], "93.184.216.1", "8.8.8.8", "2606:2800:220:1::1",
                "2001:4860:4860::8888", "::ffff:93.184.216.1"):
    for port in (22, 25, 53, 80, 443, 853, 8080, 15001, 65535):
        attempt(address, port, lambda s: None)
END
in_agent /usr/bin/python3 "$DIR/root.py" "$listed" \
	"2606:2800:220:1::${listed##*.}" || fail 'see above'

[ "$(world_settled not port 53)" -eq "$before" ] ||
	fail 'something reached the world'
grep 'query\[' "$DIR/dnsmasq.log" | grep -v -i ' listed.test ' &&
	fail 'something else was asked for'
world_heard_nothing_of unlisted
