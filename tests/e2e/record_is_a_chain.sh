# Every line of the record names the one before, over files that were put aside
# when they were full, over the death of the process that writes and over a
# restart of the gateway. `sluice log --verify` says so, and finds any change.
. "${0%/*}/dns_lib.sh"

record=$DIR/audit.jsonl
verify() { "$BIN/sluice" log --verify "$@"; }
# In whatever file it is: they are put aside meanwhile.
recorded() { cat "$record".* "$record" | grep -q "$1"; }
recorded_soon() { await recorded "$1" || fail "there is no $1"; }

world_serves listed.test
GATEWAY_OPTIONS='--audit-size 64K'
manifest 'routes: [{host: listed.test}]'

# Each a line of its own: names, until some files are full.
cat >"$DIR/many.py" <<'END2'
import sys
from dns_peer import *
for i in range(int(sys.argv[1])):
    over_udp(GATEWAYS[0], query(f"{sys.argv[2]}{i}.unlisted.test", A, i))
END2

put_aside() { [ "$(ls "$record".* 2>/dev/null | wc -l)" -ge "$1" ]; }

agent python3 "$DIR/many.py" 300 a
await put_aside 1 || fail 'a full file is gone on with'
agent python3 "$DIR/many.py" 300 b
await put_aside 2 || fail 'only one file was put aside'

# The process that writes dies, with nothing left to write; then the whole
# gateway does.
recorded_soon '"name":"b299.unlisted.test"'
audit=$(pgrep -u 64233 -P "$GATEWAY_PID")
kill -KILL "$audit"
recorded_soon '"event":"restart"'
kill "$GATEWAY_PID"
wait "$GATEWAY_PID" || fail 'the gateway did not end well'
GATEWAY_PID=
rm "$DIR/ready"
manifest 'routes: [{host: listed.test}]'
agent python3 "$DIR/many.py" 20 c
recorded_soon '"name":"c19.unlisted.test"'
kill "$GATEWAY_PID"
wait "$GATEWAY_PID" || fail 'the gateway did not end well'
GATEWAY_PID=
rm "$DIR/ready"

verify "$record" >"$DIR/verified" || fail "$(cat "$DIR/verified")"
expect ^whole: <"$DIR/verified"
lines=$(cat "$record".* "$record" | wc -l)
expect "whole: $lines lines, to number $lines;" <"$DIR/verified"
# None is lost, and none is told twice.
cat "$record".* "$record" | python3 -c '
import json, sys
lines = [json.loads(line) for line in sys.stdin]
assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
names = [line["name"] for line in lines if line["event"] == "dns"]
wanted = [f"{c}{i}.unlisted.test" for c, n in (("a", 300), ("b", 300), ("c", 20))
          for i in range(n)]
assert sorted(names) == sorted(wanted), len(names)
' || fail 'lines are missing'

# What somebody does to a copy of it, without the means to do it well.
head=$(sed -n 's/.*head //p' "$DIR/verified")
first=$(ls "$record".* | head -n 1)
second=$(ls "$record".* | sed -n 2p)
copy()
{
	rm -rf "$DIR/copy"
	mkdir "$DIR/copy"
	cp "$record" "$record".* "$DIR/copy"
}
is_broken()
{
	verify "$DIR/copy/audit.jsonl" >"$DIR/verified" && fail "not found: $1"
	expect "$2" <"$DIR/verified"
	expect ^BROKEN <"$DIR/verified"
}

copy
verify --head "$head" "$DIR/copy/audit.jsonl" | expect ^whole
sed -i '100s/"v":1/"v":2/' "$DIR/copy/${first##*/}"
cmp -s "$first" "$DIR/copy/${first##*/}" && fail 'line 100 is as it was'
is_broken 'a byte' "${first##*/}: line 101 does not follow"
copy
sed -i 50d "$DIR/copy/${first##*/}"
is_broken 'a line less' 'line 50 does not follow'
copy
sed -i '50{h;d};51G' "$DIR/copy/${first##*/}"
is_broken 'two lines in the wrong order' 'line 50 does not follow'
copy
sed -i 50p "$DIR/copy/${first##*/}"
is_broken 'a line twice' 'line 51 does not follow'
copy
rm "$DIR/copy/${second##*/}"
is_broken 'a file' 'line 1 does not follow'
copy
sed -i '50a nonsense' "$DIR/copy/${first##*/}"
is_broken 'a line more' 'line 51 is no line of a record'

# The end of it can be cut off; whoever kept a hash of it sees even that.
copy
last=$DIR/copy/audit.jsonl
[ -s "$last" ] || last=$(ls "$last".* | tail -n 1)
sed -i '$d' "$last"
verify "$DIR/copy/audit.jsonl" | expect ^whole
verify --head "$head" "$DIR/copy/audit.jsonl" >"$DIR/verified" &&
	fail 'the end was cut off'
expect 'no line has the hash' <"$DIR/verified"

# Half a line, as a crash leaves it: the gateway goes on behind it.
printf '{"v":1,"seq":99' >>"$record"
manifest 'routes: [{host: listed.test}]'
agent python3 "$DIR/many.py" 1 d
recorded_soon '"name":"d0.unlisted.test"'
verify "$record" >"$DIR/verified" || fail "$(cat "$DIR/verified")"
expect 'is no line of a record, or not all of one' <"$DIR/verified"
