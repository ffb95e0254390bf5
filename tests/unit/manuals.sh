# The gateway's manuals have every option, reason, event, member and limit
# that its sources have, with the same numbers.

set -eu
cd "$1" # the top of the tree
audit=gateway/sluice-audit.5
gateway=gateway/sluice-gateway.8
status=0

missing()
{
	echo "$*" >&2
	status=1
}

# count WHAT LEAST WORD...: the words were found in the sources at all.
count()
{
	what=$1 least=$2
	shift 2
	[ $# -ge "$least" ] || missing "only $# $what were found in the sources"
}

# item FILE WORD: a list has an entry for it.
item()
{
	grep -E '^\.It (Cm|Fl)' "$1" | tr ' ,' '\n\n' | grep -q -x -F -e "$2" ||
		missing "$1 does not explain $2"
}

# The first string of each row of the table of reasons.
n=$(grep -c '^	REASON_' rules/verdict.h)
codes=$(sed -n 's/^	\[REASON_[A-Z0-9_]*\] = { "\([a-z0-9_]*\)",.*/\1/p' \
	rules/verdict.c)
# shellcheck disable=SC2086
count reasons $((n - 1)) $codes
for code in $codes; do
	item "$audit" "$code"
done

members=$(sed -n -e 's/.*json_[a-z]*(&*json, "\([a-z_]*\)".*/\1/p' \
	-e 's/.*put_endpoint(&json, "\([a-z_]*\)".*/\1/p' \
	-e 's/^		     "\([a-z_]*_port\)".*/\1/p' gateway/audit.c)
# shellcheck disable=SC2086
count members 20 $members
for member in v seq $members; do
	item "$audit" "$member"
done

events=$(cat gateway/*.c gateway/*/*.c | sed -n -e 's/.*\.event = "\([a-z]*\)",.*/\1/p' \
	-e 's/.*flow_note(flow, "\([a-z]*\)".*/\1/p' \
	-e 's/.*record(&*supervisor, "\([a-z]*\)".*/\1/p' | sort -u)
# shellcheck disable=SC2086
count events 10 $events
for event in $events; do
	item "$audit" "$event"
done

options=$(sed -n 's/^		{ "\([a-z-]*\)", [a-z]*_argument.*/\1/p' gateway/config.c)
# shellcheck disable=SC2086
count options 9 $options
for option in $options; do
	item "$gateway" "-$option"
done

# Below `.\" limit: FILE NAME` is a line that begins with the number.
limits=$(grep -c '^\.\\" limit: ' "$gateway")
[ "$limits" -ge 40 ] || missing "only $limits limits in $gateway"
sed -n '/^\.\\" limit: /{N;s/^\.\\" limit: \(.*\)\n\(\.It \)*/\1 /p;}' \
	"$gateway" >"${TMPDIR:-/tmp}/sluice-manuals.$$"
while read -r file name number _; do
	value=$(sed -n "s/^#define $name[ 	]*\([0-9]*\).*/\1/p" "$file")
	[ -n "$value" ] && [ "${number%%[!0-9]*}" = "$value" ] ||
		missing "$gateway has $number for $name, $file \"$value\""
done <"${TMPDIR:-/tmp}/sluice-manuals.$$"
rm "${TMPDIR:-/tmp}/sluice-manuals.$$"
exit $status
