# Who does not take stops who sends: neither side's bytes pile up in the
# gateway, however many streams wait, and one that waits does not hold up the
# others.
. "${0%/*}/h2_lib.sh"

world_h2 -- listed.test
world_resolves
WORKERS=1
# The sanitizer would keep what has been freed.
ASAN_OPTIONS=detect_leaks=1:quarantine_size_mb=1:thread_local_quarantine_size_kb=64
manifest 'routes: [{host: listed.test}]'

# The worker's resident memory, in KiB.
for pid in $(ip netns pids "$GATEWAY"); do
	[ "$(awk '/^Uid/ { print $2 }' "/proc/$pid/status")" = 64232 ] &&
		worker=$pid
done
[ -n "${worker:-}" ] || skip 'the worker has no user of its own here'
export WORKER_STATUS="/proc/$worker/status"

agent_does_h2 <<-'END'
	import os
	from h2_peer import *

	SIZE = 64 << 20
	PIECE = content(1 << 20)

	def resident():
	    with open(os.environ["WORKER_STATUS"]) as status:
	        return next(int(line.split()[1]) for line in status
	                    if line.startswith("VmRSS"))

	def settled():
	    """Once nothing moves any more."""
	    last = -1
	    while (now := resident()) != last:
	        last = now
	        time.sleep(0.5)
	    return now

	# What the gateway needs once, it has now.
	warm = Link("listed.test")
	assert warm.get(f"/bytes/{1 << 20}").body == PIECE
	before = settled()

	# 12 downloads of 64 MiB whose agent does not open its windows: it gets no
	# more than one window of each, of all of them no more than one either.
	link = Link("listed.test")
	link.eager = False
	for i in range(12):
	    link.ask(f"/bytes/{SIZE}")
	link.until(lambda: sum(len(each.body)
	                       for each in link.answers.values()) >= 65535)
	# ... nor reads its socket.
	grown = settled() - before
	assert grown < 8192, f"{grown} KiB for what the agent does not take"
	assert warm.get("/").status == 200
	# It does in the end, for one of them, and nothing has been lost.
	one = link.answers[1]
	link.h2.increment_flow_control_window(1 << 30)
	link.h2.increment_flow_control_window(1 << 30, 1)
	link.flush()
	link.until(lambda: len(one.body) >= 4 << 20)
	assert one.body[:4 << 20] == content(4 << 20)
	link.sock.close()

	# 16 uploads to an origin that does not open its windows: their senders are
	# stopped.
	link = Link("listed.test")
	asked = [link.ask("/deaf", method="POST", end=False) for i in range(16)]
	for n in asked:
	    link.put(n, PIECE)
	link.sock.settimeout(2)
	try:
	    while True:
	        link.events()
	except socket.timeout:
	    pass
	left = sum(len(data) for parts in link.out.values()
	           for data, _, _ in parts)
	assert left > 13 << 20, f"only {left} bytes are held back"
	grown = settled() - before
	assert grown < 8192, f"{grown} KiB for what the origin does not take"
	# Others pass by those that wait, on other connections ...
	assert warm.get("/").status == 200
	link.sock.close()

	# ... and on the same one.
	link = Link("listed.test")
	stuck = [link.ask(f"/bytes/{SIZE}") for i in range(12)]
	link.h2.increment_flow_control_window(1 << 30)
	link.eager = False
	link.flush()
	for i in range(20):
	    n = link.ask("/bytes/60000")
	    link.until(lambda: link.answers[n].ended)
	    assert link.answers[n].body == content(60000)
	assert not any(link.answers[n].ended for n in stuck)
END
