"""EngineListener: what other engines may ask of this one (rpc.md §5.1).

Served on a port of its own, never beside EngineService. What is asked here is a hint to look at the database and
changes no state by itself; so a stack is taken by its id, without asking whose it is.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from isotherm.v1 import listener_pb2, listener_service_pb2

from engine.api.interceptors import REQUEST_ID, Authenticate, Headers
from engine.api.server import Door
from engine.clients import peers
from engine.model.errors import Code, EngineError
from engine.model.ids import EngineId, StackId
from engine.model.records import Caller

_MEANS = {number: message for message, number in peers.MESSAGES.items()}


@dataclass(frozen=True, slots=True)
class Listener:
    """The three calls, and what they set off here."""

    engine_id: EngineId
    stop: Callable[[StackId], None]  # returns when nothing is done for the stack any more; unknown ids are fine
    deliver: Callable[[StackId, str], None]  # one of peers.MESSAGES to whoever waits; nobody waiting is fine

    def Listening(self, _: listener_pb2.ListeningRequest, caller: Caller) -> listener_pb2.ListeningResponse:
        """Answer with who we are."""
        return listener_pb2.ListeningResponse(engine_id=self.engine_id)

    def StopStack(self, request: listener_pb2.StopStackRequest, caller: Caller) -> listener_pb2.StopStackResponse:
        """Stop what is done here for a stack."""
        self.stop(StackId(request.stack_identity.stack_id))
        return listener_pb2.StopStackResponse()

    def Send(self, request: listener_pb2.SendRequest, caller: Caller) -> listener_pb2.SendResponse:
        """Deliver a message to what runs for a stack."""
        message = _MEANS.get(request.message)
        if message is None:
            raise EngineError(Code.INVALID_ARGUMENT, "message: there is none", field="message")
        self.deliver(StackId(request.stack_identity.stack_id), message)
        return listener_pb2.SendResponse()


def door(listener: Listener, shared_key: bytes) -> Door:
    """Return the door for the engines that have the shared key."""
    service = listener_service_pb2.DESCRIPTOR.services_by_name["EngineListener"]
    return Door(service, (listener,), engines_only(shared_key))


def engines_only(shared_key: bytes) -> Authenticate:
    """Return what lets in engines that share our key, and nobody else."""
    expected = peers.bearer(shared_key).encode()

    def authenticate(headers: Headers, _: str) -> Caller:
        given = headers.get(peers.AUTHORIZATION, "").encode()
        if not hmac.compare_digest(given, expected):
            raise EngineError(Code.NOT_AUTHENTICATED, "this port is for the engines of one database")
        return Caller(project="", user="engine", request_id=headers[REQUEST_ID])

    return authenticate
