# Of two resolvers one may be silent, broken or wrong: the other is asked in
# time for a program that waits five seconds. What is cut is asked over TCP, and
# a resolver that does not know EDNS is asked without, again and again.
. "${0%/*}/dns_lib.sh"

need dig
RESOLVER='93.184.216.54 93.184.216.53 93.184.216.55'
ip -n "$WORLD" addr add 93.184.216.54/24 dev eth0
# Nobody listens there, and it says so.
ip -n "$WORLD" addr add 93.184.216.55/24 dev eth0
world_answers 93.184.216.53 93.184.216.54 <<'END'
def answer(q):
    first = q.name.split(".")[0]
    good = q.reply(address(q.name, "93.184.216.101"))
    if first.startswith("plain"):
        return (good if not q.opt else
                message(q.number, 0x8181, [q.raw]))  # FORMERR, no OPT
    if first.startswith("cut"):
        return good if q.over_tcp else q.reply(flags=0x8380)
    if q.server != "93.184.216.54":
        return good
    if first.startswith("silent"):
        return None
    if first.startswith("failing"):
        return q.reply(code=SERVFAIL)
    if first.startswith("refusing"):
        return q.reply(code=REFUSED)
    if first.startswith("unable"):
        return q.reply(code=NOTIMP)
    return good
END
manifest "routes:
$(for what in silent failing refusing unable cut plain both; do
	for i in 1 2 3; do echo "  - host: $what$i.test"; done
done)"

for what in failing refusing unable cut silent both plain; do
	for i in 1 2 3; do
		for over in +notcp +tcp; do
			agent dig +tries=1 +time=5 $over +short $what$i.test |
				expect '^93.184.216.101$'
		done
	done
done
[ "$(asked '^udp 93.184.216.54 A silent1.test')" -ge 1 ] ||
	fail 'the silent one was not asked'
[ "$(asked '^tcp .* A cut1.test')" -ge 1 ] || fail 'TCP was not tried'
