"""Lists of stacks: what is shown, in what order, page by page (rpc.md §1.6, §3.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from engine.model.errors import Code, EngineError
from engine.model.states import Action, Status
from engine.store import stacks
from engine.store.database import Database, Tx
from kit import databases, stored


def query(**asked: Any) -> stacks.StackQuery:
    return stacks.StackQuery(**{"project": "p", **asked})


def names(found: Iterable[stored.StackRecord]) -> list[str]:
    return [stack.name for stack in found]


def listed(database: Database, **asked: Any) -> list[str]:
    with database.read() as tx:
        return names(stacks.page(tx, query(**asked)))


def deleted(tx: Tx, **changes: Any) -> stored.StackRecord:
    stack, lock = stored.walked(tx, **changes)
    gone = replace(stack, deleted_time=stored.at(99))
    stacks.finish(tx, lock, stacks.Ending(gone, None, expected=stack.traversal, release=True))
    return gone


@pytest.fixture
def shelf(database: Database) -> dict[str, stored.StackRecord]:
    """Return the stacks of one project by name, created in the order of the alphabet."""
    with database.write() as tx:
        made = [
            stored.inserted(tx, name="a", created_time=stored.at(1), tags=("x",), username="ann"),
            stored.inserted(tx, name="b", created_time=stored.at(2), tags=("x", "y"), status=Status.COMPLETE),
            stored.inserted(
                tx,
                name="c",
                created_time=stored.at(3),
                tags=("y", "z"),
                action=Action.UPDATE,
                status=Status.FAILED,
                updated_time=stored.at(50),
                disable_rollback=False,
                timeout_mins=5,
            ),
            stored.inserted(tx, name="d", created_time=stored.at(4), updated_time=stored.at(40)),
        ]
        made.append(
            stored.inserted(tx, name="nested", created_time=stored.at(5), owner_id=made[0].id, root_id=made[0].id)
        )
        made.append(deleted(tx, name="gone", created_time=stored.at(6), tags=("x",)))
        stored.inserted(tx, name="foreign", project="q", created_time=stored.at(7), tags=("x",))
    return {stack.name: stack for stack in made}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param({}, "d c b a", id="live roots of the project, newest first"),
        pytest.param({"show_nested": True}, "nested d c b a", id="nested ones too"),
        pytest.param({"show_deleted": True}, "gone d c b a", id="deleted ones too"),
        pytest.param({"project": None}, "foreign d c b a", id="of all projects"),
        pytest.param({"project": "none"}, "", id="of a project without stacks"),
        pytest.param({"limit": 2}, "d c", id="at most two"),
        pytest.param({"limit": 0}, "", id="at most none"),
        pytest.param({"tags": ["x"]}, "b a", id="with a tag"),
        pytest.param({"tags": ["x", "y"]}, "b", id="with all tags"),
        pytest.param({"tags": ["x", "x"]}, "b a", id="with a tag named twice"),
        pytest.param({"tags_any": ["x", "z"]}, "c b a", id="with any tag"),
        pytest.param({"not_tags": ["x", "y"]}, "d c a", id="without all tags"),
        pytest.param({"not_tags_any": ["x", "z"]}, "d", id="without any tag"),
        pytest.param({"tags": ["y"], "not_tags_any": ["z"]}, "b", id="tags combined"),
        pytest.param({"tags": ["x"], "show_deleted": True}, "gone b a", id="a tag of a deleted stack"),
        pytest.param({"hidden_tags": ["z"]}, "d b a", id="hidden ones are not shown"),
        pytest.param({"hidden_tags": ["z"], "show_hidden": True}, "d c b a", id="hidden ones on demand"),
        pytest.param({"hidden_tags": ["z"], "tags": ["y"]}, "b", id="hidden wins over a tag"),
        pytest.param({"filters": {"status": ["COMPLETE"]}}, "b", id="by status"),
        pytest.param({"filters": {"status": [Status.COMPLETE, Status.FAILED]}}, "c b", id="by one of two"),
        pytest.param({"filters": {"action": ["CREATE"], "status": ["FAILED"]}}, "", id="by both"),
        pytest.param({"filters": {"status": []}}, "", id="by none of nothing"),
        pytest.param({"filters": {"name": ["a", "d", "gone"]}}, "d a", id="by name"),
        pytest.param({"filters": {"username": ["ann"]}}, "a", id="by owner's name"),
        pytest.param({"filters": {"disable_rollback": [False]}}, "c", id="by a truth value"),
        pytest.param({"filters": {"disable_rollback": ["False"]}}, "c", id="by a truth value as text"),
        pytest.param({"filters": {"timeout_mins": ["5"]}}, "c", id="by a number as text"),
        pytest.param({"sort_keys": ["stack_name"]}, "a b c d", id="by name, upwards unless said"),
        pytest.param({"sort_keys": ["stack_name"], "sort_dir": "desc"}, "d c b a", id="by name, downwards"),
        pytest.param({"sort_keys": ["creation_time"]}, "a b c d", id="by creation"),
        pytest.param({"sort_dir": "asc"}, "a b c d", id="the default key, upwards"),
        pytest.param({"sort_keys": ["nonsense"]}, "d c b a", id="an unknown key is dropped"),
        pytest.param({"sort_keys": ["nonsense", "stack_name"]}, "a b c d", id="and the known one stays"),
        pytest.param({"sort_keys": ["stack_status", "stack_name"]}, "b c a d", id="by two keys"),
        pytest.param({"sort_keys": ["stack_name", "stack_name"]}, "a b c d", id="by one key twice"),
    ],
)
@pytest.mark.usefixtures("shelf")
def test_a_list_shows(database: Database, asked: dict[str, Any], expected: str) -> None:
    assert listed(database, **asked) == expected.split()


@pytest.mark.usefixtures("shelf")
def test_a_stack_that_was_never_updated_counts_from_its_creation(database: Database) -> None:
    assert listed(database, sort_keys=["updated_time"]) == ["a", "b", "d", "c"]
    assert listed(database, sort_keys=["updated_time"], sort_dir="desc") == ["c", "d", "b", "a"]


def test_a_child_is_found_by_its_owner(database: Database, shelf: dict[str, stored.StackRecord]) -> None:
    assert listed(database, filters={"owner_id": [shelf["a"].id]}, show_nested=True) == ["nested"]


@pytest.mark.usefixtures("shelf")
def test_a_count_is_what_the_pages_show(database: Database) -> None:
    for asked in ({}, {"tags": ["x"]}, {"show_deleted": True}, {"filters": {"status": ["FAILED"]}}):
        with database.read() as tx:
            limited = stacks.count(tx, query(**asked, limit=1, sort_keys=["stack_name"]))
            shown = stacks.page(tx, query(**asked))

        assert limited == len(shown) > 0


@pytest.mark.parametrize("sort_dir", ["asc", "desc", None])
@pytest.mark.parametrize(
    "sort_keys", [(), ("stack_name",), ("stack_status",), ("updated_time",), ("stack_status", "updated_time")]
)
def test_pages_put_together_are_the_list(database: Database, sort_keys: tuple[str, ...], sort_dir: str | None) -> None:
    with database.write() as tx:
        for n in range(11):  # many of them equal in what is sorted by
            stored.inserted(
                tx,
                name=f"s{n % 4}-{n}",
                created_time=stored.at(n // 5),
                updated_time=None if n % 3 else stored.at(n % 2),
                status=Status.COMPLETE if n % 2 else Status.FAILED,
            )
    order = {"sort_keys": sort_keys, "sort_dir": sort_dir}
    with database.read() as tx:
        whole = stacks.page(tx, query(**order))
        pages = [stacks.page(tx, query(**order, limit=3))]
        while len(pages[-1]) == 3:
            pages.append(stacks.page(tx, query(**order, limit=3, marker=pages[-1][-1].id)))

    assert [stack for page in pages for stack in page] == whole
    assert len(whole) == 11


def test_an_unknown_marker_is_ignored(database: Database, shelf: dict[str, stored.StackRecord]) -> None:
    assert listed(database, marker="unknown", limit=2) == ["d", "c"]
    assert listed(database, marker="", limit=2) == ["d", "c"]


def test_a_deleted_stack_is_still_a_marker(database: Database, shelf: dict[str, stored.StackRecord]) -> None:
    assert listed(database, marker=shelf["gone"].id) == ["d", "c", "b", "a"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        pytest.param({"sort_dir": "sideways"}, "sort_dir", id="an unknown direction"),
        pytest.param({"filters": {"secret": ["x"]}}, "filters", id="an unknown filter"),
        pytest.param({"filters": {"timeout_mins": ["soon"]}}, "filters", id="no number"),
        pytest.param({"filters": {"disable_rollback": ["perhaps"]}}, "filters", id="no truth value"),
    ],
)
def test_a_bad_question_is_refused(database: Database, asked: dict[str, Any], field: str) -> None:
    with pytest.raises(EngineError) as refused, database.read() as tx:
        stacks.page(tx, query(**asked))

    assert refused.value.code is Code.INVALID_ARGUMENT
    assert refused.value.fields == {"field": field}


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        pytest.param({}, 1, id="the first page"),
        pytest.param({"marker": True}, 2, id="a later page"),
        pytest.param({"tags": ["t"], "hidden_tags": ["h"], "filters": {"status": ["COMPLETE"]}}, 1, id="filtered"),
    ],
)
def test_a_page_of_twenty_is_a_known_number_of_statements(
    database: Database, asked: dict[str, Any], number: int
) -> None:
    with database.write() as tx:
        made = [
            stored.inserted(tx, tags=("t", "u"), status=Status.COMPLETE, created_time=stored.at(n)) for n in range(30)
        ]
    if asked.get("marker"):
        asked = {"marker": made[25].id}

    with databases.statements(database) as seen, database.read() as tx:
        page = stacks.page(tx, query(**asked, limit=20))

    assert len(page) == 20
    assert page[0].tags == ("t", "u")
    assert len(seen) == number, "\n".join(seen)


@pytest.mark.parametrize("marker", [False, True])
def test_a_page_of_roots_goes_along_an_index(sqlite_database: Database, marker: bool) -> None:
    """With ten thousand stacks no page may sort them, or read what it does not show."""
    with sqlite_database.write() as tx:
        stack = stored.inserted(tx)
    with databases.statements(sqlite_database) as seen, sqlite_database.read() as tx:
        stacks.page(tx, query(limit=20, marker=stack.id if marker else None))
        values = tuple("p" * seen[-1].count("?"))
        plan = [row[-1] for row in tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {seen[-1]}", values)]

    assert len(plan) == 1
    assert "USING INDEX ix_stack_roots" in plan[0]
