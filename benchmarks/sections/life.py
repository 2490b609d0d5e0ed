"""What may happen to stacks at the same time: many at once, one cancelled, one superseded, and many who watch."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import grpc
from isotherm.v1 import action_pb2, common_pb2, engine_service_pb2_grpc, event_pb2, stack_pb2

from benchmarks import callers, client, commits, declared, processes, stored, watchers
from benchmarks.figures import Figure, Floor, Goal, Measured, Unit, in_turn
from benchmarks.sizes import Sizes

NOT_SERVED: Final = "StackCancelUpdate is not served by this engine: no figure of a cancel."
_RESOURCES: Final = 5  # of a stack in a crowd
_UPDATES: Final = 10  # one after the other
_QUIET_S: Final = 1.0  # nothing for so long: nothing more is to come
_READERS: Final = 8  # as many as the engine has threads for calls: no call stands in line for one
_TAKES: Final = 3  # of a load in a round: the end of a tail is a matter of luck
_PACE_S: Final = 0.25  # from one stack's update to the next's, while stacks are watched
_SHOW_STACK: Final = "/isotherm.v1.EngineService/ShowStack"

Identity = common_pb2.StackIdentity
Stub = engine_service_pb2_grpc.EngineServiceStub


def measure(sizes: Sizes) -> Iterator[Figure]:
    """Yield the rows about what happens at the same time."""
    with _world() as world:
        yield from _at_once(world, sizes)
        yield from _cancelled(world, sizes)
        yield from _superseded(world, sizes)
    yield from _watched(sizes)


@dataclass(frozen=True, slots=True)
class _World:
    """An engine, who calls it, and the floor beside it."""

    file: Path
    engine: processes.Program
    caller: client.Client
    floor: commits.Commits


@contextmanager
def _world() -> Iterator[_World]:
    with tempfile.TemporaryDirectory(prefix="isotherm-bench-") as name:
        folder = Path(name)
        file = folder / "engine.db"
        with (
            commits.bare_commits(folder / "floor.db") as floor,
            processes.engine(file) as engine,
            client.connected(engine.address) as caller,
        ):
            yield _World(file, engine, caller, floor)


def _at_once(world: _World, sizes: Sizes) -> Iterator[Figure]:
    seconds: list[float] = []
    floor_ms: list[float] = []
    used: list[float] = []
    world.caller.delete(world.caller.create("warm-up", declared.five(0)).identity)
    for number in range(sizes.rounds):
        floor_ms.append(world.floor.milliseconds_each(sizes.commits))
        first = 1 + number * sizes.crowd
        templates = {f"crowd-{one}": declared.five(one) for one in range(first, first + sizes.crowd)}
        before = world.engine.cpu_seconds()
        seconds.append(world.caller.create_at_once(templates))
        used.append(world.engine.cpu_seconds() - before)
        _check_all_stand(world.caller.stub, templates)
    count = sizes.crowd * _RESOURCES
    yield Figure(
        f"{sizes.crowd:,} stacks of {_RESOURCES} created at once, until all are COMPLETE",
        Unit.SECONDS,
        Measured(tuple(seconds)),
        Floor(f"{count:,} commits", _times(floor_ms, count), Unit.SECONDS),
        reach=Goal(5),
        note=f"no two templates the same; {Measured(tuple(used)).median:.2f} s of processor",
    )


def _check_all_stand(stub: Stub, names: Iterable[str]) -> None:
    for name in names:
        (stack,) = stub.ShowStack(_shown(Identity(stack_name=name))).stacks
        if (stack.stack_action, stack.stack_status) != (common_pb2.STACK_ACTION_CREATE, common_pb2.STATUS_COMPLETE):
            raise client.StackFailed(f"{name}: {stack.stack_status_reason}")


def _cancelled(world: _World, sizes: Sizes) -> Iterator[Figure]:
    if not _is_cancel_served(world.caller.stub):
        print(NOT_SERVED, file=sys.stderr, flush=True)
        return
    milliseconds: list[float] = []
    floor_ms: list[float] = []
    spared: list[int] = []
    for number in range(sizes.rounds):
        floor_ms.append(world.floor.milliseconds_each(sizes.commits))
        cancelled = _cancel(world.caller, f"cancelled-{number}", sizes.large)
        milliseconds.append(cancelled.seconds * 1000)
        spared.append(cancelled.spared)
    yield Figure(
        f"cancel of an update of {sizes.large:,}, until it is FAILED and nothing more begins",
        Unit.MILLISECONDS,
        Measured(tuple(milliseconds)),
        Floor("one commit", Measured(tuple(floor_ms)), Unit.MILLISECONDS),
        reach=Goal(500),
        note=f"called when a quarter had begun, half of them to wait for ever; {min(spared):,} or more never began",
    )


def _is_cancel_served(stub: Stub) -> bool:
    try:
        stub.StackCancelUpdate(_cancelling(Identity(stack_name="nobody")))
    except grpc.RpcError as error:
        return error.code() is not grpc.StatusCode.UNIMPLEMENTED
    raise AssertionError("a stack that is not there was cancelled")


@dataclass(frozen=True, slots=True)
class _Cancelled:
    """How a cancel went."""

    seconds: float  # from the call until the stack showed it and the last resource had begun
    spared: int  # resources that never began


def _cancel(caller: client.Client, name: str, count: int) -> _Cancelled:
    """Cancel an update that is busy beginning: a quarter has begun, the rest stands in line."""
    identity = caller.create(name, declared.waiting(count, 32)).identity
    caller.stub.UpdateStack(stack_pb2.UpdateStackRequest(stack_identity=identity, template=declared.waiting(count, 33)))
    begun = 0
    for seen in caller.events_of(identity):
        begun += _begins(seen)
        if begun >= max(1, count // 4):
            break
    called = time.time()
    caller.stub.StackCancelUpdate(_cancelling(identity))
    while (stack := _show(caller.stub, identity)).stack_status == common_pb2.STATUS_IN_PROGRESS:
        pass  # the answer is the pause
    shown = time.time()
    if (stack.stack_action, stack.stack_status) != (common_pb2.STACK_ACTION_UPDATE, common_pb2.STATUS_FAILED):
        raise client.StackFailed(f"{name} was to be cancelled: {stack.stack_status_reason}")
    later = [seen for seen in caller.until_quiet(_QUIET_S) if _begins(seen)]
    last = max((seen.happened for seen in later), default=called)
    caller.delete(identity)
    return _Cancelled(max(shown, last) - called, count - begun - len(later))


def _begins(seen: client.Seen) -> bool:
    return not seen.is_of_stack and seen.event.resource_status == common_pb2.STATUS_IN_PROGRESS


def _cancelling(identity: Identity) -> action_pb2.StackCancelUpdateRequest:
    return action_pb2.StackCancelUpdateRequest(stack_identity=identity, cancel_with_rollback=False)


@dataclass(slots=True, eq=False)
class _Superseded:
    """The rounds of updates that overtake each other."""

    seconds: list[float] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    declared: list[int] = field(default_factory=list)
    overtaken: list[int] = field(default_factory=list)
    floor_ms: list[float] = field(default_factory=list)


def _superseded(world: _World, sizes: Sizes) -> Iterator[Figure]:
    rounds = _Superseded()
    for number in range(sizes.rounds):
        rounds.floor_ms.append(world.floor.milliseconds_each(sizes.commits))
        identity = _supersede(rounds, world.caller, f"superseded-{number}", sizes.superseded)
        rows = stored.rows(world.file, identity.stack_id)
        _, names = declared.generation(sizes.superseded, _UPDATES)
        if set(rows) != names:
            raise client.StackFailed(f"rows that are not declared, or not there: {set(rows) ^ names}")
        rounds.rows.append(len(rows))
        rounds.declared.append(len(names))
        world.caller.delete(identity)
    count = rounds.declared[0]
    overtaken = f"{min(rounds.overtaken)} of {_UPDATES - 1} came before the one before had ended"
    yield Figure(
        f"{_UPDATES} updates of a stack of {count:,}, each superseded by the next, until it settles",
        Unit.SECONDS,
        Measured(tuple(rounds.seconds)),
        Floor(f"{count:,} commits", _times(rounds.floor_ms, count), Unit.SECONDS),
        note=f"{overtaken}; a quarter of the resources waits 0.2 s",
    )
    yield Figure(
        "rows in the database after them",
        Unit.ROWS,
        Measured(tuple(map(float, rounds.rows))),
        Floor("declared", Measured(tuple(map(float, rounds.declared))), Unit.ROWS),
        reach=Goal(1, of_ratio=True),
        note=f"{sum(rounds.rows) - sum(rounds.declared)} leaked",
    )


def _supersede(rounds: _Superseded, caller: client.Client, name: str, count: int) -> Identity:
    """Update a stack again and again, each time as soon as the update before has begun with a resource."""
    identity = caller.create(name, declared.generation(count, 0)[0]).identity
    events = caller.events_of(identity)
    overtaken = 0
    began = time.perf_counter()
    for number in range(1, _UPDATES + 1):
        template, _ = declared.generation(count, number)
        caller.stub.UpdateStack(stack_pb2.UpdateStackRequest(stack_identity=identity, template=template))
        overtaken += _until_under_way(events) and number > 1
    for seen in events:
        if seen.is_of_stack and seen.event.resource_status != common_pb2.STATUS_IN_PROGRESS:
            break
    rounds.seconds.append(time.perf_counter() - began)
    rounds.overtaken.append(overtaken)
    if seen.event.resource_status != common_pb2.STATUS_COMPLETE:
        raise client.StackFailed(f"{name}: {seen.event.resource_status_reason}")
    return identity


def _until_under_way(events: Iterator[client.Seen]) -> bool:
    """Wait until the update has begun with a resource; return whether the one before had not ended by then."""
    overtakes = True
    has_begun = False
    for seen in events:
        if seen.is_of_stack:
            has_begun = seen.event.resource_status == common_pb2.STATUS_IN_PROGRESS
            overtakes = overtakes and has_begun
        elif has_begun and _begins(seen):
            break
    return overtakes


def _watched(sizes: Sizes) -> Iterator[Figure]:
    with (
        tempfile.TemporaryDirectory(prefix="isotherm-bench-") as name,
        processes.engine(Path(name) / "engine.db") as engine,
        client.channel_to(engine.address) as channel,
    ):
        stub = Stub(channel)
        with client.connected(engine.address) as caller:
            caller.create_at_once({f"watched-{one}": declared.five(one) for one in range(sizes.crowd)})
        stacks = [stack.stack_identity for stack in stub.ListStacks(stack_pb2.ListStacksRequest()).stacks]
        reads = _Reads(engine.address, stacks, sizes)
        with _walking(stub, stacks):
            alone, watched = in_turn(_TAKES * sizes.rounds, reads.alone, reads.watched)
    told = Measured(tuple(reads.events_per_s))
    yield Figure(
        f"ShowStack p99 beside {sizes.watchers:,} watchers of {sizes.crowd:,} stacks",
        Unit.MILLISECONDS,
        watched,
        Floor("no watchers", alone, Unit.MILLISECONDS),
        reach=Goal(1.5, of_ratio=True),
        note=f"{_READERS} callers; a stack updated every {_PACE_S:g} s; {told.median:,.0f} events/s to watchers",
    )


@dataclass(slots=True)
class _Reads:
    """ShowStack, with watchers and without: the p99 of one load in milliseconds."""

    address: str
    stacks: Sequence[Identity]
    sizes: Sizes
    events_per_s: list[float] = field(default_factory=list)  # to all watchers together

    def alone(self) -> float:
        shows = [_shown(identity).SerializeToString() for identity in self.stacks]
        load = callers.Load(self.address, _SHOW_STACK, shows, callers=_READERS, seconds=self.sizes.seconds)
        return callers.run(load).p99_ms

    def watched(self) -> float:
        watches = [event_pb2.WatchEventsRequest(stack_identity=one, only_new=True) for one in self.stacks]
        requests = [watch.SerializeToString() for watch in watches]
        with watchers.watching(self.address, requests, self.sizes.watchers) as watching:
            time.sleep(_QUIET_S)  # each of them has looked for what it missed; that they come is not what is measured
            began = time.perf_counter()
            p99 = self.alone()
            spent = time.perf_counter() - began
        self.events_per_s.append(watching.events / (spent + _QUIET_S))
        return p99


@contextmanager
def _walking(stub: Stub, stacks: Sequence[Identity]) -> Iterator[None]:
    """Update one stack after the other at a steady pace, so that watchers have something to see."""
    over = threading.Event()

    def walk() -> None:
        number = 0
        while not over.wait(_PACE_S):
            lap, one = divmod(number, len(stacks))
            template = declared.five(one, length=17 + lap)
            stub.UpdateStack(stack_pb2.UpdateStackRequest(stack_identity=stacks[one], template=template))
            number += 1

    thread = threading.Thread(target=walk, name="walker")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _show(stub: Stub, identity: Identity) -> stack_pb2.Stack:
    (stack,) = stub.ShowStack(_shown(identity)).stacks
    return stack


def _shown(identity: Identity) -> stack_pb2.ShowStackRequest:
    return stack_pb2.ShowStackRequest(stack_identity=identity)


def _times(milliseconds: Sequence[float], count: int) -> Measured:
    """Return what so many commits take, in seconds."""
    return Measured(tuple(value * count / 1000 for value in milliseconds))
