"""ShowStack and ListStacks with many stacks stored, beside a server that only hands out the same bytes."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from isotherm.v1 import common_pb2, engine_service_pb2_grpc, stack_pb2

from benchmarks import bare, callers, client, declared, processes, stored
from benchmarks.figures import Figure, Floor, Goal, Measured, Unit
from benchmarks.sizes import Sizes
from engine.model.records import StackRecord

_SERVICE = "isotherm.v1.EngineService"
_PAGE = 20
_OFTEN = 100  # stacks that are asked for again and again, as by those who wait for them
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked, and of which method."""

    what: str
    method: str
    requests: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two servers: rounds of a load, and the processor time of a call in microseconds."""

    server: processes.Program
    service: str
    results: list[callers.Result] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)

    def ask(self, question: _Question, sizes: Sizes) -> None:
        """Put the load on for one round."""
        used = self.server.cpu_seconds()
        path = f"/{self.service}/{question.method}"
        result = callers.run(
            callers.Load(self.server.address, path, question.requests, callers=sizes.callers, seconds=sizes.seconds)
        )
        calls = result.calls_per_second * (sizes.seconds + callers.WARM_UP_S)
        self.results.append(result)
        self.cpu_us.append((self.server.cpu_seconds() - used) * _MILLION / calls)

    def rate(self) -> Measured:
        return Measured(tuple(result.calls_per_second for result in self.results))

    def p99(self) -> Measured:
        return Measured(tuple(result.p99_ms for result in self.results))

    def cpu(self) -> str:
        return f"{Measured(tuple(self.cpu_us)).median:.0f} µs"


def measure(sizes: Sizes) -> Iterator[Figure]:
    """Yield the rows about stacks that are read."""
    with tempfile.TemporaryDirectory(prefix="isotherm-bench-") as name:
        folder = Path(name)
        file = folder / "engine.db"
        kept = _stored(file, sizes.stored)
        questions = _questions(kept)
        with processes.engine(file) as engine:
            answers = _answers(folder / "answers", questions, address=engine.address)
            with processes.bare_server(answers) as floor:
                yield from _asked(questions, (floor, engine), sizes)


def _stored(file: Path, count: int) -> list[StackRecord]:
    with processes.engine(file) as engine, client.connected(engine.address) as caller:
        original = caller.create("original", declared.ORDINARY).identity
    return stored.copies(file, original.stack_id, count)


def _asked(
    questions: Sequence[_Question], servers: tuple[processes.Program, processes.Program], sizes: Sizes
) -> Iterator[Figure]:
    floor, engine = servers
    for question in questions:
        sides = _Side(floor, bare.SERVICE), _Side(engine, _SERVICE)
        for _ in range(sizes.rounds):
            for side in sides:
                side.ask(question, sizes)
        yield from _figures(question, sides, sizes)


def _questions(kept: Sequence[StackRecord]) -> list[_Question]:
    often = random.Random(1).sample(kept, min(_OFTEN, len(kept)))
    anyone = random.Random(2).sample(kept, len(kept))
    page = stack_pb2.ListStacksRequest(limit=_PAGE).SerializeToString()
    return [
        _Question(f"ShowStack, of {len(often)} in use", "ShowStack", [_show(stack) for stack in often]),
        _Question(f"ShowStack, any of {len(kept):,}", "ShowStack", [_show(stack) for stack in anyone]),
        _Question(f"ListStacks, page of {_PAGE} of {len(kept):,}", "ListStacks", [page]),
    ]


def _show(stack: StackRecord) -> bytes:
    identity = common_pb2.StackIdentity(tenant=stack.project, stack_name=stack.name, stack_id=stack.id)
    return stack_pb2.ShowStackRequest(stack_identity=identity).SerializeToString()


def _answers(folder: Path, questions: Sequence[_Question], *, address: str) -> Path:
    """Ask the engine once for everything, and keep what it answers for the floor to answer."""
    folder.mkdir()
    first = {question.method: question.requests[0] for question in questions}
    with client.channel_to(address) as channel:
        stub = engine_service_pb2_grpc.EngineServiceStub(channel)
        shown = stub.ShowStack(stack_pb2.ShowStackRequest.FromString(first["ShowStack"]))
        listed = stub.ListStacks(stack_pb2.ListStacksRequest.FromString(first["ListStacks"]))
    if len(shown.stacks) != 1 or not shown.stacks[0].outputs or len(listed.stacks) != _PAGE:
        raise AssertionError("the stored stacks do not look as they should")
    (folder / "ShowStack").write_bytes(shown.SerializeToString())
    (folder / "ListStacks").write_bytes(listed.SerializeToString())
    return folder


def _figures(question: _Question, sides: tuple[_Side, _Side], sizes: Sizes) -> Iterator[Figure]:
    floor, engine = sides
    yield Figure(
        question.what,
        Unit.PER_SECOND,
        engine.rate(),
        Floor("bare answer", floor.rate(), Unit.PER_SECOND),
        reach=Goal(0.6, of_ratio=True, at_least=True),
        note=f"processor per call {engine.cpu()}, bare {floor.cpu()}",
    )
    yield Figure(
        f"{question.what}: p99 at {sizes.callers} callers",
        Unit.MILLISECONDS,
        engine.p99(),
        Floor("bare answer", floor.p99(), Unit.MILLISECONDS),
        reach=Goal(3, of_ratio=True),
    )
