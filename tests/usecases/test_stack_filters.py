"""What stacks are filtered by: the words of callers, translated; and what list and count make of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.usecases import stack_filters
from engine.usecases.stacks import ListStacks
from kit.bench import CREATE
from kit.engine_room import ME, EngineRoom, hot


@pytest.mark.parametrize(
    ("filters", "columns"),
    [
        pytest.param({}, {}, id="none"),
        pytest.param({"stack_name": ["a"]}, {"name": ["a"]}, id="a name of the API"),
        pytest.param({"name": ["a"], "stack_name": ["b"]}, {"name": ["a", "b"]}, id="both spellings are merged"),
        pytest.param({"stack_owner": ["me"]}, {"username": ["me"]}, id="owner"),
        pytest.param({"parent": ["p"]}, {"owner_id": ["p"]}, id="parent"),
        pytest.param({"unheard of": ["x"]}, {}, id="an unknown key is ignored"),
        pytest.param({"stack_name": []}, {}, id="no values"),
        pytest.param({"stack_status": ["COMPLETE"]}, {"status": ["COMPLETE"]}, id="a bare status"),
        pytest.param(
            {"stack_status": ["CREATE_FAILED"]}, {"status": ["FAILED"], "action": ["CREATE"]}, id="action and status"
        ),
        pytest.param(
            {"status": ["UPDATE_IN_PROGRESS"]},
            {"status": ["IN_PROGRESS"], "action": ["UPDATE"]},
            id="a status with an underscore in it",
        ),
        pytest.param(
            {"stack_status": ["CREATE_FAILED", "UPDATE_COMPLETE"]},
            {"status": ["FAILED", "COMPLETE"], "action": ["CREATE", "UPDATE"]},
            id="several make a cross product",
        ),
        pytest.param(
            {"stack_status": ["CREATE_FAILED"], "stack_action": ["UPDATE"]},
            {"status": ["FAILED"], "action": ["CREATE", "UPDATE"]},
            id="actions are joined",
        ),
        pytest.param({"stack_status": ["nonsense"]}, {"status": [""]}, id="no known status matches nothing"),
        pytest.param(
            {"stack_status": ["nonsense", "COMPLETE"]}, {"status": ["COMPLETE"]}, id="one known status is enough"
        ),
    ],
)
def test_filters_are_translated_to_columns(filters: dict[str, list[object]], columns: dict[str, list[object]]) -> None:
    assert stack_filters.translate(filters) == columns


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineRoom]:
    """A red, b red and blue and failed, c blue, d hidden, nest with one inside, gone deleted."""
    folder: Path = tmp_path_factory.mktemp("many")
    with EngineRoom(folder, hidden_tags=["secret"]) as room:
        plain = hot({"it": {}})
        room.wait(room.create("a", plain, tags=["red"]))
        room.bench.fails.add((CREATE, "bad"))
        room.wait(room.create("b", hot({"bad": {}}), tags=["red", "blue"]))
        room.wait(room.create("c", plain, tags=["blue"]))
        room.wait(room.create("d", plain, tags=["secret"]))
        room.wait(room.create("nest", hot({"m": {"_type": "inner.yaml"}}), files={"inner.yaml": plain}))
        gone = room.create("gone", plain)
        room.wait(gone)
        room.delete(gone)
        room.wait(gone)
        yield room


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        pytest.param(ListStacks(), ["nest", "c", "b", "a"], id="live, root, not hidden; the newest first"),
        pytest.param(ListStacks(sort_keys=["stack_name"]), ["a", "b", "c", "nest"], id="by name, ascending"),
        pytest.param(
            ListStacks(sort_keys=["stack_name"], sort_dir="desc"), ["nest", "c", "b", "a"], id="by name, descending"
        ),
        pytest.param(ListStacks(sort_keys=["nonsense"]), ["nest", "c", "b", "a"], id="an unknown sort key is dropped"),
        pytest.param(ListStacks(show_hidden=True), ["nest", "d", "c", "b", "a"], id="hidden ones too"),
        pytest.param(ListStacks(show_deleted=True), ["gone", "nest", "c", "b", "a"], id="deleted ones too"),
        pytest.param(ListStacks(filters={"stack_name": ["a", "c"]}), ["c", "a"], id="one of two names"),
        pytest.param(ListStacks(filters={"stack_status": ["CREATE_FAILED"]}), ["b"], id="by state"),
        pytest.param(ListStacks(filters={"status": ["nonsense"]}), [], id="by a status that is none"),
        pytest.param(ListStacks(filters={"stack_owner": ["me"]}), ["nest", "c", "b", "a"], id="by owner"),
        pytest.param(ListStacks(tags=["red", "blue"]), ["b"], id="has all tags"),
        pytest.param(ListStacks(tags_any=["red", "blue"]), ["c", "b", "a"], id="has one of the tags"),
        pytest.param(ListStacks(not_tags=["red", "blue"]), ["nest", "c", "a"], id="has not all tags"),
        pytest.param(ListStacks(not_tags_any=["red", "blue"]), ["nest"], id="has none of the tags"),
        pytest.param(ListStacks(tags=["blue"], not_tags=["red"]), ["c"], id="tags and tags"),
        pytest.param(ListStacks(limit=0), [], id="limit 0"),
    ],
)
def test_list_and_count_agree(many: EngineRoom, wanted: ListStacks, names: list[str]) -> None:
    found, _ = many.stacks.list(ME, wanted)

    assert [stack.name for stack in found] == names
    if wanted.limit is None:
        assert many.stacks.count(ME, wanted) == len(names)


def test_nested_stacks_are_listed_where_asked_for_and_by_their_parent(many: EngineRoom) -> None:
    all_, _ = many.stacks.list(ME, ListStacks(show_nested=True))
    nest = next(stack for stack in all_ if stack.name == "nest")
    inside, _ = many.stacks.list(ME, ListStacks(show_nested=True, filters={"parent": [nest.id]}))

    assert len(all_) == 5
    assert [stack.owner_id for stack in inside] == [nest.id]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
def test_pages_put_together_are_the_whole_list(many: EngineRoom, limit: int) -> None:
    names, marker, pages = [], "", 0
    while True:
        page, marker = many.stacks.list(ME, ListStacks(limit=limit, marker=marker))
        names += [stack.name for stack in page]
        pages += 1
        if not marker:
            break

    assert names == ["nest", "c", "b", "a"]
    assert pages == -(-4 // limit)


def test_an_unknown_marker_begins_at_the_first_page(many: EngineRoom) -> None:
    found, _ = many.stacks.list(ME, ListStacks(limit=1, marker="nonsense"))

    assert [stack.name for stack in found] == ["nest"]
