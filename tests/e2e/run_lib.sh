# What the tests of `sluice run` share. Sourced, never run.
set -eu

sluice=${SLUICE_BIN:?}/sluice
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

fail() {
	echo "FAILED: $*" >&2
	cat "$work/err" >&2
	exit 1
}

skip() {
	echo "skipped: $*"
	exit 77
}

# Standard input has a line that matches.
expect() {
	grep -q -e "$1" || fail "nothing matches: $1"
}

cat >"$work/manifest.yaml" <<'EOT'
egress:
  routes:
    - host: listed.example
EOT

# Runs a command behind the gateway. Its output is in $work/out, what was said
# on standard error in $work/err, its status in $status.
run() {
	status=0
	"$sluice" run -m "$work/manifest.yaml" --audit "$work/audit.jsonl" \
		--resolver 192.0.2.53 "$@" >"$work/out" 2>"$work/err" ||
		status=$?
}

: >"$work/err"
ip route show default | grep -q . || skip 'needs a default route'
run -- true
[ "$status" = 0 ] || { [ "$(id -u)" = 0 ] && fail "status $status"; } ||
	skip "cannot run here: $(cat "$work/err")"
