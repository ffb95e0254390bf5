# Of whatever HTTP/1 an agent or an origin may think of, what passes is read by
# everybody alike, and as the record has it; anything else does not pass.
. "${0%/*}/peers_lib.sh"

need nginx node
/usr/bin/python3 -c 'import h11' 2>/dev/null || skip 'no h11 for Python'
mkdir "$DIR/heard" "$DIR/said" "$DIR/nginx"
for name in listed.test other.test unlisted.test; do
	_world_name $name
done
world_resolves
background world-origin.log in_world /usr/bin/python3 "$here/http_one_way.py" \
	origin "$DIR"
await grep -q listening "$DIR/world-origin.log" || fail 'no origin'
WORKERS=1
manifest 'routes: [{host: listed.test}, {host: other.test}]'

agent /usr/bin/python3 "$here/http_one_way.py" agent "$DIR" ||
	fail 'the agent could not'

# nginx logs what it has read, once it is whole.
cat >"$DIR/nginx.conf" <<EOF_
daemon off; master_process off; pid $DIR/nginx.pid;
error_log $DIR/nginx-error.log;
events { worker_connections 64; }
http {
	log_format read escape=json '{"method":"\$request_method",'
		'"target":"\$request_uri","host":"\$http_host",'
		'"body":"\$request_body","status":"\$status"}';
	client_body_temp_path $DIR/nginx; proxy_temp_path $DIR/nginx;
	fastcgi_temp_path $DIR/nginx; uwsgi_temp_path $DIR/nginx;
	scgi_temp_path $DIR/nginx;
	client_body_buffer_size 256k; client_body_in_single_buffer on;
	client_header_buffer_size 64k; large_client_header_buffers 4 128k;
	server {
		listen unix:$DIR/nginx.sock;
		access_log $DIR/nginx-read.log read; lingering_close off;
		location / {
			proxy_pass http://unix:$DIR/behind.sock:/;
			proxy_http_version 1.1; proxy_ignore_client_abort on;
		}
	}
	server {
		listen unix:$DIR/behind.sock;
		access_log off;
		return 200;
	}
}
EOF_
background nginx.out in_world nginx -c "$DIR/nginx.conf" -p "$DIR" \
	-e "$DIR/nginx-error.log"
await test -S "$DIR/behind.sock" -a -e "$DIR/nginx-read.log" ||
	fail 'nginx did not start'
# The record is written behind what it tells of.
agent_fails curl -sS --max-time 10 --fail http://unlisted.test/the-last
audit_has '"path":"/the-last"'
/usr/bin/python3 "$here/http_one_way.py" judge "$DIR" || fail 'see above'
