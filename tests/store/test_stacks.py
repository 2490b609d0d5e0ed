"""Stacks: names that are unique, operations that begin once, walks that end once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from engine.model.errors import Code, EngineError
from engine.model.ids import EngineId, StackId, TraversalId
from engine.model.states import Action, Status
from engine.store import events, locks, resources, stacks, templates, walks
from engine.store.database import Database, retrying
from kit import databases, stored

NEXT = TraversalId("walk-two")


def found(database: Database, stack: stored.StackRecord) -> stored.StackRecord | None:
    with database.read() as tx:
        return stacks.get(tx, stack.id, show_deleted=True)


def test_a_stack_comes_back_as_it_was_written(database: Database) -> None:
    root = StackId(stored.new_id())
    with database.write() as tx:
        stack = stored.inserted(
            tx,
            name="étrange",
            reason="because \N{SNOWMAN}",
            disable_rollback=False,
            timeout_mins=7,
            tags=("b", "a"),
            description="what it is",
            username="somebody",
            user_project_id="domain project",
            owner_id=root,
            parent_resource="inner",
            root_id=root,
            nested_depth=2,
            updated_time=stored.at(1),
        )
        complete = replace(stack, id=StackId(stored.new_id()), name="n", complete_definition_id=stack.definition_id)
        stacks.insert(tx, complete)

    assert found(database, stack) == stack
    assert found(database, complete) == complete


def test_who_holds_a_stack_sees_what_the_one_before_has_written(database: Database) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx, tags=())

    def add_a_tag(_: int) -> None:
        with database.write() as tx:
            held = stacks.hold(tx, stack.id)
            assert held is not None
            assert stacks.begin(tx, replace(held, tags=(*held.tags, "t")), expected=held.traversal)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_a_tag, range(12)))
    after = found(database, stack)

    assert after is not None
    assert after.tags == ("t",) * 12


def test_a_stack_that_is_gone_is_not_held(database: Database) -> None:
    with database.write() as tx:
        gone = stored.inserted(tx, deleted_time=stored.at(1))

        assert stacks.hold(tx, gone.id) is None
        assert stacks.hold(tx, StackId("nowhere")) is None


def test_a_stack_is_got_in_one_statement(database: Database) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx, tags=("a", "b", "c"))

    with databases.statements(database) as seen, database.read() as tx:
        stacks.get(tx, stack.id)

    assert len(seen) == 1


def test_of_two_stacks_with_one_name_that_come_together_one_exists(database: Database) -> None:
    def create(_number: int) -> Code | None:
        try:
            retrying(database, lambda tx: stored.inserted(tx, name="same"))
        except EngineError as refused:
            return refused.code
        return None

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(create, range(2)))

    assert sorted(answers, key=str) == [None, Code.STACK_EXISTS]
    with database.read() as tx:
        assert stacks.count(tx, stacks.StackQuery("p")) == 1
        # The loser left nothing, not even its definition.
        assert tx.connection.exec_driver_sql("SELECT count(*) FROM definition").scalar_one() == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param({"project": "p"}, {"project": "q"}, id="in another project"),
        pytest.param({"name": "same"}, {"name": "Same"}, id="in another case"),
        pytest.param({"name": "same"}, {"name": "same "}, id="with a blank more"),
    ],
)
def test_a_name_may_be_used_again(database: Database, first: dict[str, str], second: dict[str, str]) -> None:
    with database.write() as tx:
        one = stored.inserted(tx, **{"name": "same", **first})
        two = stored.inserted(tx, **{"name": "same", **second})

        assert stacks.by_name(tx, one.project, one.name) == one
        assert stacks.by_name(tx, two.project, two.name) == two


def test_a_name_is_free_again_when_its_stack_is_deleted(database: Database) -> None:
    with database.write() as tx:
        stack, lock = stored.walked(tx, name="same")
        gone = replace(stack, action=Action.DELETE, status=Status.COMPLETE, deleted_time=stored.at(5))

        assert stacks.finish(tx, lock, stacks.Ending(gone, None, expected=stack.traversal, release=True))
        assert stacks.by_name(tx, "p", "same") is None

        again = stored.inserted(tx, name="same")

        assert stacks.by_name(tx, "p", "same") == again
        assert stacks.get(tx, stack.id) is None
        assert stacks.get(tx, stack.id, show_deleted=True) == gone


def test_an_operation_begins_where_the_walk_is_the_expected_one(database: Database) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx, tags=("old", "kept"))
        target = stored.definition()
        templates.save(tx, target)
        begun = replace(
            stack,
            action=Action.UPDATE,
            reason="Stack UPDATE started",
            definition_id=target.id,
            traversal=NEXT,
            disable_rollback=False,
            timeout_mins=9,
            tags=("kept", "new"),
            description="new",
            username="another",
            user_project_id="u",
            updated_time=stored.at(3),
        )

        assert stacks.begin(tx, begun, expected=stack.traversal)

    assert found(database, stack) == begun
    with database.read() as tx:
        assert [one.id for one in stacks.page(tx, stacks.StackQuery("p", tags=["new"]))] == [stack.id]
        assert stacks.page(tx, stacks.StackQuery("p", tags=["old"])) == []


def test_an_operation_that_comes_second_writes_nothing(database: Database) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx, tags=("old",))
        late = replace(stack, action=Action.UPDATE, traversal=NEXT, tags=("new",))

        assert not stacks.begin(tx, late, expected=TraversalId("another walk"))

    assert found(database, stack) == stack


def test_a_name_that_exists_is_named(database: Database) -> None:
    with database.write() as tx:
        stored.inserted(tx, name="same")
    with pytest.raises(EngineError) as refused, database.write() as tx:
        stored.inserted(tx, name="same")

    assert refused.value.fields == {"stack_name": "same"}


def test_of_two_operations_that_begin_together_one_wins(database: Database) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx)

    def begin(number: int) -> bool:
        newer = replace(stack, action=Action.UPDATE, traversal=TraversalId(f"walk {number}"))
        return retrying(database, lambda tx: stacks.begin(tx, newer, expected=stack.traversal))

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(begin, range(4))) == [False, False, False, True]


def test_nothing_begins_on_a_deleted_stack(database: Database) -> None:
    with database.write() as tx:
        stack, lock = stored.walked(tx)
        stacks.finish(
            tx,
            lock,
            stacks.Ending(replace(stack, deleted_time=stored.at(1)), None, expected=stack.traversal, release=True),
        )

        assert not stacks.begin(tx, replace(stack, traversal=NEXT), expected=stack.traversal)


def test_a_walk_ends_with_its_event_and_a_free_lock(database: Database) -> None:
    with database.write() as tx:
        stack, lock = stored.walked(tx)
    done = replace(
        stack,
        status=Status.COMPLETE,
        reason="Stack CREATE completed successfully",
        complete_definition_id=stack.definition_id,
        traversal=NEXT,
        updated_time=stored.at(4),
    )
    event = stored.event(stack, status=Status.COMPLETE)
    with database.write() as tx:
        assert stacks.finish(tx, lock, stacks.Ending(done, event, expected=stack.traversal, release=True))

    assert found(database, stack) == done
    with database.read() as tx:
        assert locks.holder(tx, stack.id) is None
        assert [one.id for one in events.page(tx, events.EventQuery(stack_id=stack.id))] == [event.id]


def test_a_walk_that_turns_back_keeps_its_lock(database: Database) -> None:
    with database.write() as tx:
        stack, lock = stored.walked(tx)
        back = replace(stack, action=Action.ROLLBACK, traversal=NEXT)

        assert stacks.finish(tx, lock, stacks.Ending(back, None, expected=stack.traversal, release=False))
        assert locks.current(tx, stack.id) == lock


@pytest.mark.parametrize("overtaken", ["by another owner", "by a newer walk", "by its deletion"])
def test_a_walk_that_was_overtaken_ends_without_a_trace(database: Database, overtaken: str) -> None:
    with database.write() as tx:
        stack, lock = stored.walked(tx)
        match overtaken:
            case "by another owner":
                locks.steal(tx, stack.id, holder=lock.engine_id, by=EngineId("two"))
            case "by a newer walk":
                stacks.begin(tx, replace(stack, action=Action.UPDATE, traversal=NEXT), expected=stack.traversal)
            case _:
                gone = replace(stack, deleted_time=stored.at(1))
                stacks.finish(tx, lock, stacks.Ending(gone, None, expected=stack.traversal, release=False))
    before = found(database, stack)

    with database.write() as tx:
        done = replace(stack, status=Status.COMPLETE)

        assert not stacks.finish(
            tx, lock, stacks.Ending(done, stored.event(stack), expected=stack.traversal, release=True)
        )
        assert tx.events == []
        assert locks.holder(tx, stack.id) is not None

    assert found(database, stack) == before
    with database.read() as tx:
        assert events.page(tx, events.EventQuery(stack_id=stack.id)) == []


def test_a_deleted_stack_keeps_its_events_and_loses_its_rows(database: Database) -> None:
    with database.write() as tx:
        stack, lock = stored.walked(tx)
        walks.apply(tx, [stored.step(lock, stored.resource(stack), stack)])
        gone = replace(stack, deleted_time=stored.at(1))
        stacks.finish(tx, lock, stacks.Ending(gone, stored.event(stack), expected=stack.traversal, release=True))

        assert resources.of_stack(tx, stack.id) == []
        assert [one.sequence for one in events.page(tx, events.EventQuery(stack_id=stack.id))] == [2, 1]


def test_unfinished_stacks_are_the_live_ones_in_progress(database: Database) -> None:
    with database.write() as tx:
        late = stored.inserted(tx, created_time=stored.at(2))
        nested = stored.inserted(tx, created_time=stored.at(1), owner_id=late.id, root_id=late.id, nested_depth=1)
        stored.inserted(tx, status=Status.COMPLETE)
        stored.inserted(tx, status=Status.FAILED)
        gone, lock = stored.walked(tx)
        stacks.finish(
            tx,
            lock,
            stacks.Ending(replace(gone, deleted_time=stored.at(1)), None, expected=gone.traversal, release=True),
        )

        assert stacks.unfinished(tx) == [nested, late]


def test_nested_stacks_are_found_from_their_owner(database: Database) -> None:
    with database.write() as tx:
        root = stored.inserted(tx)
        nested = {"root_id": root.id, "project": "p"}
        one = stored.inserted(tx, owner_id=root.id, parent_resource="one", nested_depth=1, **nested)
        two = stored.inserted(
            tx, owner_id=root.id, parent_resource="two", nested_depth=1, created_time=stored.at(1), **nested
        )
        deep = stored.inserted(tx, owner_id=one.id, parent_resource="one", nested_depth=2, **nested)
        stored.inserted(tx)

        assert stacks.children(tx, root.id) == [one, two]
        assert stacks.child_of(tx, root.id, "two") == two
        assert stacks.child_of(tx, root.id, "three") is None
        assert stacks.tree(tx, root.id) == [root, one, two, deep]
