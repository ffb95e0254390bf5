# Go's clients work through the gateway, and say what it refuses.
. "${0%/*}/clients_lib.sh"

export GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE="$DIR/cache" GOFLAGS=
for program in get grpc_calls; do
	! command -v go >/dev/null ||
		go build -o "$HERE/$program" "$CLIENTS/$program.go" || fail \
		"$program cannot be built"
done

clients_serve
clients_work go
