"""Calls that nobody waits for any more, and streams: how they end, and that a caller who takes nothing holds nobody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from isotherm.v1 import event_pb2, service_pb2

from engine.api import callers
from engine.api.interceptors import Replies
from engine.api.server import Door, Listen, Server
from engine.model.errors import Code, EngineError
from engine.model.records import Caller
from kit.served import PATIENCE, SERVICE, Refused, Served, connected

LARGE = event_pb2.WatchEventsResponse(event=event_pb2.Event(resource_status_reason="x" * 3_900_000))
SLOW = EngineError(Code.WATCH_TOO_SLOW, "resume from the last event")


class Room:
    """Hands the way back of each stream to the test."""

    def __init__(self) -> None:
        self.replies: list[Replies] = []
        self.came = threading.Event()
        self.gone = threading.Event()
        self.begun: list[str] = []
        self.go_on = threading.Event()

    def GetRevision(self, request: Any, caller: Caller) -> service_pb2.GetRevisionResponse:
        """Hold the only thread until the test says so."""
        self.begun.append(caller.user)
        self.came.set()
        self.go_on.wait(PATIENCE)
        return service_pb2.GetRevisionResponse()

    def WatchEvents(self, request: Any, caller: Any, replies: Replies) -> None:
        self.replies.append(replies)
        replies.begin()
        replies.when_gone(self.gone.set)
        self.came.set()


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def client(room: Room) -> Iterator[Served]:
    with ThreadPoolExecutor(1) as pool:
        server = Server(Listen("127.0.0.1:0"), Door(SERVICE, (room,), callers.noauth), pool)
        with connected(f"127.0.0.1:{server.start()}") as client:
            yield client
        server.stop()


def test_a_call_whose_deadline_passes_in_the_queue_is_not_begun(client: Served, room: Room) -> None:
    def calling(name: str, timeout: float) -> Any:
        request, metadata = service_pb2.GetRevisionRequest(), [("x-user-id", name)]
        return client.stub.GetRevision.future(request, metadata=metadata, timeout=timeout)

    first = calling("first", PATIENCE)
    assert room.came.wait(PATIENCE)
    late = calling("late", 0.2)
    assert late.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    last = calling("last", PATIENCE)
    room.go_on.set()

    assert first.code() is last.code() is grpc.StatusCode.OK
    assert room.begun == ["first", "last"]


def opened(client: Served, room: Room) -> tuple[Any, Replies]:
    call = client.call("WatchEvents")
    call.initial_metadata()

    assert room.came.wait(PATIENCE)
    return call, room.replies[0]


def test_a_stream_ends_well(client: Served, room: Room) -> None:
    call, replies = opened(client, room)
    replies.send(event_pb2.WatchEventsResponse())
    replies.end()

    assert len(list(call)) == 1
    assert call.code() is grpc.StatusCode.OK
    assert "x-openstack-request-id" in dict(call.trailing_metadata())


def test_a_stream_ends_with_its_reason(client: Served, room: Room) -> None:
    call, replies = opened(client, room)
    replies.end(SLOW)
    replies.end(EngineError(Code.INTERNAL, "a second end does not count"))
    with pytest.raises(grpc.RpcError) as ended:
        next(call)

    assert Refused(ended.value).reason == "WATCH_TOO_SLOW"


def test_who_leaves_is_noticed(client: Served, room: Room) -> None:
    call, replies = opened(client, room)
    call.cancel()

    assert room.gone.wait(PATIENCE)
    replies.send(event_pb2.WatchEventsResponse())
    late = threading.Event()
    replies.when_gone(late.set)
    assert late.wait(PATIENCE)


def test_a_caller_who_takes_nothing_holds_nobody(client: Served, room: Room) -> None:
    call, replies = opened(client, room)
    begun = threading.Semaphore(0)

    def flood() -> None:
        while not room.gone.is_set():
            begun.release()
            replies.send(LARGE)

    sender = threading.Thread(target=flood)
    sender.start()
    for _ in range(2):
        assert begun.acquire(timeout=PATIENCE)
    replies.end(SLOW)
    sender.join(PATIENCE)

    assert not sender.is_alive()
    with pytest.raises(grpc.RpcError) as ended:
        list(call)
    assert ended.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_stream_is_refused_like_any_call(client: Served) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        next(client.call("WatchEvents", x_project_id="a/b"))

    assert Refused(refused.value).reason == "NOT_AUTHENTICATED"
