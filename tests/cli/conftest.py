"""An engine that says what a test has written for it, behind a real port; and the command line as people call it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from click.testing import CliRunner, Result
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from isotherm.v1 import common_pb2, engine_service_pb2_grpc, event_pb2, stack_pb2

from engine.cli.main import main
from kit import served as engines
from kit.served import Served

STACK = common_pb2.StackIdentity(tenant="default", stack_name="web", stack_id="root-id")


@dataclass
class Refusal(Exception):
    """An error of the engine, as rich as the real ones."""

    code: grpc.StatusCode
    reason: str
    message: str
    problems: tuple[tuple[str, str], ...] = ()

    def status(self) -> Any:
        status = status_pb2.Status(code=self.code.value[0], message=self.message)
        info = error_details_pb2.ErrorInfo(reason=self.reason, domain="isotherm")
        if self.problems:
            info.metadata["problems"] = str(len(self.problems))
        status.details.add().Pack(info)
        bad = error_details_pb2.BadRequest()
        for path, text in self.problems:
            bad.field_violations.add(field=path, description=text)
        status.details.add().Pack(bad)
        return rpc_status.to_status(status)


@dataclass
class FakeEngine(engine_service_pb2_grpc.EngineServiceServicer):
    """Answers with what a test has put into `answers`, and keeps what it was asked."""

    address: str = ""
    answers: dict[str, Any] = field(default_factory=dict)  # by method: a message, several in turn, a Refusal
    asked: dict[str, list[Any]] = field(default_factory=dict)
    metadata: list[dict[str, str]] = field(default_factory=list)
    events: list[event_pb2.Event] = field(default_factory=list)
    meanwhile: dict[str, Callable[[], object]] = field(default_factory=dict)  # by method: done while it is asked
    breaks_after: int = 0  # WatchEvents: so many events, then the engine is gone for once; 0: it stays

    def answer(self, method: str, request: Message, context: grpc.ServicerContext) -> Message:
        self.asked.setdefault(method, []).append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        self.meanwhile.get(method, lambda: None)()
        answer = self.answers.get(method)
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if answer is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the test says nothing about {method}")
        if isinstance(answer, Refusal):
            context.abort_with_status(answer.status())
        return answer

    def WatchEvents(
        self, request: event_pb2.WatchEventsRequest, context: grpc.ServicerContext
    ) -> Iterator[event_pb2.WatchEventsResponse]:
        copy = event_pb2.WatchEventsRequest()
        copy.CopyFrom(request)
        self.asked.setdefault("WatchEvents", []).append(copy)
        ids = [event.event_id for event in self.events]
        start = ids.index(request.after_event_id) + 1 if request.after_event_id in ids else 0
        for number, event in enumerate(self.events[start:], 1):
            yield event_pb2.WatchEventsResponse(event=event)
            if number == self.breaks_after:
                self.breaks_after = 0
                context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
        ended = threading.Event()  # a stream never ends by itself, only its reader ends it
        if context.add_callback(ended.set):
            ended.wait()


def _unary(method: str) -> Callable[..., Message]:
    def handle(self: FakeEngine, request: Message, context: grpc.ServicerContext) -> Message:
        return self.answer(method, request, context)

    return handle


for _name in vars(engine_service_pb2_grpc.EngineServiceServicer):
    if _name[0].isupper() and _name != "WatchEvents":
        setattr(FakeEngine, _name, _unary(_name))


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    fake = FakeEngine()
    server = grpc.server(ThreadPoolExecutor(4))
    engine_service_pb2_grpc.add_EngineServiceServicer_to_server(fake, server)
    fake.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield fake
    server.stop(None).wait()


@pytest.fixture
def isotherm(engine: FakeEngine) -> Callable[..., Result]:
    """Return the command line, called with arguments, speaking to the fake engine."""

    def run(*arguments: str) -> Result:
        return CliRunner(env={"ISOTHERM_ENDPOINT": engine.address}).invoke(main, list(arguments))

    return run


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a real engine, one for a module: tests name their own stacks."""
    with engines.engine(tmp_path_factory.mktemp("engine")) as (_, client):
        yield client


@pytest.fixture
def ask(served: Served) -> Callable[..., Result]:
    """Return the command line, called with arguments, speaking to the real engine; keywords are its environment."""

    def run(*arguments: str, **environment: str) -> Result:
        return CliRunner(env={"ISOTHERM_ENDPOINT": served.address, **environment}).invoke(main, list(arguments))

    return run


@dataclass
class Happening:
    """Writes events in a row, a second apart."""

    count: int = 0

    def __call__(self, name: str, state: str, **more: str) -> event_pb2.Event:
        """Return the next event: of a resource, or with the name of the stack of the stack itself."""
        self.count += 1
        action, _, status = state.partition("_")
        stack_id, stack_name = more.get("stack_id", "root-id"), more.get("stack_name", "web")
        of_stack = name == stack_name
        return event_pb2.Event(
            event_id=f"event-{self.count}",
            stack_identity=common_pb2.StackIdentity(tenant="default", stack_name=stack_name, stack_id=stack_id),
            stack_name=stack_name,
            event_time=Timestamp(seconds=1_800_000_000 + self.count),
            resource_name=name,
            physical_resource_id=stack_id if of_stack else more.get("physical_id", ""),
            resource_action=common_pb2.ResourceAction.Value(f"RESOURCE_ACTION_{action}"),
            resource_status=common_pb2.Status.Value(f"STATUS_{status}"),
            resource_status_reason=more.get("reason", "state changed"),
            resource_type="OS::Heat::Stack" if of_stack else more.get("type", "OS::Heat::TestResource"),
        )


@pytest.fixture
def happening() -> Happening:
    return Happening()


@pytest.fixture
def stack_in() -> Callable[[str], stack_pb2.ShowStackResponse]:
    """Return the answer of ShowStack for the stack in a state."""

    def response(state: str) -> stack_pb2.ShowStackResponse:
        action, _, status = state.partition("_")
        stack = stack_pb2.Stack(
            stack_name="web",
            stack_identity=STACK,
            stack_action=common_pb2.StackAction.Value(f"STACK_ACTION_{action}"),
            stack_status=common_pb2.Status.Value(f"STATUS_{status}"),
            stack_status_reason=f"why {state}",
        )
        return stack_pb2.ShowStackResponse(stacks=[stack])

    return response


@pytest.fixture
def refuse() -> type[Refusal]:
    """Return the errors of an engine, for a test to answer with."""
    return Refusal
