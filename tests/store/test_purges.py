"""What was deleted long ago goes for good, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from engine.model.ids import EngineId, StackId
from engine.model.records import ServiceRecord, StackRecord
from engine.model.states import Action, Status
from engine.store import events, locks, purges, requests, services, stacks, templates
from engine.store.database import Database
from engine.store.purges import Old, Purged
from engine.store.requests import REQUEST
from engine.store.services import SERVICE
from engine.store.stacks import StackQuery
from engine.store.tables.everything import METADATA
from kit import databases, stored

MONTH, YEAR = timedelta(days=30), timedelta(days=365)
OLD = Old(MONTH)


def now(database: Database) -> datetime:
    with database.read() as tx:
        return tx.now()


def stack(database: Database, *, gone: timedelta | None = YEAR, count: int = 1, **changes: Any) -> StackRecord:
    """Return a stack that was deleted so long ago (None: it lives), with tags, a lock and so many events."""
    with database.write() as tx:
        deleted = None if gone is None else tx.now() - gone
        state = {"action": Action.CREATE if gone is None else Action.DELETE, "status": Status.COMPLETE}
        made, _ = stored.walked(tx, deleted_time=deleted, tags=("one", "two"), **{**state, **changes})
        for _ in range(count):
            events.append(tx, stored.event(made))
    return made


def left(database: Database) -> dict[str, int]:
    """Return how many rows each table has, those that have any."""
    with database.read() as tx:
        counts = {
            name: tx.connection.exec_driver_sql(f'SELECT count(*) FROM "{name}"').scalar_one()
            for name in METADATA.tables
        }
    return {name: count for name, count in counts.items() if count}


def there(database: Database) -> set[StackId]:
    with database.read() as tx:
        return {one.id for one in stacks.page(tx, StackQuery(project=None, show_deleted=True, show_nested=True))}


def test_nothing_is_left_of_what_was_deleted_long_ago(database: Database) -> None:
    old = stack(database, count=3)
    snapshot = {"id": stored.new_id(), "stack_id": old.id, "name": "s", "project": "p", "created_time": stored.START}
    about = {"action": "CREATE", "status": "COMPLETE", "reason": "", "data": None}
    part = {"snapshot_id": snapshot["id"], "resource_name": "web", "data": b"sealed"}
    with database.write() as tx:
        tx.connection.execute(insert(purges.SNAPSHOT), {**snapshot, **about})
        tx.connection.execute(insert(METADATA.tables["resource_snapshot"]), part)

    purged = purges.purge(database, OLD)

    assert purged == Purged(stacks=1, events=3, snapshots=1, definitions=1)
    assert left(database) == {}
    with database.read() as tx:
        assert stacks.page(tx, StackQuery(project="p", show_deleted=True, tags=["one"])) == []


def test_what_lives_and_what_was_deleted_lately_stays(database: Database) -> None:
    living, lately = stack(database, gone=None), stack(database, gone=timedelta(days=29))
    before = left(database)

    assert purges.purge(database, OLD) == Purged()
    assert there(database) == {living.id, lately.id}
    assert left(database) == before


def test_nested_stacks_go_with_their_root_or_by_themselves(database: Database) -> None:
    root, living = stack(database), stack(database, gone=None)
    for owner in (root, living):
        stack(database, owner_id=owner.id, root_id=owner.id, nested_depth=1)

    purged = purges.purge(database, OLD)

    assert purged.stacks == 3
    assert there(database) == {living.id}


def test_a_purge_of_one_project_leaves_the_others_alone(database: Database) -> None:
    stack(database, project="p")
    other = stack(database, project="q")

    purged = purges.purge(database, replace(OLD, project="p"))

    assert purged.stacks == 1
    assert there(database) == {other.id}


@pytest.mark.parametrize("batch", [1, 2, 3, 20])
def test_however_many_go_at_a_time_all_of_them_go(database: Database, batch: int) -> None:
    for _ in range(5):
        stack(database, count=2)

    assert purges.purge(database, replace(OLD, batch=batch)) == Purged(stacks=5, events=10, definitions=5)
    assert left(database) == {}


def test_a_batch_is_a_known_number_of_statements(database: Database) -> None:
    ids = [stack(database).id for _ in range(4)]

    with databases.statements(database) as seen, database.write() as tx:
        purges.drop(tx, ids)

    assert len(seen) == 3, "\n".join(seen)


def test_long_histories_go_piece_by_piece(database: Database) -> None:
    stack(database, count=7)

    with databases.statements(database) as seen:
        purged = purges.purge(database, replace(OLD, events=3))

    assert purged.events == 7
    assert len([text for text in seen if text.startswith("DELETE FROM event") and "sequence" in text]) == 3


def test_a_definition_that_a_living_stack_shares_stays(database: Database) -> None:
    body = stored.definition()
    with database.write() as tx:
        templates.save(tx, body)
    stack(database, definition_id=body.id)
    living = stack(database, gone=None, definition_id=body.id)

    assert purges.purge(database, OLD).definitions == 0
    with database.read() as tx:
        assert templates.load(tx, living.definition_id) == body


def test_retired_engines_and_old_answers_go_too(database: Database) -> None:
    moment = now(database)
    with database.write() as tx:
        for name, retired in (("old", YEAR), ("lately", timedelta(days=1)), ("running", None)):
            services.report(tx, ServiceRecord(EngineId(name), "h", "h", "b", "t", 60, moment))
            gone = {"deleted_time": None if retired is None else moment - retired}
            tx.connection.execute(SERVICE.update().where(SERVICE.c.engine_id == name).values(gone))
        for name, age in (("yesterday's", timedelta(hours=25)), ("today's", timedelta(hours=23))):
            requests.remember(tx, "p", name, body_hash="", answer=None)
            asked = REQUEST.c.request_id == name
            tx.connection.execute(REQUEST.update().where(asked).values(created_time=moment - age))

    purged = purges.purge(database, OLD)

    assert (purged.services, purged.requests) == (1, 1)
    with database.read() as tx:
        assert services.get(tx, EngineId("lately")) is not None
        assert services.get(tx, EngineId("running")) is not None
        assert requests.answer(tx, "p", "today's", body_hash="") is not None


def test_a_name_and_a_lock_of_a_purged_stack_are_free(database: Database) -> None:
    old = stack(database, name="web")
    purges.purge(database, OLD)

    with database.write() as tx:
        again = stored.inserted(tx, id=old.id, name="web")

        assert locks.current(tx, again.id) is None
        assert events.append(tx, stored.event(again)).sequence == 1
