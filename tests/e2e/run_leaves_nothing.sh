# However a run ends, nothing of it is left: no process, namespace or mount,
# and nothing of the host has changed, then or meanwhile.
. "${0%/*}/run_lib.sh"
. "${0%/*}/browsers_lib.sh"

state() {
	ip -o link | sort
	ip route
	ip -6 route
	cat /etc/resolv.conf
	md5sum /etc/ssl/certs/ca-certificates.crt
	find $BROWSERS 2>/dev/null || :
	wc -l </proc/self/mountinfo
}


descendants() {
	for pid in $(pgrep -P "$1"); do
		echo "$pid"
		descendants "$pid"
	done
}

gone() {
	for _ in $(seq 200); do
		left=
		for pid in "$@"; do
			# A zombie is whoever's that has to reap it.
			grep -qs '^State:	[^ZX]' "/proc/$pid/status" &&
				left="$left $pid"
		done
		[ -z "$left" ] && return
		sleep 0.02
	done
	fail "still there:$(ps -o pid=,args= -p "$(echo $left | tr ' ' ,)")"
}

state >"$work/before"
mkfifo "$work/up"
for signal in KILL TERM; do
	"$sluice" run -m "$work/manifest.yaml" --audit "$work/audit.jsonl" \
		--resolver 192.0.2.53 -- \
		sh -c "echo up >'$work/up'; sleep 60 & sleep 60" \
		2>"$work/err" &
	read -r _ <"$work/up"
	state | cmp - "$work/before" || fail 'the host has changed meanwhile'
	pids=$(descendants $!)
	for program in pasta sluice-gateway sluice-init sleep; do
		ps -o args= -p "$(echo $pids | tr ' ' ,)" | expect "$program"
	done
	kill -"$signal" $!
	wait $! || :
	gone $pids
	state | cmp - "$work/before" || fail 'the host has changed'
done
