"""A caller as any other: starts stacks, and learns from WatchEvents how they end."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from isotherm.v1 import (
    common_pb2,
    engine_service_pb2_grpc,
    event_pb2,
    service_pb2,
    stack_pb2,
)

STACK_TYPE = "OS::Heat::Stack"
_SILENCE_S = 120  # an engine that says nothing for so long is stuck
_LARGEST_ANSWER = 64 * 2**20


class StackFailed(Exception):
    """A stack that was to be measured did not get where it should."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An event, and when this program had it, in seconds since the epoch."""

    received: float
    event: event_pb2.Event

    @property
    def is_of_stack(self) -> bool:
        """Return whether it tells of the stack itself."""
        return self.event.resource_type == STACK_TYPE

    @property
    def happened(self) -> float:
        """Return when it happened by the engine's clock, which is this machine's, in seconds since the epoch."""
        return self.event.event_time.ToNanoseconds() / 1e9


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation on a stack, as a client saw it."""

    identity: common_pb2.StackIdentity
    seconds: float  # from the call to its last event
    events: tuple[Seen, ...]

    @property
    def engine_seconds(self) -> float:
        """Return the time from the first event to the last, by the engine's clock."""
        return self.events[-1].happened - self.events[0].happened


class Client:
    """Calls one engine and watches all of its events."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.stub = engine_service_pb2_grpc.EngineServiceStub(channel)
        self._events: queue.SimpleQueue[Seen | None] = queue.SimpleQueue()
        self._stream = self.stub.WatchEvents(event_pb2.WatchEventsRequest(only_new=True))
        self._stream.initial_metadata()  # comes when the watch stands: nothing from now on is missed
        self._thread = threading.Thread(target=self._listen, name="watcher", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._stream.cancel()
        self._thread.join()

    def create(self, name: str, template: str) -> Operation:
        """Create a stack and wait until it stands."""
        began = time.perf_counter()
        answer = self.stub.CreateStack(stack_pb2.CreateStackRequest(stack_name=name, template=template))
        return self._watched(answer.stack_identity, began, common_pb2.STACK_ACTION_CREATE)

    def update(self, identity: common_pb2.StackIdentity, template: str) -> Operation:
        """Update a stack and wait until it stands."""
        began = time.perf_counter()
        self.stub.UpdateStack(stack_pb2.UpdateStackRequest(stack_identity=identity, template=template))
        return self._watched(identity, began, common_pb2.STACK_ACTION_UPDATE)

    def delete(self, identity: common_pb2.StackIdentity) -> Operation:
        """Delete a stack and wait until it is gone."""
        began = time.perf_counter()
        self.stub.DeleteStack(stack_pb2.DeleteStackRequest(stack_identity=identity))
        return self._watched(identity, began, common_pb2.STACK_ACTION_DELETE)

    def create_at_once(self, templates: Mapping[str, str]) -> float:
        """Create stacks of these names, each call by a thread of its own; return the seconds until all stand."""
        requests = [stack_pb2.CreateStackRequest(stack_name=n, template=text) for n, text in templates.items()]
        with ThreadPoolExecutor(len(requests)) as threads:
            began = time.perf_counter()
            for answer in [threads.submit(self.stub.CreateStack, request) for request in requests]:
                answer.result()
        standing: set[str] = set()
        while len(standing) < len(templates):
            if (name := _ended(self._next(), common_pb2.RESOURCE_ACTION_CREATE)) in templates:
                standing.add(name)
        return time.perf_counter() - began

    def events_of(self, identity: common_pb2.StackIdentity) -> Iterator[Seen]:
        """Yield the events of one stack as they come; those of others are lost."""
        while True:
            item = self._next()
            if item.event.stack_identity.stack_id == identity.stack_id:
                yield item

    def until_quiet(self, seconds: float) -> list[Seen]:
        """Return what is still to come of any stack, until nothing has come for so long."""
        seen: list[Seen] = []
        while True:
            try:
                item = self._events.get(timeout=seconds)
            except queue.Empty:
                return seen
            if item is not None:
                seen.append(item)

    def _next(self) -> Seen:
        item = self._events.get(timeout=_SILENCE_S)
        if item is None:
            raise StackFailed("the watch ended before the stack did")
        return item

    def _listen(self) -> None:
        try:
            for response in self._stream:
                self._events.put(Seen(time.time(), response.event))
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.CANCELLED:
                print(f"the watch ended: {error}")
        self._events.put(None)

    def _watched(
        self, identity: common_pb2.StackIdentity, began: float, action: common_pb2.StackAction.ValueType
    ) -> Operation:
        seen: list[Seen] = []
        resource_action = _as_resource_action(action)
        for item in self.events_of(identity):
            seen.append(item)
            if _ended(item, resource_action):
                break
        return Operation(identity, time.perf_counter() - began, tuple(seen))


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """Yield a client that watches the engine at the address."""
    with channel_to(address) as channel:
        client = Client(channel)
        try:
            yield client
        finally:
            client.close()


@contextmanager
def channel_to(address: str) -> Iterator[grpc.Channel]:
    """Yield a channel; answers may be large."""
    with grpc.insecure_channel(address, options=[("grpc.max_receive_message_length", _LARGEST_ANSWER)]) as channel:
        yield channel


def first_answer(address: str) -> None:
    """Return as soon as an engine has answered a call."""
    with channel_to(address) as channel:
        stub = engine_service_pb2_grpc.EngineServiceStub(channel)
        stub.GetRevision(service_pb2.GetRevisionRequest(), wait_for_ready=True, timeout=_SILENCE_S)


def _as_resource_action(action: common_pb2.StackAction.ValueType) -> common_pb2.ResourceAction.ValueType:
    name = common_pb2.StackAction.Name(action).removeprefix("STACK_ACTION_")
    return common_pb2.ResourceAction.Value(f"RESOURCE_ACTION_{name}")


def _ended(seen: Seen, action: common_pb2.ResourceAction.ValueType) -> str:
    """Return the name of the stack whose action has ended well; "": it tells of something else."""
    event = seen.event
    if not seen.is_of_stack or event.resource_action != action:
        return ""
    if event.resource_status == common_pb2.STATUS_FAILED:
        raise StackFailed(f"{event.stack_name}: {event.resource_status_reason}")
    return event.stack_name if event.resource_status == common_pb2.STATUS_COMPLETE else ""
