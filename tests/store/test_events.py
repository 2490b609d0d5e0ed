"""Events: numbered, listed, followed, pruned."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from engine.model.errors import Code, EngineError
from engine.model.ids import EventId, ResourceId, StackId
from engine.model.records import EventRecord
from engine.model.states import Action, Status
from engine.store import events, stacks
from engine.store.database import Database, Tx, retrying
from kit import databases, stored


def listed(database: Database, **asked: Any) -> list[EventRecord]:
    with database.read() as tx:
        return events.page(tx, events.EventQuery(**asked))


def test_an_event_comes_back_as_it_was_written(database: Database) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx)
        event = stored.event(
            stack,
            "web",
            action="SIGNAL",
            status=Status.COMPLETE,
            reason="étrange",
            physical_id="https://example.org/" + "x" * 2000,
            resource_id=ResourceId(stored.new_id()),
            properties={"n": 2**60},
        )
        written = events.append(tx, event)

    assert written == replace(event, sequence=1, position=written.position)
    assert written.position > 0
    with database.read() as tx:
        assert events.get(tx, event.id) == written
        assert events.get(tx, EventId("unknown")) is None


def test_a_reason_is_cut_to_what_every_database_takes(database: Database) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx)
        events.append(tx, stored.event(stack, reason="é" * 300 + "\x00"))

    assert listed(database, stack_id=stack.id)[0].reason == "é" * 255


def test_an_event_needs_its_stack(database: Database) -> None:
    with pytest.raises(EngineError) as refused, database.write() as tx:
        events.append(tx, stored.event(stored.stack(name="absent")))

    assert refused.value.code is Code.STACK_NOT_FOUND
    assert refused.value.fields == {"stack_name": "absent"}


def test_events_that_come_together_are_numbered_without_a_gap(database: Database) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx)

    def append(_number: int) -> None:
        retrying(database, lambda tx: events.append(tx, stored.event(stack)))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(append, range(20)))

    written = listed(database, stack_id=stack.id, sort_dir="asc")
    assert [event.sequence for event in written] == list(range(1, 21))
    assert [event.position for event in written] == sorted(event.position for event in written)


def test_a_transaction_that_fails_leaves_no_gap(database: Database) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx)

    def work(tx: Tx) -> None:
        events.append(tx, stored.event(stack))
        raise LookupError

    with pytest.raises(LookupError):
        retrying(database, work)
    with database.write() as tx:
        events.append(tx, stored.event(stack))

    assert [event.sequence for event in listed(database, stack_id=stack.id)] == [1]


@pytest.fixture
def tree(database: Database) -> dict[str, stored.StackRecord]:
    """Return stacks by name: a root with two levels below, another project's root, and a deleted one.

    Each has one event named after it, in this order in time.
    """
    with database.write() as tx:
        root = stored.inserted(tx, name="root")
        inner = stored.inserted(tx, name="inner", owner_id=root.id, root_id=root.id, nested_depth=1)
        deep = stored.inserted(tx, name="deep", owner_id=inner.id, root_id=root.id, nested_depth=2)
        foreign = stored.inserted(tx, name="foreign", project="q")
        gone, lock = stored.walked(tx, name="gone")
        made = (root, inner, deep, foreign, gone)
        for n, stack in enumerate(made):
            events.append(tx, stored.event(stack, time=stored.at(n)))
        deleted = replace(gone, deleted_time=stored.at(9))
        stacks.finish(tx, lock, stacks.Ending(deleted, None, expected=gone.traversal, release=True))
    return {stack.name: stack for stack in made}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param({"project": "p"}, "deep inner root", id="of a project's live stacks, newest first"),
        pytest.param({}, "foreign deep inner root", id="of all live stacks"),
        pytest.param({"stack_id": "inner"}, "inner", id="of one stack"),
        pytest.param({"stack_id": "gone"}, "gone", id="of a deleted stack"),
        pytest.param({"stack_id": "foreign", "project": "p"}, "", id="of a stack of another project"),
        pytest.param({"root_id": "root"}, "deep inner root", id="of a tree"),
        pytest.param({"root_id": "root", "max_depth": 1}, "inner root", id="of a tree, one level deep"),
        pytest.param({"root_id": "root", "max_depth": 0}, "root", id="of a tree, no level deep"),
        pytest.param({"root_id": "root", "sort_dir": "asc"}, "root inner deep", id="oldest first"),
        pytest.param({"root_id": "root", "limit": 0}, "", id="none of them"),
    ],
)
def test_a_list_shows(
    database: Database, tree: dict[str, stored.StackRecord], asked: dict[str, Any], expected: str
) -> None:
    for name in ("stack_id", "root_id"):
        if name in asked:
            asked = {**asked, name: tree[asked[name]].id}

    assert [event.stack_name for event in listed(database, **asked)] == expected.split()


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        pytest.param({"resource_name": ["a"]}, [1, 3], id="by resource"),
        pytest.param({"resource_action": ["UPDATE"]}, [3], id="by action"),
        pytest.param({"resource_status": [Status.COMPLETE], "resource_name": ["a", "b"]}, [2, 3], id="by two"),
        pytest.param({"resource_type": ["OS::Heat::Stack"]}, [4], id="by type"),
        pytest.param({"action": ["SIGNAL"]}, [], id="by what did not happen"),
    ],
)
def test_a_list_is_filtered(database: Database, filters: dict[str, list[str]], expected: list[int]) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx)
        done = {"status": Status.COMPLETE}
        for n, event in enumerate(
            (
                stored.event(stack, "a"),
                stored.event(stack, "b", **done),
                stored.event(stack, "a", action=Action.UPDATE, **done),
                stored.event(stack),
            )
        ):
            events.append(tx, replace(event, time=stored.at(n)))

    found = listed(database, stack_id=stack.id, filters=filters, sort_dir="asc")

    assert [event.sequence for event in found] == expected


def test_one_event_is_found_by_its_uuid(database: Database, tree: dict[str, stored.StackRecord]) -> None:
    (event,) = listed(database, stack_id=tree["root"].id)

    assert listed(database, stack_id=tree["root"].id, filters={"uuid": [event.id]}) == [event]


def test_an_unknown_filter_is_refused(database: Database) -> None:
    with pytest.raises(EngineError) as refused:
        listed(database, filters={"properties": ["x"]})

    assert refused.value.code is Code.INVALID_ARGUMENT


@pytest.mark.parametrize("sort_dir", ["asc", "desc", None])
@pytest.mark.parametrize("sort_keys", [(), ("event_time",), ("resource_type", "event_time")])
def test_pages_put_together_are_the_list(database: Database, sort_keys: tuple[str, ...], sort_dir: str | None) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx)
        for n in range(8):
            kind = f"OS::Type{n % 3}"
            events.append(tx, stored.event(stack, "r", time=stored.at(n // 3), resource_type=kind))
    order: dict[str, Any] = {"stack_id": stack.id, "sort_keys": sort_keys, "sort_dir": sort_dir}
    whole = listed(database, **order)
    pages = [listed(database, **order, limit=3)]
    while len(pages[-1]) == 3:
        pages.append(listed(database, **order, limit=3, marker=pages[-1][-1].id))

    assert [event for page in pages for event in page] == whole
    assert len(whole) == 8


def test_an_unknown_marker_is_ignored(database: Database, tree: dict[str, stored.StackRecord]) -> None:
    assert len(listed(database, root_id=tree["root"].id, marker="unknown")) == 3


def test_a_page_is_one_statement_and_a_later_one_two(database: Database) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx)
        written = [events.append(tx, stored.event(stack, properties={"a": n})) for n in range(5)]

    with databases.statements(database) as seen, database.read() as tx:
        events.page(tx, events.EventQuery(stack_id=stack.id, limit=2))
        events.page(tx, events.EventQuery(stack_id=stack.id, limit=2, marker=written[3].id))

    assert len(seen) == 3


def test_a_watcher_goes_on_where_it_was(database: Database, tree: dict[str, stored.StackRecord]) -> None:
    with database.read() as tx:
        everything = events.after(tx, position=0, limit=10)
        rest = events.after(tx, position=everything[1].position, limit=2)

        assert [event.stack_name for event in everything] == ["root", "inner", "deep", "foreign", "gone"]
        assert rest == everything[2:4]
        assert events.head(tx) == everything[-1].position
        assert events.after(tx, position=events.head(tx), limit=10) == []


def test_a_watcher_sees_a_tree_or_some_stacks(database: Database, tree: dict[str, stored.StackRecord]) -> None:
    some = [tree["foreign"].id, tree["inner"].id, StackId("unknown")]
    with database.read() as tx:
        of_tree = events.after(tx, position=0, limit=10, root_id=tree["root"].id)
        of_some = events.after(tx, position=0, limit=10, stack_ids=some)

        assert [event.stack_name for event in of_tree] == ["root", "inner", "deep"]
        assert [event.stack_name for event in of_some] == ["inner", "foreign"]
        assert events.after(tx, position=0, limit=10, stack_ids=[]) == []


def test_nothing_has_happened_yet(database: Database) -> None:
    with database.read() as tx:
        assert events.head(tx) == 0


def test_a_position_is_never_used_twice(database: Database) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx)
        last = [events.append(tx, stored.event(stack)) for _ in range(3)][-1]
        assert events.prune(tx, stack.id, keep=0, batch=10) == 3

        assert events.append(tx, stored.event(stack)).position > last.position


@pytest.mark.parametrize(
    ("keep", "batch", "left"),
    [
        pytest.param(10, 5, range(1, 8), id="as many as there may be"),
        pytest.param(7, 5, range(1, 8), id="exactly as many"),
        pytest.param(4, 5, range(4, 8), id="too many"),
        pytest.param(2, 3, range(4, 8), id="more than one batch too many"),
        pytest.param(0, 10, range(0), id="none may stay"),
    ],
)
def test_pruning_deletes_the_oldest(database: Database, keep: int, batch: int, left: range) -> None:
    with database.write() as tx:
        stack, other = stored.inserted(tx), stored.inserted(tx)
        for _ in range(7):
            events.append(tx, stored.event(stack))
            events.append(tx, stored.event(other))

        assert events.prune(tx, stack.id, keep=keep, batch=batch) == 7 - len(left)

    kept = listed(database, stack_id=stack.id, sort_dir="asc")
    assert [event.sequence for event in kept] == list(left)
    assert len(listed(database, stack_id=other.id)) == 7
