"""What is secret cannot be found in the bytes of the database."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.model.errors import Code, EngineError
from engine.model.ids import DefinitionId
from engine.model.records import Pending
from engine.store import events, resources, templates, walks
from engine.store.database import Database
from kit import databases, stored

PASSWORD = "Tr0ub4dor&3-correct-horse"


def fill(database: Database) -> tuple[DefinitionId, stored.StackRecord]:
    """Give a password as a parameter and let it go wherever a walk takes it."""
    definition = stored.definition(environment={"parameters": {"password": PASSWORD}})
    with database.write() as tx:
        templates.save(tx, definition)
        stack, lock = stored.walked(tx, definition_id=definition.id)
        secret = {"password": PASSWORD, "deep": [{PASSWORD: PASSWORD}]}
        row = stored.resource(
            stack,
            properties=secret,
            pending=Pending(secret, frozenset(), token=secret),
            data=secret,
            attributes=secret,
            reference=PASSWORD,
        )
        event = stored.event(stack, row.name, properties=secret)
        walks.apply(tx, [stored.step(lock, row, stack, event=event)])
        again = replace(row, version=1, metadata={"public": "findable"})
        walks.apply(tx, [stored.step(lock, again, stack, event=None)])
    return definition.id, stack


def test_a_password_given_as_a_parameter_is_not_in_the_file(tmp_path: Path) -> None:
    with databases.opened(databases.sqlite(tmp_path)) as database:
        fill(database)
        open_files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    closed_file = (tmp_path / "isotherm.db").read_bytes()

    for content in (open_files, closed_file):
        assert b"findable" in content  # we do look at the right bytes
        assert PASSWORD.encode() not in content
        assert PASSWORD.encode("utf-16-le") not in content


def test_a_password_given_as_a_parameter_is_in_no_column(database: Database) -> None:
    fill(database)

    with database.read() as tx:
        for table in ("definition", "stack", "resource", "event"):
            for row in tx.connection.exec_driver_sql(f"SELECT * FROM {table}"):
                assert not any(PASSWORD in str(value) for value in row)


def test_keys_rotate(url: str) -> None:
    old, new = databases.KEY, b"the key that comes after the one"
    with databases.opened(url, [old]) as database:
        definition_id, stack = fill(database)

    with databases.opened(url, [new, old]) as database, database.write() as tx:
        assert templates.load(tx, definition_id).environment == {"parameters": {"password": PASSWORD}}
        (row,) = resources.of_stack(tx, stack.id)
        held = stored.locks.current(tx, stack.id)
        assert held is not None
        assert walks.apply(tx, [stored.step(held, row, stack)]) == [True]

    with databases.opened(url, [new]) as database, database.read() as tx:
        (row,) = resources.of_stack(tx, stack.id)
        assert row.reference == PASSWORD
        with pytest.raises(EngineError) as refused:
            templates.load(tx, definition_id)  # written before the rotation, and the old key is gone

    assert refused.value.code is Code.INVALID_ENCRYPTION_KEY


def test_a_wrong_key_says_so(url: str) -> None:
    with databases.opened(url) as database:
        definition_id, stack = fill(database)

    with databases.opened(url, [b"not the key" + b"!" * 21]) as database, database.read() as tx:
        for read in (
            lambda: templates.load(tx, definition_id),
            lambda: resources.of_stack(tx, stack.id),
            lambda: events.page(tx, events.EventQuery(stack_id=stack.id)),
        ):
            with pytest.raises(EngineError) as refused:
                read()

            assert refused.value.code is Code.INVALID_ENCRYPTION_KEY


def test_a_secret_cannot_be_moved_to_another_row(database: Database) -> None:
    _, stack = fill(database)
    with database.write() as tx:
        own, lock = stored.walked(tx)
        walks.apply(tx, [stored.step(lock, stored.resource(own), own)])
        move = "UPDATE resource SET secret = (SELECT secret FROM resource WHERE stack_id = '{}') WHERE stack_id = '{}'"
        tx.connection.exec_driver_sql(move.format(stack.id, own.id))

    with pytest.raises(EngineError) as refused:
        stored.stored(database, own)

    assert refused.value.code is Code.INVALID_ENCRYPTION_KEY
