"""Stacks that are created, updated and deleted: what a resource costs, and what a client waits for."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import client, commits, declared, processes
from benchmarks.figures import Figure, Floor, Goal, Measured, Unit, percentile
from benchmarks.sizes import Sizes

# Measured once on two cores, in seconds: what this engine is to beat (apply, update and destroy of terraform_data).
_TERRAFORM_CREATE = {100: 0.57, 1000: 25.6}
_TERRAFORM_CHAIN_MS = 12.0

_STEPS_OF_A_REPLACEMENT = 4  # the new one begins and stands, the old one begins to go and is gone


@dataclass(slots=True, eq=False)
class _Rounds:
    """What the rounds took, in seconds, but for the names that say otherwise."""

    floor_ms: list[float] = field(default_factory=list)
    engine: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    large: list[float] = field(default_factory=list)
    update: list[float] = field(default_factory=list)
    delete: list[float] = field(default_factory=list)
    small: list[float] = field(default_factory=list)
    chain: list[float] = field(default_factory=list)
    late_p50_ms: list[float] = field(default_factory=list)
    late_p99_ms: list[float] = field(default_factory=list)


def measure(sizes: Sizes) -> Iterator[Figure]:
    """Yield the rows about stacks that are built."""
    rounds = _Rounds()
    with tempfile.TemporaryDirectory(prefix="isotherm-bench-") as name:
        folder = Path(name)
        with (
            commits.bare_commits(folder / "floor.db") as floor,
            processes.engine(folder / "engine.db") as engine,
            client.connected(engine.address) as caller,
        ):
            caller.delete(caller.create("warm-up", declared.independent(sizes.small)).identity)
            for number in range(sizes.rounds):
                rounds.floor_ms.append(floor.milliseconds_each(sizes.commits))
                _one_round(rounds, (engine, caller), sizes, number=number)
    yield from _figures(rounds, sizes)


def _one_round(rounds: _Rounds, parties: tuple[processes.Program, client.Client], sizes: Sizes, *, number: int) -> None:
    engine, caller = parties
    used = engine.cpu_seconds()
    created = caller.create(f"large-{number}", declared.independent(sizes.large))
    rounds.cpu.append(engine.cpu_seconds() - used)
    rounds.large.append(created.seconds)
    rounds.engine.append(created.engine_seconds)
    late = [(seen.received - seen.happened) * 1000 for seen in created.events]
    rounds.late_p50_ms.append(percentile(late, 50))
    rounds.late_p99_ms.append(percentile(late, 99))
    changed = declared.independent(sizes.large, changed=1)
    rounds.update.append(caller.update(created.identity, changed).seconds)
    rounds.delete.append(caller.delete(created.identity).seconds)
    small = caller.create(f"small-{number}", declared.independent(sizes.small))
    rounds.small.append(small.seconds)
    chain = caller.create(f"chain-{number}", declared.chain(sizes.small))
    rounds.chain.append(chain.seconds)
    for done in (small, chain):
        caller.delete(done.identity)
    time.sleep(0.2)  # the engine's own tidying up is not the next round's


def _figures(rounds: _Rounds, sizes: Sizes) -> Iterator[Figure]:
    floor = Floor("one commit", Measured(tuple(rounds.floor_ms)), Unit.MILLISECONDS)
    cpu_ms = sum(rounds.cpu) * 1000 / sizes.large / sizes.rounds
    yield Figure(
        f"engine time per resource, {sizes.large:,} independent",
        Unit.MILLISECONDS,
        _each(rounds.engine, sizes.large),
        floor,
        reach=Goal(5),
        aim=Goal(1.5),
        note=f"first to last event; {cpu_ms:.2f} ms of processor each, the call included",
    )
    for count, seconds, goals in (
        (sizes.large, rounds.large, (Goal(6), Goal(2))),
        (sizes.small, rounds.small, (None, None)),
    ):
        yield Figure(
            f"create a stack of {count:,}, as a client sees it",
            Unit.SECONDS,
            Measured(tuple(seconds)),
            _times(floor, count),
            reach=goals[0],
            aim=goals[1],
            note=_beside_terraform(seconds, _TERRAFORM_CREATE.get(count)),
        )
    yield Figure(
        f"chain of {sizes.small:,}, per step",
        Unit.MILLISECONDS,
        _each(rounds.chain, sizes.small),
        floor,
        reach=Goal(10),
        aim=Goal(3),
        note=f"Terraform, quoted: {_TERRAFORM_CHAIN_MS:g} ms",
    )
    yield Figure(
        f"update that replaces 1 of {sizes.large:,}",
        Unit.SECONDS,
        Measured(tuple(rounds.update)),
        _times(floor, _STEPS_OF_A_REPLACEMENT),
        reach=Goal(1),
        note=_quoted(43, sizes),
    )
    yield Figure(
        f"delete a stack of {sizes.large:,}",
        Unit.SECONDS,
        Measured(tuple(rounds.delete)),
        _times(floor, sizes.large),
        note=_quoted(32, sizes),
    )
    yield Figure(
        "event to watcher, p99",
        Unit.MILLISECONDS,
        Measured(tuple(rounds.late_p99_ms)),
        floor,
        reach=Goal(250),
        note=f"its commit included, while {sizes.large:,} are created; "
        f"p50 {Measured(tuple(rounds.late_p50_ms)).shown()} ms",
    )


def _each(seconds: list[float], count: int) -> Measured:
    return Measured(tuple(value * 1000 / count for value in seconds))


def _times(floor: Floor, count: int) -> Floor:
    """Return what so many commits take, in seconds."""
    total = tuple(value * count / 1000 for value in floor.measured.rounds)
    return Floor(f"{count:,} commits", Measured(total), Unit.SECONDS)


def _quoted(seconds: float, sizes: Sizes) -> str:
    return f"Terraform, quoted: {seconds:g} s" if sizes.large == 1000 else ""


def _beside_terraform(seconds: list[float], theirs: float | None) -> str:
    return f"Terraform, quoted: {theirs:g} s" if theirs and seconds else ""
