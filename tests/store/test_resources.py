"""Resources as they are found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.store import resources, stacks, walks
from engine.store.database import Database, Tx
from kit import databases, stored


def add(tx: Tx, stack: stored.StackRecord, *rows: stored.ResourceRecord) -> list[stored.ResourceRecord]:
    lock = stored.locks.current(tx, stack.id) or stored.locks.acquire(tx, stack.id, stored.ENGINE)
    assert isinstance(lock, stored.Lock)
    assert all(walks.apply(tx, [stored.step(lock, row, stack) for row in rows]))
    return [replace(row, version=1) for row in rows]


def test_rows_of_a_stack_come_oldest_first(database: Database) -> None:
    with database.write() as tx:
        stack, other = stored.inserted(tx), stored.inserted(tx)
        late, early = add(
            tx,
            stack,
            stored.resource(stack, "b", created_time=stored.at(2)),
            stored.resource(stack, "a", created_time=stored.at(1)),
        )
        add(tx, other, stored.resource(other, "a"))

        assert resources.of_stack(tx, stack.id) == [early, late]


def test_a_name_has_more_than_one_row_while_it_is_replaced(database: Database) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx)
        old, new, _ = add(
            tx,
            stack,
            stored.resource(stack, "a", created_time=stored.at(1)),
            stored.resource(stack, "a", created_time=stored.at(2)),
            stored.resource(stack, "b"),
        )

        assert resources.named(tx, stack.id, "a") == [old, new]
        assert resources.named(tx, stack.id, "c") == []


def test_a_physical_id_finds_rows_of_live_stacks_with_their_stacks(database: Database) -> None:
    with database.write() as tx:
        one, two = stored.inserted(tx), stored.inserted(tx, project="q")
        (first,) = add(tx, one, stored.resource(one, physical_id="server", created_time=stored.at(1)))
        (second,) = add(tx, two, stored.resource(two, physical_id="server", created_time=stored.at(2)))
        add(tx, one, stored.resource(one, "other", physical_id="another"))

        assert resources.by_physical_id(tx, "server") == [(one, first), (two, second)]
        assert resources.by_physical_id(tx, "unknown") == []


@pytest.fixture
def tree(database: Database) -> list[stored.StackRecord]:
    with database.write() as tx:
        root = stored.inserted(tx)
        inner = stored.inserted(tx, owner_id=root.id, root_id=root.id, nested_depth=1)
        other = stored.inserted(tx)
        for stack in (inner, root, other):
            add(tx, stack, stored.resource(stack, "a"), stored.resource(stack, "b", created_time=stored.at(1)))
    return [root, inner]


def test_rows_of_a_tree_come_outer_stacks_first(database: Database, tree: list[stored.StackRecord]) -> None:
    with databases.statements(database) as seen, database.read() as tx:
        found = resources.of_tree(tx, tree[0].id)

    expected = [(stack.id, name) for stack in tree for name in "ab"]
    assert [(row.stack_id, row.name) for row in found] == expected
    assert len(seen) == 1


def test_rows_of_a_tree_are_counted(database: Database, tree: list[stored.StackRecord]) -> None:
    with database.write() as tx:
        assert resources.count_in_tree(tx, tree[0].id) == 4

        lock = stored.locks.current(tx, tree[1].id)
        assert lock is not None
        gone = replace(tree[1], deleted_time=stored.at(1))
        stacks.finish(tx, lock, stacks.Ending(gone, None, expected=tree[1].traversal, release=True))

        assert resources.count_in_tree(tx, tree[0].id) == 2


def test_rows_of_a_new_stack_are_inserted_together(database: Database) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx)
        rows = [stored.resource(stack, name, data={"secret": name}, metadata={"n": 1}) for name in "ab"]
        resources.insert(tx, rows)
        resources.insert(tx, [])

        found = resources.of_stack(tx, stack.id)
    assert sorted(found, key=lambda row: row.name) == [replace(row, version=1) for row in rows]
