"""The floor of calls: a gRPC server that reads each request and writes the answer, and does nothing in between.

Run in a process of its own, as an engine is, with the settings of the engine's server: same threads, same
options, same messages. Whatever the engine does between reading the request and writing the answer shows in
the ratio.

    python -m benchmarks.bare FOLDER WORKERS LARGEST_MESSAGE

Each file of the folder is an answer, its name is its method's.
"""

from __future__ import annotations

import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from google.protobuf import message_factory
from google.protobuf.message import Message
from isotherm.v1 import engine_service_pb2

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
    handlers = {file.name: _echo(file.name, file.read_bytes()) for file in answers.iterdir()}
    server.add_registered_method_handlers(SERVICE, handlers)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    signal.signal(signal.SIGTERM, lambda *_: server.stop(0))
    print(f"bare server ready on 127.0.0.1:{port}", flush=True)
    server.wait_for_termination()


def _echo(method: str, answer: bytes) -> grpc.RpcMethodHandler[Message, Message]:
    described = engine_service_pb2.DESCRIPTOR.services_by_name["EngineService"].methods_by_name[method]
    asked, answered = (message_factory.GetMessageClass(one) for one in (described.input_type, described.output_type))
    message = answered.FromString(answer)
    return grpc.unary_unary_rpc_method_handler(
        lambda _request, _context: message,
        request_deserializer=asked.FromString,
        response_serializer=answered.SerializeToString,
    )


if __name__ == "__main__":
    serve(Path(sys.argv[1]), workers=int(sys.argv[2]), largest_message=int(sys.argv[3]))
