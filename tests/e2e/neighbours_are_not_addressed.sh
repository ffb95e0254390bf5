# On a segment with other neighbours an agent without CAP_NET_RAW addresses no
# frame to one of them, whatever it asks its kernel for. What it says to all of
# them over IPv4, by broadcast and multicast, is heard; IPv6 has no such way.
. "${0%/*}/init_lib.sh"

command -v tcpdump >/dev/null || skip 'needs tcpdump'
mac=$(in_ns neighbour cat /sys/class/net/eth0/address)
in_ns neighbour tcpdump -i eth0 -n -e -l -Q in 'udp or icmp or tcp or arp or ip6' \
	>"$work/heard" 2>"$work/ears" &
servers="$servers $!"
tries=100
until grep -q listening "$work/ears"; do
	tries=$((tries - 1))
	[ $tries -gt 0 ] || fail 'the neighbour is deaf'
	sleep 0.05
done

cat >"$work/try.py" <<'END'
import errno, socket
index = socket.if_nametoindex("eth0")
device = (socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0\0")
past = (socket.SOL_SOCKET, 5, 1)  # SO_DONTROUTE
all_ = (socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
group = (socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
         socket.inet_aton("10.77.0.2"))
group6 = (socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)

def say(family, kind, to, *options):
    tried = socket.socket(family, kind)
    tried.setblocking(False)
    for option in options:
        tried.setsockopt(*option)
    try:
        tried.connect(to)
        tried.send(b"neighbour")
    except OSError as error:
        return error.errno

for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
    for options in (), (device,), (past,), (device, past):
        say(socket.AF_INET, kind, ("10.77.0.9", 7), *options)
        for to in ("fd77::9", 7), ("fe80::9", 7, 0, index):
            say(socket.AF_INET6, kind, to, *options)
for to in ("ff02::1", 7, 0, index), ("ff02::fb", 5353, 0, index):
    for options in (), (device,), (group6,), (past, group6):
        error = say(socket.AF_INET6, socket.SOCK_DGRAM, to, *options)
        assert error == errno.ENETUNREACH, error
for to in ("224.0.0.251", 5353), ("239.255.255.250", 1900):
    say(socket.AF_INET, socket.SOCK_DGRAM, to, group, past)
# In the order in which it is said, this is the last.
assert not say(socket.AF_INET, socket.SOCK_DGRAM, ("255.255.255.255", 9),
               device, all_)
END
started --user nobody -- python3 "$work/try.py"
tries=100
until grep -q '> 255.255.255.255.9: ' "$work/heard"; do
	tries=$((tries - 1))
	[ $tries -gt 0 ] || fail 'the neighbour has not heard all'
	sleep 0.05
done
! grep -F "> $mac" "$work/heard" || fail 'a frame was for the neighbour'
! grep -E 'who-has 10.77.0.9|fd77::9|fe80::9|ff02::(1|fb): *UDP' "$work/heard" ||
	fail 'it was asked for'
expect '> 224.0.0.251.5353: ' <"$work/heard"
