from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import grpc
import pytest
from isotherm.v1 import listener_pb2, listener_service_pb2_grpc

from engine.api import listener as listeners
from engine.api.server import Listen, Server
from engine.clients import peers as peer_clients
from engine.clients.peers import Heard, Peers
from engine.model.errors import Code, EngineError
from engine.model.ids import EngineId, StackIdentity

KEY = b"k" * 32
OURS = EngineId("engine-1")
STACK = StackIdentity("p", "web", "stack-1")


@dataclass
class Engine:
    """A listening engine, and what it was asked to do for stacks."""

    address: str = ""
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def stop(self, stack_id: str) -> None:
        self.asked.append(("stop", stack_id))

    def send(self, stack_id: str, message: str) -> None:
        self.asked.append((message, stack_id))


@pytest.fixture
def engine() -> Iterator[Engine]:
    running = Engine()
    listener = listeners.Listener(OURS, running.stop, running.send)
    with ThreadPoolExecutor(2) as pool:
        server = Server(Listen("127.0.0.1:0", is_public=False), listeners.door(listener, KEY), pool)
        running.address = f"127.0.0.1:{server.start()}"
        yield running
        server.stop()


@pytest.fixture
def peers() -> Iterator[Peers]:
    others = Peers(KEY, timeout=5)
    yield others
    others.close()


def test_an_engine_that_answers_is_alive(engine: Engine, peers: Peers) -> None:
    assert peers.ask(engine.address, OURS) is Heard.ALIVE


def test_another_engine_in_its_place_means_that_it_is_gone(engine: Engine, peers: Peers) -> None:
    assert peers.ask(engine.address, EngineId("engine-0")) is Heard.REFUSED


def test_where_nobody_listens_the_engine_is_gone(peers: Peers) -> None:
    with socket.socket() as taken:  # bound and not listening: a connection is refused
        taken.bind(("127.0.0.1", 0))

        assert peers.ask(f"127.0.0.1:{taken.getsockname()[1]}", OURS) is Heard.REFUSED


def test_an_engine_that_does_not_answer_in_time_is_silent() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        peers = Peers(KEY, timeout=0.2)

        assert peers.ask(f"127.0.0.1:{deaf.getsockname()[1]}", OURS) is Heard.SILENT
        peers.close()


def test_with_another_key_nothing_can_be_concluded(engine: Engine) -> None:
    stranger = Peers(b"x" * 32, timeout=5)

    assert stranger.ask(engine.address, OURS) is Heard.SILENT
    stranger.close()


@pytest.mark.parametrize("message", sorted(peer_clients.MESSAGES))
def test_a_message_reaches_what_runs_for_the_stack(engine: Engine, peers: Peers, message: str) -> None:
    peers.send(engine.address, STACK, message)

    assert engine.asked == [(message, "stack-1")]


def test_a_stack_is_stopped_before_the_call_returns(engine: Engine, peers: Peers) -> None:
    peers.stop_stack(engine.address, STACK)

    assert engine.asked == [("stop", "stack-1")]


def test_what_cannot_be_delivered_is_an_error(peers: Peers) -> None:
    with pytest.raises(EngineError) as not_sent:
        peers.send("127.0.0.1:1", STACK, peer_clients.CANCEL)
    with pytest.raises(EngineError) as not_stopped:
        peers.stop_stack("127.0.0.1:1", STACK)

    assert (not_sent.value.code, not_stopped.value.code) == (Code.EVENT_SEND_FAILED, Code.STOP_ACTION_FAILED)


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param((), id="no token"),
        pytest.param((("authorization", "Bearer 00"),), id="a wrong token"),
        pytest.param((("authorization", peer_clients.bearer(b"")),), id="a token of an empty key"),
    ],
)
def test_nobody_else_is_let_in(engine: Engine, metadata: tuple[tuple[str, str], ...]) -> None:
    with grpc.insecure_channel(engine.address) as channel:
        stub = listener_service_pb2_grpc.EngineListenerStub(channel)
        with pytest.raises(grpc.RpcError) as refused:
            stub.StopStack(listener_pb2.StopStackRequest(), metadata=metadata, timeout=5)

    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert engine.asked == []


def test_a_message_that_says_nothing_is_refused(engine: Engine) -> None:
    with grpc.insecure_channel(engine.address) as channel:
        stub = listener_service_pb2_grpc.EngineListenerStub(channel)
        with pytest.raises(grpc.RpcError) as refused:
            stub.Send(listener_pb2.SendRequest(), metadata=(("authorization", peer_clients.bearer(KEY)),), timeout=5)

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
