"""The way to an engine: a channel, the stub, and a `call` that says who calls and translates what goes wrong.

A call that found nobody is tried again for a second: an engine that restarts is then not noticed. That is
safe for changes too, because each of them carries a `request_id`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol, TypeVar
from uuid import uuid4

import grpc
from google.protobuf.message import Message
from isotherm.v1 import engine_service_pb2_grpc

from engine.cli.exits import ExitCode, Failed
from engine.cli.refusals import refusal

ENDPOINT: Final = "127.0.0.1:8790"  # the default of Config.listen; a test says that they are the same
CALL_S: Final = 60.0
RECONNECT_S: Final = 60.0
_BREATH_S: Final = 0.2
_UNSURE: Final = frozenset({ExitCode.UNREACHABLE, ExitCode.TIMED_OUT, ExitCode.ENGINE_ERROR})  # it may be done or not

_RETRY: Final = {
    "maxAttempts": 4,
    "initialBackoff": "0.2s",
    "maxBackoff": "1s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.service_config", json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": _RETRY}]})),
)

Answer_co = TypeVar("Answer_co", covariant=True)


class Call(Protocol[Answer_co]):
    """A unary method of the stub."""

    def __call__(self, request: Any, *, timeout: float, metadata: Any) -> Answer_co:
        """Ask, and wait for the answer."""
        ...


class Client:
    """A connection to one engine on behalf of one project. Connects at the first call.

    `request_id` is for the one change that an invocation asks for. If an earlier one has had it (`is_repetition`), the
    engine may have done already what it is asked.
    """

    def __init__(self, endpoint: str, project: str, again: str | None = None) -> None:
        self.endpoint = endpoint
        self.request_id = again or request_id()
        self.is_repetition = again is not None
        self._metadata = (("x-project-id", project),) if project else ()
        self._channel = grpc.insecure_channel(endpoint, options=_OPTIONS)
        self.stub = engine_service_pb2_grpc.EngineServiceStub(self._channel)

    def call(self, method: Call[Answer_co], request: Message) -> Answer_co:
        """Return the answer to a request; raise Failed if there is none.

        If nobody can tell whether a change was begun, what is raised says how to ask for it once more and not twice.
        """
        try:
            return method(request, timeout=CALL_S, metadata=self._metadata)
        except grpc.RpcError as error:
            failed = refusal(error, self.endpoint)
            is_change = bool(getattr(request, "request_id", ""))
            if is_change and failed.exit_code in _UNSURE:
                failed = _with_hint(failed, self.request_id)
            raise failed from None

    def items(self, method: Call[Any], request: Any, field: str, *, limit: int | None = None) -> Iterator[Any]:
        """Yield what is in `field` of the answers, page after page, until `limit` items or the end."""
        left = limit
        while True:
            if left is not None:
                request.limit = left
            answer = self.call(method, request)
            page = getattr(answer, field)
            yield from page
            left = None if left is None else left - len(page)
            if not answer.next_marker or left == 0:
                return
            request.marker = answer.next_marker

    def stream(self, method: Callable[..., Any], request: Message, timeout: float | None) -> Any:
        """Return a running stream; what goes wrong in it reaches the reader as grpc.RpcError."""
        return method(request, timeout=timeout, metadata=self._metadata)

    def reconnect(self) -> None:
        """Wait for the engine to come back; raise Failed if it does not."""
        time.sleep(_BREATH_S)  # one that shuts down is still connected, and would be asked in a circle
        try:
            grpc.channel_ready_future(self._channel).result(timeout=RECONNECT_S)
        except grpc.FutureTimeoutError:
            text = f"the engine at {self.endpoint} has been gone for {RECONNECT_S:.0f} seconds"
            raise Failed(ExitCode.UNREACHABLE, text) from None

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()


def request_id() -> str:
    """Return a new id for a request that changes something."""
    return str(uuid4())


def _with_hint(failed: Failed, id_: str) -> Failed:
    hint = f"if the engine has got it all the same: the command with --request-id {id_} is done only once"
    return Failed(ExitCode(failed.exit_code), failed.message, (*failed.details, hint))
