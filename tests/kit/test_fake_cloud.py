from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kit.fake_cloud import How, Operation
from kit.fake_cloud_client import CloudError, FakeCloud, Gone


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[FakeCloud]:
    with FakeCloud(tmp_path / "ledger.jsonl") as cloud:
        yield cloud


def build(cloud: FakeCloud, token: str = "t", **properties: object) -> str:
    return str(cloud.things.build("box", token, properties=properties)["id"])


def test_a_thing_is_built_changed_shown_and_deleted(cloud: FakeCloud) -> None:
    thing = build(cloud, size=1, label="a")
    cloud.things.change(thing, {"size": 2})

    assert cloud.things.show(thing) == {
        "id": thing,
        "kind": "box",
        "token": "t",
        "properties": {"size": 2, "label": "a"},
        "state": "READY",
    }
    cloud.things.delete(thing)
    assert [entry.did for entry in cloud.ledger()] == ["built", "changed", "deleted"]
    assert cloud.standing() == {}


@pytest.mark.parametrize("call", ["show", "delete"])
def test_what_is_not_there_is_gone(cloud: FakeCloud, call: str) -> None:
    with pytest.raises(Gone):
        getattr(cloud.things, call)("nothing")
    with pytest.raises(Gone):
        cloud.things.change("nothing", {})


def test_a_token_that_comes_again_gets_the_same_thing(cloud: FakeCloud) -> None:
    assert build(cloud, "t") == build(cloud, "t")
    assert cloud.built("t") == 1
    assert cloud.doubles() == {}


def test_many_at_once_with_one_token_get_the_same_thing(cloud: FakeCloud) -> None:
    with ThreadPoolExecutor(16) as pool:
        ids = {*pool.map(lambda _: build(cloud, "t"), range(64))}

    assert len(ids) == 1
    assert cloud.built("t") == 1


def test_a_forgetful_cloud_builds_doubles_and_the_ledger_tells(cloud: FakeCloud) -> None:
    cloud.forget_tokens()
    first, second = build(cloud, "t"), build(cloud, "t")
    build(cloud, "other")

    assert first != second
    assert cloud.doubles() == {"t": 2}
    assert [thing["id"] for thing in cloud.things.find("t")] == [first, second]


def test_a_double_stays_one_after_it_was_deleted(cloud: FakeCloud) -> None:
    cloud.forget_tokens()
    cloud.things.delete(build(cloud, "t"))
    build(cloud, "t")

    assert cloud.doubles() == {"t": 2}


def test_what_nobody_knows_of_is_a_leak(cloud: FakeCloud) -> None:
    known, lost, deleted = (build(cloud, token) for token in "abc")
    cloud.things.delete(deleted)

    assert cloud.leaks([known]) == {lost}


def test_a_thing_is_at_work_for_as_many_looks_as_told(cloud: FakeCloud) -> None:
    thing = build(cloud, polls=2)
    states = [cloud.things.show(thing)["state"] for _ in range(3)]
    changed = cloud.things.change(thing, {"polls": 1})["state"]

    assert [*states, changed] == ["WORKING", "WORKING", "READY", "WORKING"]


def test_a_refused_call_does_nothing(cloud: FakeCloud) -> None:
    cloud.fail_next(Operation.BUILD, times=2)
    for _ in range(2):
        with pytest.raises(CloudError, match="told to refuse to build"):
            build(cloud)

    assert cloud.ledger() == []
    assert build(cloud)


def test_a_dropped_call_takes_effect_unheard(cloud: FakeCloud) -> None:
    cloud.fail_next(Operation.BUILD, How.DROP)
    with pytest.raises(CloudError, match="hung up"):
        build(cloud, "t")

    assert cloud.built("t") == 1
    assert len(cloud.things.find("t")) == 1


def test_a_delayed_call_takes_effect_later(cloud: FakeCloud) -> None:
    cloud.fail_next(Operation.SHOW, How.DELAY, seconds=0.1)
    thing = build(cloud)

    begun = time.monotonic()
    assert cloud.things.show(thing)["id"] == thing
    assert time.monotonic() - begun >= 0.1


def test_faults_hit_only_the_operation_they_are_meant_for(cloud: FakeCloud) -> None:
    thing = build(cloud)
    cloud.fail_next(Operation.DELETE)

    assert cloud.things.show(thing)
    assert cloud.things.find("t")
    with pytest.raises(CloudError):
        cloud.things.delete(thing)


def test_a_cloud_that_was_killed_remembers_and_stays_where_it_was(cloud: FakeCloud) -> None:
    thing, address = build(cloud, size=3), cloud.address
    cloud.kill()
    with pytest.raises(CloudError):
        cloud.things.show(thing)
    cloud.start()

    assert cloud.address == address
    assert cloud.things.show(thing)["properties"] == {"size": 3}


def test_a_cloud_ends_with_whoever_started_it(cloud: FakeCloud) -> None:
    assert cloud._process is not None
    assert cloud._process.stdin is not None
    cloud._process.stdin.close()

    assert cloud._process.wait(timeout=30) == 0


def test_a_line_that_a_kill_cut_short_is_as_if_never_written(cloud: FakeCloud, tmp_path: Path) -> None:
    first = build(cloud, "a")
    cloud.kill()
    with (tmp_path / "ledger.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"did": "built", "id": "torn", "ki')
    cloud.start()
    second = build(cloud, "b")
    cloud.kill()
    cloud.start()

    assert {*cloud.standing()} == {first, second}
