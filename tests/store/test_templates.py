"""Definitions: texts once, swept when nothing refers to them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event

from engine.model.ids import DefinitionId
from engine.store import stacks, templates, walks
from engine.store.database import Database, retrying
from kit import databases, stored

BODY = "heat_template_version: 2021-04-16\n# ünïcode \N{SNOWMAN}\n"


def rows(database: Database, table: str) -> int:
    with database.read() as tx:
        number: int = tx.connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
        return number


def test_a_definition_comes_back_as_it_was_saved(database: Database) -> None:
    definition = stored.definition(
        template=BODY,
        files={"z.yaml": "z", "https://example.org/" + "long/" * 400: "a", "empty": "", "copy of z": "z"},
        environment={"parameters": {"n": 2**60, "list": [1, None]}, "resource_registry": {}},
    )
    with database.write() as tx:
        templates.save(tx, definition)
    with database.read() as tx:
        found = templates.load(tx, definition.id)

    assert found == definition
    assert list(found.files) == list(definition.files)


def test_a_definition_is_loaded_in_two_statements(database: Database) -> None:
    definition = stored.definition(files={f"{n}.yaml": str(n) for n in range(50)})
    with database.write() as tx:
        templates.save(tx, definition)

    with databases.statements(database) as seen, database.read() as tx:
        templates.load(tx, definition.id)

    assert len(seen) == 2


def test_an_environment_is_read_alone_in_one_statement(database: Database) -> None:
    definition = stored.definition(environment={"event_sinks": [{"type": "log"}]}, files={"a": "b"})
    with database.write() as tx:
        templates.save(tx, definition)

    with databases.statements(database) as seen, database.read() as tx:
        assert templates.environment(tx, definition.id) == definition.environment
    assert len(seen) == 1


def test_many_definitions_are_loaded_in_two_statements(database: Database) -> None:
    saved = [
        stored.definition(files={"a": "shared", str(n): str(n)}, environment={"parameters": {"n": n}}) for n in range(5)
    ]
    with database.write() as tx:
        for definition in saved:
            templates.save(tx, replace(definition, restored={"it": {"resource_id": definition.id}}))
        templates.save(tx, stored.definition())

    with databases.statements(database) as seen, database.read() as tx:
        found = templates.load_some(tx, [*(one.id for one in saved), DefinitionId("unknown")])
        assert templates.load_some(tx, []) == {}

    assert found == {one.id: replace(one, restored={"it": {"resource_id": one.id}}) for one in saved}
    assert len(seen) == 2


def test_an_unknown_definition_is_a_key_error(database: Database) -> None:
    with pytest.raises(KeyError), database.read() as tx:
        templates.load(tx, DefinitionId("unknown"))
    with pytest.raises(KeyError), database.read() as tx:
        templates.environment(tx, DefinitionId("unknown"))


def test_two_stacks_of_one_template_store_it_once(database: Database) -> None:
    with database.write() as tx:
        for _ in range(2):
            definition = stored.definition(template=BODY, files={"a": "shared", "b": BODY})
            templates.save(tx, definition)
            stored.inserted(tx, definition_id=definition.id)

    assert rows(database, "definition") == 2
    assert rows(database, "content") == 2


def test_the_same_texts_may_be_saved_at_the_same_time(database: Database) -> None:
    files = {str(n): f"text {n}" for n in range(10)}

    def save(number: int) -> None:
        order = files if number % 2 else dict(reversed(files.items()))
        retrying(database, lambda tx: templates.save(tx, stored.definition(files=order)))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(save, range(12)))

    assert rows(database, "definition") == 12
    assert rows(database, "content") == 11


def test_sweeping_keeps_what_is_referred_to(database: Database) -> None:
    kinds = ("target", "complete", "converged", "loose")
    saved = {kind: stored.definition(template=kind, files={"f": f"file of {kind}"}) for kind in kinds}
    with database.write() as tx:
        for definition in saved.values():
            templates.save(tx, definition)
        stack, lock = stored.walked(tx, definition_id=saved["target"].id, complete_definition_id=saved["complete"].id)
        row = stored.resource(stack, definition_id=saved["converged"].id)
        walks.apply(tx, [stored.step(lock, row, stack)])

    with database.write() as tx:
        assert templates.sweep(tx) == 1
        assert templates.sweep(tx) == 0
    with database.read() as tx:
        for kind in ("target", "complete", "converged"):
            assert templates.load(tx, saved[kind].id) == saved[kind]
        with pytest.raises(KeyError):
            templates.load(tx, saved["loose"].id)
    assert rows(database, "content") == 6


def test_sweeping_keeps_a_text_that_another_definition_shares(database: Database) -> None:
    kept, loose = (stored.definition(template="shared", files={"f": "shared file"}) for _ in range(2))
    with database.write() as tx:
        templates.save(tx, kept)
        templates.save(tx, loose)
        stored.inserted(tx, definition_id=kept.id)

    with database.write() as tx:
        assert templates.sweep(tx) == 1

        assert templates.load(tx, kept.id) == kept


def test_a_deleted_stack_keeps_its_template(database: Database) -> None:
    with database.write() as tx:
        stack, lock = stored.walked(tx)
        gone = replace(stack, deleted_time=stored.at(1))
        stacks.finish(tx, lock, stacks.Ending(gone, None, expected=stack.traversal, release=True))

        assert templates.sweep(tx) == 0


def test_a_save_whose_text_is_swept_meanwhile_is_done_again(postgresql_url: str) -> None:
    with databases.opened(databases.emptied(postgresql_url)) as database:
        known = stored.definition()
        with database.write() as tx:
            templates.save(tx, known)
        swept: list[int] = []

        def sweep(*about: Any) -> None:
            if "INTO content" in about[2] and not swept:
                swept.append(0)
                swept[0] = retrying(database, templates.sweep)

        event.listen(database.engine, "after_cursor_execute", sweep)
        again = replace(known, id=DefinitionId("again"))
        retrying(database, lambda tx: templates.save(tx, again))

        assert swept == [1]
        with database.read() as tx:
            assert templates.load(tx, again.id) == again
