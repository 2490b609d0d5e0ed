"""Batches write what SQLAlchemy would write, row by row."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, insert, select, update

from engine.store.batches import Batch
from engine.store.database import Database
from engine.store.tables.declarative import table_of
from engine.store.tables.watches import WatchDataRow, WatchRuleRow
from kit import stored

RULE = table_of(WatchRuleRow)
DATA = table_of(WatchDataRow)


def rule(stack: stored.StackRecord, name: str) -> dict[str, Any]:
    return {
        "id": name,
        "stack_id": stack.id,
        "name": name,
        "rule": {"deep": ["é", None, 2**60]},
        "state": "NODATA",
        "evaluated_time": stored.at(1),
    }


def test_a_batch_writes_what_a_statement_writes(database: Database) -> None:
    batch = Batch(insert(RULE), tuple(column.name for column in RULE.c))
    with database.write() as tx:
        stack = stored.inserted(tx)
        tx.connection.execute(insert(RULE), rule(stack, "one"))

        assert batch.execute(tx.connection, [rule(stack, "two"), rule(stack, "three")]) == 2

        found = tx.connection.execute(select(RULE).order_by(RULE.c.id)).mappings().all()

    assert [dict(row) for row in found] == [rule(stack, name) for name in ("one", "three", "two")]


def test_a_batch_says_how_many_rows_it_touched(database: Database) -> None:
    change = update(RULE).where(RULE.c.id == bindparam("of")).values(state=bindparam("state"))
    batch = Batch(change, ())
    with database.write() as tx:
        stack = stored.inserted(tx)
        for name in ("one", "two"):
            tx.connection.execute(insert(RULE), rule(stack, name))
        changes = [{"of": name, "state": "ALARM"} for name in ("one", "two", "unknown")]

        assert batch.execute(tx.connection, changes) == 2
        assert tx.connection.execute(select(RULE.c.state)).scalars().all() == ["ALARM", "ALARM"]


def test_a_database_draws_numbers_for_a_batch(database: Database) -> None:
    batch = Batch(insert(DATA), ("watch_rule_id", "data", "created_time"))
    with database.write() as tx:
        tx.connection.execute(insert(RULE), rule(stored.inserted(tx), "one"))
        batch.execute(
            tx.connection,
            [{"watch_rule_id": "one", "data": {"n": n}, "created_time": stored.at(n)} for n in range(3)],
        )

        found = tx.connection.execute(select(DATA.c.position, DATA.c.data).order_by(DATA.c.position)).all()

    assert [row.data for row in found] == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert len({row.position for row in found}) == 3
