# The gateway's own address serves the CA's certificate, on port 80, and
# nothing else; the world finds nobody at home.
. "${0%/*}/lib.sh"

world_serves listed.test
manifest 'routes: [{host: listed.test}]'
page=http://10.77.0.1/.well-known/sluice/ca.pem
agent $CURL $page | openssl x509 -noout -subject | expect 'sluice CA'
agent $CURL http://[fd73:6c75:6963:1::1]/.well-known/sluice/ca.pem |
	expect 'BEGIN CERTIFICATE'
agent $CURL $page | grep -q PRIVATE && fail 'the key is given away'
for other in / /.well-known/sluice/ /.well-known/sluice/ca.key; do
	agent $CURL -o /dev/null -w '%{http_code}' "http://10.77.0.1$other" |
		expect 404
done
agent $CURL -X POST -d x -o /dev/null -w '%{http_code}' $page | expect 404
for port in 22 53 443 8080 15001 15053; do
	agent_fails $CURL --max-time 3 "http://10.77.0.1:$port/"
done
# Its other address is one like any other.
agent $CURL -H 'Host: listed.test' http://93.184.216.2:15001/ |
	expect '"reason":"host_mismatch"'
for port in 80 443 15001 15053; do
	in_world $CURL --max-time 1 "http://93.184.216.2:$port/" >/dev/null 2>&1 &&
		fail "the world was served on port $port"
done
:
