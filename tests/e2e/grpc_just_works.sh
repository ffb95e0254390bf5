# gRPC passes: unary calls, streams of either side and of both, metadata,
# errors with their details, deadlines and cancellation. A call that is refused
# fails at once with PERMISSION_DENIED, in words.
. "${0%/*}/h2_lib.sh"

$PYTHON -c 'import grpc' 2>/dev/null ||
	skip 'no grpc for Python on this machine'
for variable in http_proxy https_proxy grpc_proxy no_proxy; do
	unset "$variable"
done

cat >"$DIR/served.py" <<-'END'
	import sys, threading, time
	from concurrent import futures
	import grpc

	GIVEN_UP = threading.Event()

	def one(request, context):
	    meta = dict(context.invocation_metadata())
	    context.send_initial_metadata((("x-first", meta.get("x-sent", "")),))
	    context.set_trailing_metadata((("x-last", "t"), ("x-bin", b"\0\1")))
	    if request == b"fail":
	        context.abort(grpc.StatusCode.NOT_FOUND, "no such thing: 100%\u00e9")
	    return b"one:" + request

	def down(request, context):
	    for i in range(int(request)):
	        yield b"%d" % i * 1000

	def up(requests, context):
	    return b"%d" % sum(len(each) for each in requests)

	def both(requests, context):
	    for each in requests:
	        yield b"echo:" + each

	def long(request, context):
	    context.add_callback(lambda: print("given up", flush=True))
	    yield b"first"
	    time.sleep(20)

	class Handler(grpc.GenericRpcHandler):
	    def service(self, details):
	        print("called", details.method, flush=True)
	        kind = {
	            "/s/One": grpc.unary_unary_rpc_method_handler(one),
	            "/s/Down": grpc.unary_stream_rpc_method_handler(down),
	            "/s/Up": grpc.stream_unary_rpc_method_handler(up),
	            "/s/Both": grpc.stream_stream_rpc_method_handler(both),
	            "/s/Long": grpc.unary_stream_rpc_method_handler(long),
	        }
	        return kind.get(details.method)

	server = grpc.server(futures.ThreadPoolExecutor(8))
	server.add_generic_rpc_handlers((Handler(),))
	name = sys.argv[1]
	read = lambda path: open(path, "rb").read()
	server.add_secure_port("[::]:443", grpc.ssl_server_credentials(
	    [(read(name + ".key"), read(name + ".pem"))]))
	server.start()
	print("listening", flush=True)
	server.wait_for_termination()
END
_world_name listed.test
world_certificate listed.test listed.test
background world-grpc.log in_world $PYTHON "$DIR/served.py" "$DIR/listed.test"
await grep -q listening "$DIR/world-grpc.log" || fail 'no server'
world_resolves
manifest 'routes: [{host: listed.test}]'

cat >"$DIR/agent.py" <<-'END'
	import os, sys, threading
	import grpc

	trust = open(os.environ.get("SSL_CERT_FILE",
	             "/etc/ssl/certs/ca-certificates.crt"), "rb").read()
	def channel(name):
	    return grpc.secure_channel(name, grpc.ssl_channel_credentials(trust))

	link = channel("listed.test:443")
	one = link.unary_unary("/s/One")
	answer, call = one.with_call(b"x", timeout=20, metadata=(("x-sent", "y"),))
	assert answer == b"one:x"
	assert ("x-first", "y") in call.initial_metadata()
	assert ("x-last", "t") in call.trailing_metadata()
	assert ("x-bin", b"\0\1") in call.trailing_metadata()
	large = os.urandom(1000000)
	assert one(large, timeout=20) == b"one:" + large
	try:
	    one(b"fail", timeout=20)
	    raise SystemExit("it did not fail")
	except grpc.RpcError as error:
	    assert error.code() == grpc.StatusCode.NOT_FOUND
	    assert error.details() == "no such thing: 100%\u00e9", error.details()
	try:
	    link.unary_unary("/s/Unknown")(b"", timeout=20)
	    raise SystemExit("it did not fail")
	except grpc.RpcError as error:
	    assert error.code() == grpc.StatusCode.UNIMPLEMENTED

	got = list(link.unary_stream("/s/Down")(b"500", timeout=20))
	assert got == [b"%d" % i * 1000 for i in range(500)]
	assert link.stream_unary("/s/Up")(
	    (b"x" * 10000 for _ in range(100)), timeout=20) == b"1000000"

	# Each message is answered before the next is sent.
	seen = threading.Semaphore(1)
	def messages():
	    for i in range(20):
	        assert seen.acquire(timeout=20)
	        yield b"%d" % i
	for i, each in enumerate(link.stream_stream("/s/Both")(
	        messages(), timeout=30)):
	    assert each == b"echo:%d" % i
	    seen.release()
	assert i == 19

	# Given up by the agent.
	call = link.unary_stream("/s/Long")(b"", timeout=20)
	assert next(call) == b"first"
	call.cancel()

	# Many at once.
	calls = [one.future(b"%d" % i, timeout=20) for i in range(200)]
	assert [each.result() for each in calls] == [
	    b"one:%d" % i for i in range(200)]

	# Refused, by the connection and by the call.
	for refused, reason in (
	        (channel("unlisted.test:443").unary_unary("/s/One"),
	         "name_not_listed"),
	        (grpc.secure_channel(
	            "listed.test:443", grpc.ssl_channel_credentials(trust),
	            (("grpc.default_authority", "unlisted.test"),
	             ("grpc.ssl_target_name_override", "listed.test")))
	         .unary_unary("/s/Refused"), "host_mismatch")):
	    try:
	        refused(b"x", timeout=20)
	        raise SystemExit("this was to be refused")
	    except grpc.RpcError as error:
	        assert error.code() == grpc.StatusCode.PERMISSION_DENIED, error
	        assert reason in error.details(), error.details()
	        assert "(id " in error.details(), error.details()
END
agent $PYTHON "$DIR/agent.py" || fail 'the agent saw otherwise'
await grep -q 'given up' "$DIR/world-grpc.log" ||
	fail 'the origin was not told that the call was given up'
! grep -q Refused "$DIR/world-grpc.log" || fail 'a refused call arrived'
world_heard_nothing_of unlisted
audit_has '"reason":"name_not_listed"' '"method":"POST"' '"path":"/s/One"'
