"""An engine is killed (kill -9) in the middle of a walk and started again on the same database: the walk is finished.

The things are those of a provider in another process, whose ledger outlives every engine; it takes every create as a
new one, so whatever an engine asks for twice exists twice, and is found here.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from kit.engine_process import EngineProcess
from kit.fake_cloud_client import FakeCloud

RESOURCES = 50
SETTINGS = {"plugin_packages": "kit.fake_cloud_types", "stack_action_timeout": "120"}


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[FakeCloud]:
    with FakeCloud(tmp_path / "ledger", idempotent=False) as cloud:
        yield cloud


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EngineProcess]:
    engine = EngineProcess(f"sqlite:///{tmp_path / 'isotherm.db'}", settings=SETTINGS)
    yield engine
    engine.stop()


def template(cloud: FakeCloud, *, label: str = "", kind: str = "box", count: int = RESOURCES) -> str:
    """Return a template of things that poll, some of which need another one."""
    lines = ["heat_template_version: 2018-08-31", "resources:"]
    for number in range(count):
        properties = f'cloud: "{cloud.address}", polls: {number % 3}, kind: {kind}, size: {number}'
        reads = f"{{get_attr: [thing{number // 2}, label]}}" if number % 4 == 3 else f'"{label}"'
        lines += [
            f"  thing{number}:",
            "    type: Test::Cloud::Thing",
            f"    properties: {{{properties}, label: {reads}}}",
        ]
    return "\n".join(lines) + "\n"


def kill_after(engine: EngineProcess, stack: str, events: int) -> None:
    """Kill the engine when it has told of so many events of the stack, or when its walk is over."""
    for number, event in enumerate(engine.watch(stack), start=1):
        over = event.resource_type == "OS::Heat::Stack" and number > 1
        if number >= events or over:
            break
    engine.kill()


def assert_nothing_lost_or_doubled(engine: EngineProcess, cloud: FakeCloud, stack: str, *, standing: int) -> None:
    """Check the ledger against the rows, and that the stack's events have no gap and no double."""
    listed = engine.call("ListStackResources", stack_identity={"stack_name": stack}).get("resources", [])
    physical = {one["physical_resource_id"] for one in listed}

    assert len(physical) == standing
    assert not cloud.doubles()
    assert not cloud.leaks(physical)
    assert set(cloud.standing()) == physical


@pytest.mark.parametrize("seed", range(4))
def test_a_create_that_is_killed_anywhere_completes(seed: int, engine: EngineProcess, cloud: FakeCloud) -> None:
    engine.start()
    engine.create("stack", template(cloud))
    kill_after(engine, "stack", random.Random(seed).randint(1, 2 * RESOURCES))
    engine.start()

    assert engine.settled("stack")["state"] == "CREATE_COMPLETE"
    assert_nothing_lost_or_doubled(engine, cloud, "stack", standing=RESOURCES)


@pytest.mark.parametrize(
    ("changed", "seed"),
    [
        pytest.param({"label": "new"}, 11, id="in place"),
        pytest.param({"kind": "crate"}, 12, id="replace"),
        pytest.param({"count": 20}, 13, id="remove"),
    ],
)
def test_an_update_that_is_killed_anywhere_completes(
    changed: dict[str, str], seed: int, engine: EngineProcess, cloud: FakeCloud
) -> None:
    engine.start()
    stack_id = engine.create("stack", template(cloud))
    engine.settled("stack")
    seen = sum(1 for _ in engine.call("ListEvents", stack_identity={"stack_name": "stack"})["events"])
    engine.call("UpdateStack", stack_identity={"stack_name": "stack"}, template=template(cloud, **changed))
    kill_after(engine, "stack", seen + random.Random(seed).randint(1, RESOURCES))
    engine.start()
    shown = engine.settled("stack")

    assert shown["state"] == "UPDATE_COMPLETE"
    assert shown["stack_identity"]["stack_id"] == stack_id
    assert_nothing_lost_or_doubled(engine, cloud, "stack", standing=int(changed.get("count", RESOURCES)))


def test_a_delete_that_is_killed_leaves_nothing(engine: EngineProcess, cloud: FakeCloud) -> None:
    engine.start()
    stack_id = engine.create("stack", template(cloud))
    engine.settled("stack")
    engine.call("DeleteStack", stack_identity={"stack_name": "stack"})
    kill_after(engine, stack_id, 2 * RESOURCES + 30)
    engine.start()

    assert engine.settled(stack_id)["state"] == "DELETE_COMPLETE"
    assert not cloud.standing()


def test_an_engine_that_is_killed_again_and_again_gets_there(engine: EngineProcess, cloud: FakeCloud) -> None:
    engine.start()
    engine.create("stack", template(cloud))
    for events in (20, 45, 70):
        kill_after(engine, "stack", events)
        engine.start()

    assert engine.settled("stack")["state"] == "CREATE_COMPLETE"
    assert_nothing_lost_or_doubled(engine, cloud, "stack", standing=RESOURCES)


def test_events_of_a_killed_walk_have_no_gap(engine: EngineProcess, cloud: FakeCloud) -> None:
    """Every transition is told once, in an order in which states can follow each other."""
    engine.start()
    engine.create("stack", template(cloud))
    kill_after(engine, "stack", 60)
    engine.start()
    engine.settled("stack")
    events = engine.call("ListEvents", stack_identity={"stack_name": "stack"}, sort_dir="SORT_DIR_ASC")["events"]
    by_name: dict[str, list[str]] = {}
    for event in events:
        by_name.setdefault(event["resource_name"], []).append(event["resource_status"])

    assert len(by_name) == RESOURCES + 1
    assert all(told[0] == "STATUS_IN_PROGRESS" and told[-1] == "STATUS_COMPLETE" for told in by_name.values())
    assert all(one != next_ for told in by_name.values() for one, next_ in pairwise(told))
