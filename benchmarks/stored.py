"""Many stacks in a database, copied from one that an engine built.

Written through the store, since ten thousand creations would take minutes and tell nothing that is not
measured elsewhere. A copy has its own definition, resources and events, as a stack that was created; only ids
and names differ.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import insert, update

from engine.model.ids import DefinitionId, EventId, ResourceId, StackId
from engine.model.records import Definition, EventRecord, ResourceRecord, StackRecord
from engine.store import events, resources, stacks, templates
from engine.store.crypto import Keys
from engine.store.database import Database, Tx
from engine.store.tables.declarative import table_of
from engine.store.tables.resources import ResourceRow
from engine.store.tables.stacks import StackRow

_BATCH = 200  # stacks per transaction
_STACK = table_of(StackRow)
_RESOURCE = table_of(ResourceRow)


@dataclass(frozen=True, slots=True)
class _Original:
    stack: StackRecord
    definition: Definition
    rows: Sequence[ResourceRecord]
    history: Sequence[EventRecord]


def copies(file: Path, original: str, count: int) -> list[StackRecord]:
    """Add `count` copies of a stack to the database of an engine that is stopped, and return them."""
    db = Database.open(f"sqlite:///{file}", Keys.from_file(file.with_suffix(".key")))
    try:
        with db.read() as tx:
            found = _original(tx, StackId(original))
        made: list[StackRecord] = []
        while len(made) < count:
            with db.write() as tx:
                batch = range(len(made), min(len(made) + _BATCH, count))
                made += [_copy(tx, found, number) for number in batch]
        return made
    finally:
        db.close()


def rows(file: Path, stack_id: str) -> list[str]:
    """Return the name of every row of a stack, by asking the database itself; its engine may be at work."""
    db = Database.open(f"sqlite:///{file}", Keys.from_file(file.with_suffix(".key")))
    try:
        with db.read() as tx:
            return [row.name for row in resources.of_stack(tx, StackId(stack_id))]
    finally:
        db.close()


def _original(tx: Tx, stack_id: StackId) -> _Original:
    stack = stacks.get(tx, stack_id)
    assert stack is not None
    return _Original(
        stack,
        templates.load(tx, stack.definition_id),
        resources.of_stack(tx, stack_id),
        events.page(tx, events.EventQuery(stack_id=stack_id, sort_dir="asc")),
    )


def _copy(tx: Tx, original: _Original, number: int) -> StackRecord:
    definition = replace(original.definition, id=DefinitionId(_new_id()))
    stack = replace(
        original.stack,
        id=StackId(_new_id()),
        name=f"stored-{number:06}",
        definition_id=definition.id,
        complete_definition_id=definition.id,
        created_time=original.stack.created_time + timedelta(milliseconds=number),
    )
    templates.save(tx, definition)
    stacks.insert(tx, stack)
    ids = {row.id: ResourceId(_new_id()) for row in original.rows}
    rows = [
        replace(
            row,
            id=ids[row.id],
            stack_id=stack.id,
            definition_id=definition.id,
            requires=frozenset(ids[other] for other in row.requires),
        )
        for row in original.rows
    ]
    tx.connection.execute(insert(_RESOURCE), [resources.values(tx, row) for row in rows])
    history = [
        replace(event, id=EventId(_new_id()), stack_id=stack.id, root_id=stack.id, stack_name=stack.name)
        for event in original.history
    ]
    written = len(events.insert_after(tx, 0, history))
    tx.connection.execute(update(_STACK).where(_STACK.c.id == stack.id).values(event_count=written))
    return stack


def _new_id() -> str:
    return str(uuid.uuid4())
