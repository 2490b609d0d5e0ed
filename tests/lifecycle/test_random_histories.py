"""Random histories through a whole engine: at rest everything is as declared, nothing has leaked and nothing is lost.

The walks on paper in tests/plan are many and quick. These are few, and have the pool, the journal and the database in
them. A failing one prints its story, step by step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from engine.model.ids import StackIdentity
from engine.model.states import Status
from kit.bench import CREATE, DELETE, UPDATE
from kit.engine_room import EngineRoom, hot

NAMES = "abcde"
FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
numbers = count()


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens to a stack."""

    resources: Mapping[str, Mapping[str, Any]]
    fails: frozenset[tuple[str, str]] = frozenset()
    rollback: bool = False
    patient: bool = True  # False: the next step supersedes this one
    restart: bool = False  # the engine stops in the middle and another one walks on


@st.composite
def resources(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    """Draw things that refer to earlier ones; few values, so that equal and unequal ones meet often."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    drawn: dict[str, dict[str, Any]] = {}
    for at, name in enumerate(names):
        earlier = st.sampled_from(names[:at]) if at else st.nothing()
        value = draw(st.sampled_from(["1", "2"]) | st.builds(lambda other: {"get_resource": other}, earlier))
        fixed = draw(st.sampled_from(["1", "2"]) | st.builds(lambda other: {"get_attr": [other, "value"]}, earlier))
        drawn[name] = {"value": value, "fixed": fixed}
    return drawn


failures = st.frozensets(st.tuples(st.sampled_from([CREATE, UPDATE, DELETE]), st.sampled_from(NAMES)), max_size=3)
steps = st.builds(Step, resources(), failures, st.booleans(), st.booleans(), st.booleans())


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineRoom]:
    with EngineRoom(tmp_path_factory.mktemp("histories")) as room:
        yield room


def take(room: EngineRoom, identity: StackIdentity, step: Step) -> None:
    """Let one step happen, and wait for its end unless it is to be superseded."""
    room.bench.fails = set(step.fails)
    room.update(identity, hot(step.resources), disable_rollback=not step.rollback)
    if step.restart:
        room.restart()
    if step.patient:
        stack = room.wait(identity)
        note(f"{step} -> {stack.state} {stack.reason}")

        assert stack.status is not Status.IN_PROGRESS
        assert not [row for row in room.rows(stack.id) if row.status is Status.IN_PROGRESS]
    else:
        note(f"{step} -> superseded")


@FEW
@given(history=st.lists(steps, min_size=1, max_size=4), last=resources())
def test_at_rest_everything_is_as_declared(
    room: EngineRoom, history: list[Step], last: dict[str, dict[str, Any]]
) -> None:
    identity = room.create(f"s{next(numbers)}", hot({}))
    for step in history:
        take(room, identity, step)
    take(room, identity, Step(last))
    rows = {row.name: row for row in room.rows(identity.stack_id)}

    assert str(room.stack(identity.stack_id).state) == "UPDATE_COMPLETE"
    assert rows.keys() == last.keys()
    assert all(row.is_built for row in rows.values())
    assert {row.id: row.name for row in rows.values()} == room.bench.built, "leaked or lost"
    assert set(room.bench.creations.values()) <= {1}
    for name, declared in last.items():
        for key, wanted in declared.items():
            expected = wanted if isinstance(wanted, str) else _known(wanted, rows)
            assert rows[name].properties[key] == expected

    room.delete(identity)

    assert str(room.wait(identity).state) == "DELETE_COMPLETE"
    assert room.bench.built == {}


@FEW
@given(good=resources(), bad=resources(), failing=failures)
def test_a_failed_update_that_is_rolled_back_leaves_what_was(
    room: EngineRoom,
    good: dict[str, dict[str, Any]],
    bad: dict[str, dict[str, Any]],
    failing: frozenset[tuple[str, str]],
) -> None:
    room.bench.fails.clear()
    identity = room.create(f"s{next(numbers)}", hot(good))
    room.wait(identity)
    before = {
        row.name: (row.properties["fixed"] if isinstance(good[row.name]["fixed"], str) else None)
        for row in room.rows(identity.stack_id)
    }
    room.bench.fails = {*failing, (CREATE, "doomed")}
    room.update(identity, hot({**bad, "doomed": {"_depends_on": sorted(bad)}}), disable_rollback=False)
    stack = room.wait(identity)
    room.bench.fails.clear()
    if str(stack.state) == "ROLLBACK_FAILED" or "could not be cleaned away" in stack.reason:
        room.update(identity, hot(good))
        stack = room.wait(identity)
    rows = room.rows(stack.id)

    assert str(stack.state) in ("ROLLBACK_COMPLETE", "UPDATE_COMPLETE")
    assert {row.name for row in rows} == before.keys()
    assert all(before[row.name] in (None, row.properties["fixed"]) for row in rows)
    assert {row.id: row.name for row in rows} == room.bench.built
    room.delete(identity)
    room.wait(identity)


def _known(wanted: Mapping[str, Any], rows: Mapping[str, Any]) -> str:
    if "get_resource" in wanted:
        return str(rows[wanted["get_resource"]].physical_id)
    return str(rows[wanted["get_attr"][0]].properties["value"])
