# While the disk of the record is full nothing new is admitted; once there is
# room all works again, and no line is missing, torn or twice.
[ "$(id -u)" -ne 0 ] || [ -n "${SLUICE_MOUNTS:-}" ] ||
	SLUICE_MOUNTS=own exec unshare --mount sh "$0"
. "${0%/*}/lib.sh"

need python3 openssl
world_serves listed.test spliced.test fresh.test
mkdir "$DIR/disk"
mount -t tmpfs -o size=64k none "$DIR/disk" || skip 'no tmpfs here'
ln -s disk/audit.jsonl "$DIR/audit.jsonl"
manifest 'routes:
  - host: listed.test
  - host: fresh.test
  - {host: spliced.test, tls: splice}'

agent $CURL https://listed.test/ | expect 'hello from listed.test'

# Two connections that stay: the agent asks on each when told to.
cat >"$DIR/stay.py" <<'END'
import os, socket, ssl, sys

def ask(tls, name):
    tls.sendall(b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % name.encode())
    got = b""
    while b"hello from" not in got and b"reason" not in got:
        more = tls.recv(65536)
        if not more:
            break
        got += more
    return got

def connect(name, ca):
    context = ssl.create_default_context(cafile=ca)
    raw = socket.create_connection((name, 443), 10)
    return context.wrap_socket(raw, server_hostname=name)

kept = connect("listed.test", None)
open_ = connect("spliced.test", sys.argv[1])
for tls, name in ((kept, "listed.test"), (open_, "spliced.test")):
    assert b"hello from " + name.encode() in ask(tls, name)
print("connected", flush=True)
with open(sys.argv[2]) as full:
    full.read()
# What was admitted goes on; another request would be another admission.
assert b"hello from spliced.test" in ask(open_, "spliced.test")
got = ask(kept, "listed.test")
assert b'"reason":"unrecordable"' in got, got
print("as it should be", flush=True)
END
cp "$DIR/world-ca.pem" "$DIR/ca.pem"
mkfifo "$DIR/full"
background stay.log agent /usr/bin/python3 "$DIR/stay.py" "$DIR/ca.pem" \
	"$DIR/full"
await grep -q connected "$DIR/stay.log" || fail "$(cat "$DIR/stay.log")"

dd if=/dev/zero of="$DIR/disk/filler" bs=4k count=64 2>/dev/null &&
	fail 'the disk is not full'
# The last page of the file has room for some lines more.
tries=40
until grep -q 'cannot write, so nothing new' "$DIR/gateway.log"; do
	tries=$((tries - 1))
	[ $tries -gt 0 ] || fail 'the gateway never minded'
	agent $CURL --max-time 3 http://listed.test/ >/dev/null 2>&1 || :
done

before=$(world_settled)
agent_fails $CURL --fail --max-time 3 https://listed.test/
agent_fails $CURL --fail --max-time 3 http://listed.test/
agent_fails $CURL --fail --max-time 3 https://spliced.test/
agent_fails $CURL --fail --max-time 3 https://fresh.test/
agent_fails $CURL --fail --max-time 3 http://fresh.test/new-request
in_agent ip route replace default via 10.77.0.1
address=$(world_address spliced.test)
for name in listed.test spliced.test unlisted.test; do
	in_agent $CURL -k --fail --max-time 3 \
		--resolve "$name:443:$address" "https://$name/" \
		>/dev/null 2>&1 && fail "$name was reached"
done
[ "$(world_settled)" -eq "$before" ] || fail 'something reached the world'
world_heard_nothing_of new-request
world_heard_nothing_of fresh.test

echo >"$DIR/full"
await grep -q 'as it should be' "$DIR/stay.log" ||
	fail "$(cat "$DIR/stay.log")"

rm "$DIR/disk/filler"
await grep -q 'the record is whole again' "$DIR/gateway.log" ||
	fail 'the gateway did not see that there is room'
for name in listed.test fresh.test; do
	agent $CURL "https://$name/" | expect "hello from $name"
	agent $CURL "http://$name/" | expect "hello from $name"
done
audit_has '"reason":"unrecordable"' '"event":"connect"'
audit_has '"reason":"unrecordable"' '"event":"dns"'
audit_has '"reason":"unrecordable"' '"event":"request"'
/usr/bin/python3 - "$DIR/audit.jsonl" <<'END' || fail 'the record is not sound'
import json, sys
with open(sys.argv[1]) as file:
    numbers = [json.loads(line)["seq"] for line in file]
assert numbers == list(range(1, len(numbers) + 1)), numbers
END
