"""What happens around every call, written once: request id, caller, deadline, errors, log.

Called by `server` at start, which gets one handler for each method of a service. What a reader could not guess: these
are not `grpc.ServerInterceptor`s. gRPC builds a chain of those anew for each call; here each method is wrapped once,
at start, by a single function, and what it costs per call is a few microseconds. The wrapper also does the parsing
and writing of messages, so that a malformed request gets an answer like any other error.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NoReturn

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message

from engine.api import errors
from engine.model.errors import Code, EngineError
from engine.model.records import Caller

log = logging.getLogger(__name__)

REQUEST_ID: Final = "x-openstack-request-id"
DETAILS: Final = "grpc-status-details-bin"
_WELL_FORMED: Final = re.compile(r"req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LINE: Final = "rpc=%s status=%s reason=%s ms=%.1f project=%s user=%s request_id=%s"

Headers = Mapping[str, str]  # the metadata of a call, by lower-case key; values of keys in -bin are bytes
Authenticate = Callable[[Headers, str], Caller]  # the request id goes in, and into the Caller; raises NOT_AUTHENTICATED
Room = object  # holds RPC methods under their names: (request, caller) -> response; streams: (request, caller, replies)


def handlers(
    service: ServiceDescriptor, rooms: Iterable[Room], authenticate: Authenticate
) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
    """Return a handler for every method of the service; one that no room has answers NOT_YET_IMPLEMENTED.

    Raise ValueError where two rooms have the same method.
    """
    served: dict[str, Callable[..., Any]] = {}
    for room in rooms:
        for name in service.methods_by_name:
            behaviour = getattr(room, name, None)
            if behaviour is not None and served.setdefault(name, behaviour) != behaviour:
                raise ValueError(f"two rooms have {name}")
    return {
        method.name: _handler(method, served.get(method.name) or _not_yet(method.name), authenticate)
        for method in service.methods
    }


def _not_yet(name: str) -> Callable[..., NoReturn]:
    def refuse(*_: object) -> NoReturn:
        text = f"{name} is part of the contract, and not of this release"
        raise EngineError(Code.NOT_YET_IMPLEMENTED, text, method=name)

    return refuse


def _handler(
    method: MethodDescriptor, behaviour: Callable[..., Any], authenticate: Authenticate
) -> grpc.RpcMethodHandler[Any, Any]:
    parse = _parser(method)

    def unary(raw: bytes, context: grpc.ServicerContext) -> bytes:
        call = _Call(method.name, context)
        try:
            caller = call.admit(authenticate)
            answer: bytes = behaviour(parse(raw), caller).SerializeToString()
        except Exception as error:  # noqa: BLE001  here everything is translated, and nothing gets past
            call.refuse(error)
        call.succeed()
        return answer

    def stream(raw: bytes, context: grpc.ServicerContext, send: Callable[[bytes | None], None]) -> None:
        call = _Call(method.name, context)
        try:
            behaviour(parse(raw), call.admit(authenticate), Replies(call, send))
        except Exception as error:  # noqa: BLE001  as above
            call.refuse(error)

    if method.server_streaming:
        # gRPC then hands us `send` and does not wait for our return: a stream that is idle holds no thread.
        stream.experimental_non_blocking = True  # type: ignore[attr-defined]
        return grpc.unary_stream_rpc_method_handler(stream)
    return grpc.unary_unary_rpc_method_handler(unary)


def _parser(method: MethodDescriptor) -> Callable[[bytes], Message]:
    read = message_factory.GetMessageClass(method.input_type).FromString

    def parse(raw: bytes) -> Message:
        try:
            return read(raw)
        except DecodeError as error:
            text = f"the request is no {method.input_type.name}, or nested too deep: {error}"
            raise EngineError(Code.INVALID_ARGUMENT, text) from None

    return parse


class _Call:
    """One call under way."""

    __slots__ = ("_began", "_caller", "_headers", "_name", "context", "request_id")

    def __init__(self, name: str, context: grpc.ServicerContext) -> None:
        self.context = context
        self._name = name
        self._began = time.perf_counter()
        self._caller: Caller | None = None  # None: not known, or not yet
        self._headers: dict[str, Any] = dict(context.invocation_metadata())
        given = self._headers.get(REQUEST_ID, "")
        self.request_id = given if _WELL_FORMED.fullmatch(given) else f"req-{uuid.uuid4()}"
        self._headers[REQUEST_ID] = self.request_id

    def admit(self, authenticate: Authenticate) -> Caller:
        """Return who calls; raise if that is nobody, or if nobody waits for the answer any more."""
        self._caller = authenticate(self._headers, self.context.peer())
        remaining = self.context.time_remaining()
        if remaining <= 0:
            raise EngineError(Code.DEADLINE_EXCEEDED, "the deadline passed before the call could begin")
        return self._caller

    def succeed(self) -> None:
        self.context.set_trailing_metadata(((REQUEST_ID, self.request_id),))
        self._note("OK", "")

    def refuse(self, error: Exception) -> NoReturn:
        refusal = self.translate(error)
        self.context.abort(refusal.status, refusal.message)

    def translate(self, error: Exception) -> errors.Refusal:
        """Return the error as the caller gets it, with its details in the trailing metadata already."""
        refusal = errors.refusal(error, self.request_id)
        if refusal.reason == Code.INTERNAL:
            log.error("rpc=%s request_id=%s failed", self._name, self.request_id, exc_info=error)
        self.context.set_trailing_metadata(((REQUEST_ID, self.request_id), (DETAILS, refusal.details)))
        self._note(refusal.status.name, refusal.reason)
        return refusal

    def _note(self, status: str, reason: str) -> None:
        level = logging.DEBUG if status == "OK" else logging.INFO  # an engine answers thousands of calls a second
        if log.isEnabledFor(level):
            spent = (time.perf_counter() - self._began) * 1000
            project, user = (self._caller.project, self._caller.user) if self._caller else ("", "")
            log.log(level, _LINE, self._name, status, reason, spent, project, user, self.request_id)


class Replies:
    """The way back to the caller of a stream. Its methods may be called from any thread, `send` from one at a time."""

    def __init__(self, call: _Call, send: Callable[[bytes | None], None]) -> None:
        self._call = call
        self._send = send
        self._sending = False
        self._ended = False

    def begin(self) -> None:
        """Tell the caller that the stream stands, before there is anything to send."""
        self._call.context.send_initial_metadata(())

    def send(self, message: Message) -> None:
        """Send one message; wait until the caller has room for it. Nothing happens when the caller is gone."""
        self._sending = True
        try:
            self._send(message.SerializeToString())
        finally:
            self._sending = False

    def end(self, error: Exception | None = None) -> None:
        """End the stream, well or with an error; a second end is ignored. A `send` that still waits returns."""
        if self._ended:
            return
        self._ended = True
        if error is None:
            self._call.succeed()
            self._send(None)
            return
        refusal = self._call.translate(error)
        if self._sending:
            self._break_off(refusal)
            return
        self._call.context.set_code(refusal.status)
        self._call.context.set_details(refusal.message)
        self._send(None)

    def when_gone(self, callback: Callable[[], None]) -> None:
        """Call back once, when the stream has ended for whatever reason; at once if it has already."""
        if not self._call.context.add_callback(callback):
            callback()

    def _break_off(self, refusal: errors.Refusal) -> None:
        """End a stream whose caller takes nothing: a status would wait behind the message that is stuck, for ever.

        The public way to break off can only say CANCELLED. The call behind it takes a status and a text, but no
        details, so the reason goes into the text.
        """
        context = self._call.context
        call = getattr(getattr(context, "_rpc_event", None), "call", None)
        if call is None:
            context.cancel()
        else:
            call.cancel(refusal.status.value[0], f"{refusal.reason}: {refusal.message}")
