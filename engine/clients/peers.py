"""The listeners of other engines: is one alive, and please look at this stack.

Called by the runtime through what service hands it. Engines show each other that they belong together by a bearer
token made from the key that all engines of one database share. The token is the same in every call: whoever reads the
wire can use it, and can then waste work and change nothing, because a message is only a hint to look at the database.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import Enum
from typing import Final

import grpc
from isotherm.v1 import common_pb2, listener_pb2, listener_service_pb2_grpc

from engine.model.errors import Code, EngineError
from engine.model.ids import EngineId, StackIdentity

AUTHORIZATION: Final = "authorization"
CANCEL: Final = "cancel"
CANCEL_WITH_ROLLBACK: Final = "cancel_with_rollback"
POKE: Final = "poke"
MESSAGES: Final = {
    CANCEL: listener_pb2.LISTENER_MESSAGE_CANCEL,
    CANCEL_WITH_ROLLBACK: listener_pb2.LISTENER_MESSAGE_CANCEL_WITH_ROLLBACK,
    POKE: listener_pb2.LISTENER_MESSAGE_POKE,
}
_CONNECT_AGAIN_MS: Final = 200  # an engine that was just started must not be out of reach for a minute


class Heard(Enum):
    """What came of asking a listener whether its engine is there."""

    ALIVE = "alive"
    REFUSED = "refused"  # nobody listens there, or another engine does: this one is gone
    SILENT = "silent"  # no answer that says anything: it may be busy, or cut off


def bearer(shared_key: bytes) -> str:
    """Return what an engine puts into, and expects in, the metadata key `authorization`."""
    return f"Bearer {hmac.new(shared_key, b'isotherm engine listener', hashlib.sha256).hexdigest()}"


class Peers:
    """Calls to other engines, with a deadline each. Connections are kept; thread-safe."""

    def __init__(self, shared_key: bytes, timeout: float) -> None:
        """`timeout` is engine_life_check_timeout, in seconds."""
        self._metadata = ((AUTHORIZATION, bearer(shared_key)),)
        self._timeout = timeout
        self._channels: dict[str, grpc.Channel] = {}

    def ask(self, address: str, engine_id: EngineId) -> Heard:
        """Return whether this very engine answers at the address."""
        request = listener_pb2.ListeningRequest(engine_id=engine_id)
        try:
            answer = self._stub(address).Listening(request, timeout=self._timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            gone = error.code() is grpc.StatusCode.UNAVAILABLE and "refused" in (error.details() or "").lower()
            return Heard.REFUSED if gone else Heard.SILENT
        return Heard.ALIVE if answer.engine_id == engine_id else Heard.REFUSED

    def stop_stack(self, address: str, stack: StackIdentity) -> None:
        """Have the engine stop what it does for a stack; raise STOP_ACTION_FAILED if it does not say that it has."""
        request = listener_pb2.StopStackRequest(stack_identity=_identity(stack))
        try:
            self._stub(address).StopStack(request, timeout=self._timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            text = f"the engine at {address} did not stop stack {stack.stack_name}: {error.code().name}"
            raise EngineError(Code.STOP_ACTION_FAILED, text, stack_name=stack.stack_name) from error

    def send(self, address: str, stack: StackIdentity, message: str) -> None:
        """Deliver one of `MESSAGES` to what runs for a stack; raise EVENT_SEND_FAILED if it was not taken."""
        request = listener_pb2.SendRequest(stack_identity=_identity(stack), message=MESSAGES[message])
        try:
            self._stub(address).Send(request, timeout=self._timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            text = f"the engine at {address} did not take {message} for stack {stack.stack_name}: {error.code().name}"
            raise EngineError(Code.EVENT_SEND_FAILED, text, stack_name=stack.stack_name) from error

    def close(self) -> None:
        """Close every connection."""
        while self._channels:
            _, channel = self._channels.popitem()
            channel.close()

    def _stub(self, address: str) -> listener_service_pb2_grpc.EngineListenerStub:
        channel = self._channels.get(address)
        if channel is None:
            options = (
                ("grpc.initial_reconnect_backoff_ms", _CONNECT_AGAIN_MS),
                ("grpc.max_reconnect_backoff_ms", 5 * _CONNECT_AGAIN_MS),
            )
            # Two threads may both make one; the second is closed when it is not the one that is kept.
            made = grpc.insecure_channel(address, options)
            channel = self._channels.setdefault(address, made)
            if channel is not made:
                made.close()
        return listener_service_pb2_grpc.EngineListenerStub(channel)


def _identity(stack: StackIdentity) -> common_pb2.StackIdentity:
    return common_pb2.StackIdentity(tenant=stack.tenant, stack_name=stack.stack_name, stack_id=stack.stack_id)
