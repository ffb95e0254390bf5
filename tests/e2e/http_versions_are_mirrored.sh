# Both legs speak the same version of HTTP: the origin is offered what the agent
# offers, in the agent's order, and the agent is answered with what the origin
# chose. Nothing is translated.
. "${0%/*}/h2_lib.sh"

need nginx

world_h2 -- h2.test
cat >"$DIR/offered.py" <<-'END'
	# Says which protocols it is offered, and hangs up.
	import socket
	listener = socket.create_server(("", 8443))
	print("listening", flush=True)
	while True:
	    link, _ = listener.accept()
	    hello = link.recv(16384)
	    at = hello.find(b"\0\x10", 43)
	    while at >= 0 and hello[at + 2:at + 4] != bytes(
	            [0, hello[at + 5] + 2]):
	        at = hello.find(b"\0\x10", at + 1)
	    print("offered", hello[at + 6:at + 6 + hello[at + 5]]
	          if at >= 0 else "nothing", flush=True)
	    link.close()
END
background world-offered.log in_world $PYTHON "$DIR/offered.py"
await grep -q listening "$DIR/world-offered.log" || fail 'no listener'
for name in both.test http1.test none.test; do
	_world_name $name
	world_certificate $name $name
done
mkdir "$DIR/nginx"
cat >"$DIR/nginx.conf" <<-EOF
	daemon off; master_process off; pid $DIR/nginx.pid;
	error_log $DIR/nginx-error.log info;
	events {}
	http {
		access_log off;
		client_body_temp_path $DIR/nginx; proxy_temp_path $DIR/nginx;
		fastcgi_temp_path $DIR/nginx; uwsgi_temp_path $DIR/nginx;
		scgi_temp_path $DIR/nginx;
		server {
			listen $(world_address both.test):9443 ssl http2;
			ssl_certificate $DIR/both.test.pem;
			ssl_certificate_key $DIR/both.test.key;
			location / { return 200 "\$server_protocol \$connection\n"; }
		}
		server {
			listen $(world_address http1.test):9443 ssl;
			ssl_certificate $DIR/http1.test.pem;
			ssl_certificate_key $DIR/http1.test.key;
			location / { return 200 "\$server_protocol \$connection\n"; }
		}
	}
EOF
background nginx.out in_world nginx -c "$DIR/nginx.conf" -p "$DIR" \
	-e "$DIR/nginx-error.log"
# An origin without ALPN.
background world-none.log in_world $PYTHON "$here/peer.py" origin "$DIR" 10443
await grep -q listening "$DIR/world-none.log" || fail 'no origin without ALPN'
world_resolves
WORKERS=1
manifest 'routes:
  - {host: h2.test, ports: [443, 8443]}
  - {host: both.test, ports: [9443]}
  - {host: http1.test, ports: [9443]}
  - {host: none.test, ports: [10443]}'

# What the origin is offered.
offers()
{
	expected=$1
	shift
	before=$(grep -c offered "$DIR/world-offered.log" || :)
	agent "$@" >"$DIR/out" 2>&1 </dev/null || :
	await sh -c "[ \$(grep -c offered '$DIR/world-offered.log') -gt $before ]" ||
		fail 'the origin was not asked'
	tail -n +$((before + 2)) "$DIR/world-offered.log" | expect "$expected"
}
offers "offered b'.x02h2.x08http/1.1'" $CURL --http2 https://h2.test:8443/
offers "offered b'.x08http/1.1'" $CURL --http1.1 https://h2.test:8443/
offers 'offered nothing' $CURL --no-alpn https://h2.test:8443/
TLS="openssl s_client -connect h2.test:8443 -servername h2.test"
offers "offered b'.x02h2'" $TLS -alpn h2
offers "offered b'.x08http/1.1.x02h2'" $TLS -alpn spdy/3,http/1.1,h2

# What the agent is answered with: what the origin chose.
chosen()
{
	agent openssl s_client -connect "$2" -servername "${2%:*}" \
		${3:+-alpn $3} </dev/null >"$DIR/out" 2>&1 || :
	expect "$1" <"$DIR/out"
}
chosen 'ALPN protocol: h2' both.test:9443 h2,http/1.1
chosen 'ALPN protocol: http/1.1' both.test:9443 http/1.1
chosen 'No ALPN negotiated' both.test:9443
chosen 'ALPN protocol: http/1.1' http1.test:9443 h2,http/1.1
chosen 'No ALPN negotiated' none.test:10443 h2,http/1.1
chosen 'no application protocol' both.test:9443 spdy/3
agent $CURL --http1.1 https://both.test:9443/ | expect HTTP/1.1
agent $CURL --http2 https://none.test:10443/ | expect 'hello from none.test'

# A connection that idles does not decide it for who would have HTTP/2 first,
# unless its origin has declined that.
agent $CURL --http2 https://both.test:9443/ | expect HTTP/2.0
agent $CURL --http1.1 https://both.test:9443/ | expect HTTP/1.1
agent $CURL --http2 https://both.test:9443/ | expect HTTP/2.0
one=$(agent $CURL --http2 https://http1.test:9443/)
two=$(agent $CURL --http2 https://http1.test:9443/)
[ "$one" = "$two" ] || fail "not one connection for both: $one, $two"
echo "$one" | expect HTTP/1.1

# Nothing in common: said in the version that the agent speaks.
agent_does_h2 <<-'END'
	from h2_peer import *

	for name, port in ("http1.test", 9443), ("none.test", 10443):
	    answer = Link(name, port=port).get("/")
	    assert answer.status == 502, answer.status
	    assert b"upstream_tls" in answer.body, answer.body
END
audit_has '"event":"upstream"' '"reason":"upstream_tls"' \
	'"name":"http1.test"' '"detail":".*protocol'
audit_has '"event":"upstream"' '"reason":"upstream_tls"' \
	'"name":"none.test"' '"detail":".*HTTP/2'
agent $CURL --http1.1 https://h2.test/ | expect upstream_http

# A refusal needs no origin: HTTP/1.1 if the agent offers it, HTTP/2 if not.
agent $CURL --http2 -w '%{http_version}\n' https://unlisted.test/ >"$DIR/out"
expect '^1.1$' <"$DIR/out"
agent_does_h2 <<-'END'
	from h2_peer import *

	link = Link("unlisted.test")
	for n in link.ask("/"), link.ask("/again"):
	    answer = link.wait(n)
	    assert answer.status == 403, answer.status
	    assert b'"reason":"name_not_listed"' in answer.body, answer.body
	    assert answer.field("content-type") == "application/problem+json"
	    assert "reason=name_not_listed" in answer.field("sluice-refusal")
END
world_heard_nothing_of unlisted

# Without TLS it is spoken to refuse it, unless a route says more.
agent $CURL --http2-prior-knowledge -w '%{http_version}\n' \
	http://unlisted.test/ >"$DIR/out"
expect '^2$' <"$DIR/out"
expect '"reason":"name_not_listed"' <"$DIR/out"
