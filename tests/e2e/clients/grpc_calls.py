"""grpc_calls.py NAME - the calls of grpc_server.py."""
import os
import sys
import threading

import grpc

name = sys.argv[1]
calls = grpc.secure_channel(f"{name}:443", grpc.ssl_channel_credentials())
seen = threading.Semaphore()


def in_turn():
    """Each once the one before has been answered."""
    for i in range(10):
        assert seen.acquire(timeout=20)
        yield b"%d" % i


try:
    one = calls.unary_unary("/hello.Hello/One")
    large = os.urandom(200000)
    assert one(large, timeout=20) == b"hello, " + large
    down = calls.unary_stream("/hello.Hello/Down")
    assert list(down(b"x" * 1000, timeout=20)) == [b"x" * 1000] * 100
    up = calls.stream_unary("/hello.Hello/Up")
    assert up((b"x" * 1000 for _ in range(100)), timeout=20) == b"100000"
    both = calls.stream_stream("/hello.Hello/Both")
    for i, each in enumerate(both(in_turn(), timeout=20)):
        assert each == b"echo:%d" % i
        seen.release()
    assert i == 9
except grpc.RpcError as error:
    sys.exit(f"{error.code().name}: {error.details()}")
print(f"hello from {name}")
