"""The floor of walks: one compare-and-set UPDATE of a resource and one INSERT of its event per commit.

Plain SQLAlchemy Core on the engine's own tables, in an SQLite file with the engine's own settings (WAL,
synchronous=FULL). Each commit waits for the disk by itself. The engine commits the steps of many visits at
once, so it can be quicker than this floor per resource, though it makes two such steps for each: that is what
group commit is for.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, insert, update

from engine.model.ids import DefinitionId, EventId, ResourceId, StackId
from engine.model.records import Definition, EventRecord, ResourceRecord, StackRecord
from engine.model.states import Action, Status
from engine.store import database, resources, stacks, templates
from engine.store.crypto import KEY_BYTES
from engine.store.tables.declarative import Base, table_of
from engine.store.tables.events import EventRow
from engine.store.tables.resources import ResourceRow

_ROWS = 100
_RESOURCE = table_of(ResourceRow)
_EVENT = table_of(EventRow)
_COMPARE_AND_SET = (
    update(_RESOURCE)
    .where(_RESOURCE.c.id == bindparam("of"), _RESOURCE.c.version == bindparam("based_on"))
    .values(
        action=bindparam("to_action"),
        status=bindparam("to_status"),
        updated_time=bindparam("at"),
        secret=bindparam("sealed"),
        version=bindparam("based_on") + 1,
    )
)
_INSERT = insert(_EVENT)


@dataclass(slots=True, eq=False)
class Commits:
    """A database to commit to, and where it stands."""

    connection: Connection
    stack: StackRecord
    rows: list[ResourceId]
    done: int = 0

    def milliseconds_each(self, count: int) -> float:
        """Make so many commits and return what each took."""
        began = time.perf_counter()
        for _ in range(count):
            self._commit()
        return (time.perf_counter() - began) * 1000 / count

    def _commit(self) -> None:
        lap, row = divmod(self.done, len(self.rows))
        self.done += 1
        now = datetime.now(UTC)
        change = {
            "of": self.rows[row],
            "based_on": lap + 1,
            "to_action": "CREATE",
            "to_status": "COMPLETE",
            "at": now,
            "sealed": bytes(120),
        }
        with self.connection.begin():
            if self.connection.execute(_COMPARE_AND_SET, change).rowcount != 1:
                raise AssertionError("the floor lost a race that nobody else runs")
            self.connection.execute(_INSERT, self._event(now))

    def _event(self, now: datetime) -> dict[str, Any]:
        event = EventRecord(
            id=EventId(str(uuid.uuid4())),
            stack_id=self.stack.id,
            stack_name=self.stack.name,
            project=self.stack.project,
            root_id=self.stack.id,
            time=now,
            resource_name="r0001",
            resource_type="OS::Heat::RandomString",
            action=Action.CREATE,
            status=Status.COMPLETE,
            reason="state changed",
        )
        return {
            "id": event.id,
            "stack_id": event.stack_id,
            "sequence": self.done,
            "root_id": event.root_id,
            "stack_name": event.stack_name,
            "project": event.project,
            "time": event.time,
            "resource_name": event.resource_name,
            "resource_type": event.resource_type,
            "action": str(event.action),
            "status": event.status.value,
            "reason": event.reason,
            "physical_id": None,
            "resource_id": None,
            "properties": bytes(60),
        }


@contextmanager
def bare_commits(file: Path) -> Iterator[Commits]:
    """Yield a new database with a stack and some resources to commit to."""
    db = database.Database.open(f"sqlite:///{file}", [secrets.token_bytes(KEY_BYTES)])
    try:
        Base.metadata.create_all(db.engine)
        stack, rows = _stored(db)
        # Not the writer of the store, which begins transactions by hand: what a plain program would write.
        connection = db.engine.connect().execution_options(isolation_level="SERIALIZABLE")
        try:
            yield Commits(connection, stack, rows)
        finally:
            connection.close()
    finally:
        db.close()


def _stored(db: database.Database) -> tuple[StackRecord, list[ResourceId]]:
    now = datetime.now(UTC)
    definition = Definition(DefinitionId(str(uuid.uuid4())), template="heat_template_version: 2015-10-15\n")
    stack = StackRecord(
        id=StackId(str(uuid.uuid4())),
        name="floor",
        project="default",
        action=Action.CREATE,
        status=Status.IN_PROGRESS,
        reason="",
        definition_id=definition.id,
        created_time=now,
    )
    records = [
        ResourceRecord(
            id=ResourceId(str(uuid.uuid4())),
            stack_id=stack.id,
            name=f"r{number:04}",
            type="OS::Heat::RandomString",
            implementation="OS::Heat::RandomString",
            action=Action.CREATE,
            status=Status.IN_PROGRESS,
            reason="state changed",
            created_time=now,
        )
        for number in range(_ROWS)
    ]
    with db.write() as tx:
        templates.save(tx, definition)
        stacks.insert(tx, stack)
        tx.connection.execute(insert(_RESOURCE), [resources.values(tx, record) for record in records])
    return stack, [record.id for record in records]
