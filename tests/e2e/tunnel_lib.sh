# tunnel_lib.sh - lib.sh, and what the world has been told by names alone
. "${0%/*}/lib.sh"

# heard ZONE: the distinct names below it that the world was asked for, after
# the first $HEARD_BEFORE lines of what its resolver says.
heard()
{
	tail -n +$((${HEARD_BEFORE:-0} + 1)) "$DIR/dnsmasq.log" |
		grep -o 'query\[[A-Z]*\] [^ ]*' | cut -d' ' -f2 |
		tr A-Z a-z | grep "[.]$1\$" | sort -u
}

# held_below ZONE BITS-PER-SECOND: no more than that came by its names. A byte
# is one of 39, so 5.2855 bits; each name has one for its end as well. What a
# minute allows may be gone at once: it is divided by the minute.
held_below()
{
	bits=$(heard "$1" | awk -v below="$1" '
		{ n += length($0) - length(below) }
		END { printf "%d", n * 5.2855 }')
	echo "$(heard "$1" | wc -l) names heard, $bits bits," \
		"$((bits / 60)) bit/s by the minute"
	[ $((bits / 60)) -lt "$2" ] || fail "$bits bits got out"
}
