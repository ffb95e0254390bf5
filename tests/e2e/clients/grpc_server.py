"""grpc_server.py PORT - the calls of hello.Hello, of all four kinds.

Messages are their bytes, as they are: what is tried is how they travel.
"""
import sys
from concurrent import futures

import grpc

CALLS = {
    "One": grpc.unary_unary_rpc_method_handler(
        lambda message, _: b"hello, " + message),
    "Down": grpc.unary_stream_rpc_method_handler(
        lambda message, _: (message for _ in range(100))),
    "Up": grpc.stream_unary_rpc_method_handler(
        lambda messages, _: b"%d" % sum(map(len, messages))),
    "Both": grpc.stream_stream_rpc_method_handler(
        lambda messages, _: (b"echo:" + each for each in messages)),
}
server = grpc.server(futures.ThreadPoolExecutor(8))
server.add_generic_rpc_handlers(
    (grpc.method_handlers_generic_handler("hello.Hello", CALLS),))
server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
server.start()
print("listening", flush=True)
server.wait_for_termination()
