# An agent's TLS session is resumed by whichever worker its next connection
# meets, under the name that it was begun for and no other; a ticket admits
# nothing that the manifest does not, and early data is not taken.
WORKERS=3
. "${0%/*}/lib.sh"

need python3
world_serves one.test two.test
both='routes: [{host: one.test}, {host: two.test}]'
manifest "$both"
chmod 777 "$DIR"

# shake NAME [OPTION...]: a handshake, one request, and what was said.
shake()
{
	name=$1
	shift
	printf 'GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' \
		"$name" | agent timeout 20 openssl s_client -ign_eof \
		-connect "$name:443" -servername "$name" -verify_return_error \
		-CAfile /run/sluice/bundle.pem "$@" >"$DIR/said" 2>&1 || :
}

said()
{
	grep -q -- "$1" "$DIR/said" && return
	cat "$DIR/said" >&2
	fail "this was not said: $1"
}

for version in 3 2; do
	ticket=$DIR/ticket$version
	shake one.test -tls1_$version -sess_out "$ticket"
	said "^New, TLSv1.$version"
	said 'hello from one.test'
	# A connection goes to a worker by its ports: some of these to each.
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		shake one.test -tls1_$version -sess_in "$ticket"
		said "^Reused, TLSv1.$version"
		said 'hello from one.test'
	done
	# Under another name it is no ticket, and its certificate is shown.
	shake two.test -tls1_$version -sess_in "$ticket"
	said '^New, TLSv1'
	said 'subject=.*two.test'
	said 'hello from two.test'
done
workers=$(grep '"event":"connect"' "$DIR/audit.jsonl" |
	grep -o '"worker":[0-9]*' | sort -u | wc -l)
[ "$workers" -ge 2 ] || fail 'one worker met all of it'

# One ticket for a handshake, however many it could be.
shake one.test -tls1_3
[ "$(grep -c 'Post-Handshake New Session Ticket arrived' "$DIR/said")" -eq 1 ] ||
	fail 'not one ticket'

# Early data: a session that claims to have leave for it.
cat >"$DIR/lie.py" <<'END'
import base64
import sys

# SSL_SESSION's max_early_data is [15], and its last members are optional.
text = open(sys.argv[1]).read().split("-----")
der = base64.b64decode(text[2])
assert der[:2] == b"\x30\x82"
body, out, at = der[4:], [], 0
while at < len(body):
    tag, length, head = body[at], body[at + 1], 2
    if length > 128:
        n = length - 128
        length = int.from_bytes(body[at + 2:at + 2 + n], "big")
        head += n
    out.append((tag, body[at:at + head + length]))
    at += head + length
out = [x for x in out if x[0] != 0xaf]
where = next((i for i, x in enumerate(out) if 0xaf < x[0] < 0xc0), len(out))
out.insert(where, (0xaf, b"\xaf\x04\x02\x02\x40\x00"))
body = b"".join(x[1] for x in out)
text[2] = "\n" + base64.encodebytes(
    b"\x30\x82" + len(body).to_bytes(2, "big") + body).decode()
open(sys.argv[2], "w").write("-----".join(text))
END
python3 "$DIR/lie.py" "$DIR/ticket3" "$DIR/ticket0"
printf 'GET /early HTTP/1.1\r\nHost: one.test\r\n\r\n' >"$DIR/early"
shake one.test -sess_in "$DIR/ticket0" -early_data "$DIR/early"
said 'Early data was rejected'
said 'hello from one.test'
await grep -q 'GET / HTTP' "$DIR/nginx.log" || fail 'nginx logs nothing'
! grep -q /early "$DIR/nginx.log" || fail 'early data reached the origin'
audit_has '"event":"connect"' '"name":"one.test"' '"early_data":true'

# What is judged is the name, each time.
manifest 'routes: [{host: two.test}]'
before=$(grep -c . "$DIR/nginx.log")
for version in 3 2; do
	shake one.test -tls1_$version -sess_in "$DIR/ticket$version"
	said '"reason":"name_not_listed"'
done
[ "$(grep -c . "$DIR/nginx.log")" -eq "$before" ] || fail 'an origin was asked'

# Nobody has the keys of another run.
manifest "$both"
shake one.test -tls1_3 -sess_in "$DIR/ticket3"
said '^Reused'
DEATHS_EXPECTED=1
kill -KILL "$(pgrep -P "$GATEWAY_PID" | tail -n 1)"
audit_has '"event":"restart"'
shake one.test -sess_in "$DIR/ticket3"
said '^New'
said 'hello from one.test'
