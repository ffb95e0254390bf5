# clients_lib.sh - peers_lib.sh with origins for the clients of clients.table
#
# A test makes what more its group needs, says `clients_serve` and then
# `clients_work GROUP`. Clients that are not here are told at the end, as a skip,
# once all others have been tried. $CLIENTS_REPORT, if set, is a file that gets a
# line of Markdown for each.

# One origin for all of them: nginx, with others behind it.
HTTP2=1
LOCATIONS='
	location /websocket {
		proxy_pass https://127.0.0.1:9443;
		proxy_http_version 1.1;
		proxy_set_header Upgrade $http_upgrade;
		proxy_set_header Connection upgrade;
	}
	location /git/ { proxy_pass https://127.0.0.1:9443; }
	location /hello.Hello/ { grpc_pass grpc://127.0.0.1:9444; }'
. "${0%/*}/peers_lib.sh"

# For the commands of the table: their own files, the folder that they are run
# in, and where the modules of npm are.
CLIENTS="$here/clients" HERE="$DIR/here" NODE_PATH="$DIR/modules/node_modules"
export CLIENTS HERE NODE_PATH
mkdir "$HERE" "$DIR/home"
for variable in $(env | sed -n -E 's/^([a-z]+_proxy|[A-Z]+_PROXY)=.*/\1/p'); do
	unset "$variable"
done

# The versions of what has no command.
module() { /usr/bin/python3 -c "import $1; print($1.__version__)"; }
npm_module() { node -p "require('$NODE_PATH/$1/package.json').version"; }

clients_serve()
{
	PORTS=9443 world_peers
	if /usr/bin/python3 -c 'import grpc' 2>/dev/null; then
		background world-grpc.log in_world /usr/bin/python3 \
			"$CLIENTS/grpc_server.py" 9444
		await grep -q listening "$DIR/world-grpc.log" ||
			fail 'the gRPC server did not start'
	fi
	mkdir -p "$DIR/files"
	cp "$CLIENTS/page.html" "$DIR/files"
	world_serves listed.test git.listed.test unlisted.test
	manifest 'routes:
  - host: listed.test
  - {host: git.listed.test, git: {fetch: true}}'
}

# For browsers: the sandbox of each needs a namespace of users, which root
# without its privileges cannot have.
clients_are_somebodys()
{
	INIT_OPTIONS='--user nobody'
	chmod 755 "$DIR"
	chown -R nobody "$HERE" "$DIR/home"
}

# as_agent COMMAND NAME: its output is in $DIR/out.
as_agent()
{
	agent timeout 60 env HOME="$DIR/home" \
		sh -c 'cd "$HERE" && eval "$0"' "$1" "$2" >"$DIR/out" 2>&1
}

# gets COMMAND VERSIONS: what a listed name has, asking in each of these versions
# of HTTP. If not, it says how it went instead.
gets()
{
	before=$(wc -l <"$DIR/nginx.log")
	as_agent "$1" listed.test && grep -q 'hello from listed.test' "$DIR/out" || {
		echo 'it does not get what it asks for'
		return 1
	}
	tail -n "+$((before + 1))" "$DIR/nginx.log" >"$DIR/asked"
	for version in $(echo "$2" | tr -d ,); do
		grep -q "HTTP/$version[.0]*\"" "$DIR/asked" || {
			echo "it does not ask in HTTP/$version"
			cp "$DIR/asked" "$DIR/out"
			return 1
		}
	done
}

# is_refused COMMAND WORDS: for an unlisted name, and says so in such words.
is_refused()
{
	status=0
	as_agent "$1" unlisted.test || status=$?
	[ $status -ne 124 ] || {
		echo 'it goes on trying'
		return 1
	}
	! grep -q 'hello from' "$DIR/out" || {
		echo 'it was not refused'
		return 1
	}
	case $2 in
	403) grep -q 403 "$DIR/out" ;;
	reason)
		id=$(sed -n 's/.*name_not_listed.*(id \([0-9a-z]*\);.*/\1/p' \
			"$DIR/out" | head -n 1)
		[ ${#id} -eq 12 ] &&
			await _audit_line '"verdict":"deny"' "\"$id\""
		;;
	*) false ;;
	esac || {
		echo "it does not say the $2"
		return 1
	}
}

# clients_work GROUP
clients_work()
{
	missing= broken=
	sed -n "s/^$1 | //p" "$here/clients.table" >"$DIR/table"
	[ -s "$DIR/table" ] || fail "no clients in $1"
	while IFS= read -r row <&8; do
		command=${row#* | * | * | * | * | }
		name=${row%% | *} row=${row#* | }
		version=${row%% | *} row=${row#* | }
		http=${row%% | *} row=${row#* | }
		does=${row%% | *} row=${row#* | }
		told=${row%% | *}
		if ! text=$(eval "$version" 2>&1 </dev/null); then
			text= result='not here'
			missing="$missing, $name"
		elif ! result=$(gets "$command" "$http" 8<&- &&
			is_refused "$command" "$told" 8<&-); then
			echo "$name: $result" >&2
			cat "$DIR/out" >&2
			broken="$broken, $name"
		fi
		number=$(printf '%s' "$text" | grep -oE '[0-9]+(\.[0-9]+)+' |
			head -n 1)
		[ -z "${CLIENTS_REPORT:-}" ] ||
			echo "| $name | $number | $http | $does | ${result:-$told} |" \
				>>"$CLIENTS_REPORT"
	done 8<"$DIR/table"
	world_heard_nothing_of unlisted
	[ -z "$broken" ] || fail "these do not work:${broken#,}"
	[ -z "$missing" ] || skip "not here:${missing#,}"
}
