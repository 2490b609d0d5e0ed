"""The floor of calls: a gRPC server that gives each method's answer as it is, and does nothing for it.

Run in a process of its own, as an engine is, with the settings of the engine's server: same threads, same
options. No message is parsed and none is written, so whatever the engine does for a call, be it only reading
the request, shows in the ratio.

    python -m benchmarks.bare FOLDER WORKERS LARGEST_MESSAGE

Each file of the folder is an answer, its name is its method's.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

SERVICE = "isotherm.benchmarks.Bare"

# Those of engine/api/server.py.
_OPTIONS = [
    ("grpc.max_send_message_length", -1),
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
]


def serve(answers: Path, *, workers: int, largest_message: int) -> None:
    """Answer until SIGTERM comes."""
    server = grpc.server(
        ThreadPoolExecutor(workers, thread_name_prefix="rpc"),
        options=[("grpc.max_receive_message_length", largest_message), *_OPTIONS],
    )
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        file.name: grpc.unary_unary_rpc_method_handler(_gives(file.read_bytes())) for file in answers.iterdir()
    }
    server.add_registered_method_handlers(SERVICE, handlers)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    signal.signal(signal.SIGTERM, lambda *_: server.stop(0))
    print(f"bare server ready on 127.0.0.1:{port}", flush=True)
    server.wait_for_termination()


def _gives(answer: bytes) -> Callable[[bytes, grpc.ServicerContext], bytes]:
    return lambda _request, _context: answer


if __name__ == "__main__":
    serve(Path(sys.argv[1]), workers=int(sys.argv[2]), largest_message=int(sys.argv[3]))
