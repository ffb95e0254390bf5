# README's table of clients is what tests/clients prints: the same clients, in the
# same order, that do the same; where we say which version is taken, that one.

set -eu
cd "$1" # the top of the tree
pins=tests/e2e/clients_in_node.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# name, version if it is pinned, and the rest
sed -n '/^[^#]/p' tests/e2e/clients.table | while read -r row; do
	row=${row#* | }
	name=${row%% | *} row=${row#* | }
	version=${row%% | *} row=${row#* | }
	http=${row%% | *} row=${row#* | }
	does=${row%% | *} row=${row#* | }
	pinned='*'
	case $version in
	npm_module*) pinned=$(tr '[:space:]' '\n' <"$pins" |
		sed -n "s,^${version#npm_module }@,,p") ;;
	esac
	echo "| $name | $pinned | $http | $does | ${row%% | *} |"
done >"$work/wanted"
sed -n '/^| Client /,/^$/p' README.md | sed '1,2d;$d' >"$work/found"

paste -d '\n' "$work/wanted" "$work/found" | {
	status=0
	while IFS= read -r wanted && IFS= read -r found; do
		case $wanted in
		*' | * | '*) found=$(printf '%s\n' "$found" |
			sed 's/^\(| [^|]* | \)[0-9][0-9.]* |/\1* |/') ;;
		esac
		[ "$wanted" = "$found" ] && continue
		echo "README.md has $found" >&2
		echo "instead of    $wanted" >&2
		status=1
	done
	exit $status
}
