# Node's and Deno's clients work through the gateway, and say what it refuses.
. "${0%/*}/clients_lib.sh"

# From the registry that npm is configured for, before there is a gateway. They
# are not here where it cannot be reached.
mkdir "$DIR/modules"
echo '{"name": "clients", "version": "1.0.0"}' >"$DIR/modules/package.json"
! command -v npm >/dev/null || timeout 60 npm install --prefix "$DIR/modules" \
	--ignore-scripts --no-audit --no-fund --prefer-offline --fetch-retries=0 \
	ws@8.23.0 @grpc/grpc-js@1.14.7 deno@2.9.6 >"$DIR/npm.log" 2>&1 || {
	tail -n 3 "$DIR/npm.log"
	rm -rf "$DIR/modules"
}

clients_serve
clients_work node
