"""A database that is away for a moment: what was under way is done again, and nothing is lost or built twice."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from kit.bench import CREATE, PATIENCE
from kit.engine_room import EngineRoom, hot

TIMES = 2  # that a statement is refused, after all that the store tries by itself


class Busy(Exception):
    """What SQLite says of a file on which another process writes."""

    sqlite_errorcode = sqlite3.SQLITE_BUSY


@contextmanager
def away(room: EngineRoom, statement: str, why: Exception) -> Iterator[threading.Semaphore]:
    """Refuse statements that begin so; yield what counts the refusals."""
    refused = threading.Semaphore(0)

    def refuse(_: Connection, __: object, sent: str, *___: object) -> None:
        if sent.startswith(statement):
            refused.release()
            raise OperationalError(sent, None, why)

    event.listen(room.db.engine, "before_cursor_execute", refuse)
    try:
        yield refused
    finally:
        event.remove(room.db.engine, "before_cursor_execute", refuse)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("INSERT INTO resource", id="an intent"),
        pytest.param("UPDATE resource", id="an outcome"),
        pytest.param("UPDATE stack SET live_name", id="the end of the walk"),
    ],
)
@pytest.mark.parametrize(
    ("why", "tries"),
    [pytest.param(Exception("disk I/O error"), 1, id="away"), pytest.param(Busy("locked"), 5, id="busy")],
)
def test_a_create_goes_on_where_it_was_when_the_database_is_back(
    room: EngineRoom, statement: str, why: Exception, tries: int
) -> None:
    room.bench.waits.add((CREATE, "a"))
    identity = room.create("s", hot({"a": {}, "b": {"_depends_on": "a"}}))
    room.bench.until_called(CREATE, "a", times=2)
    with away(room, statement, why) as refused:
        room.bench.waits.clear()
        for _ in range(TIMES * tries):
            assert refused.acquire(timeout=PATIENCE), f"nothing like {statement} was sent"

    assert str(room.wait(identity).state) == "CREATE_COMPLETE"
    assert {row.name for row in room.rows(identity.stack_id)} == {"a", "b"}
    assert set(room.bench.creations.values()) == {1}
    assert room.history(identity) == [
        "s CREATE_IN_PROGRESS",
        "a CREATE_IN_PROGRESS",
        "a CREATE_COMPLETE",
        "b CREATE_IN_PROGRESS",
        "b CREATE_COMPLETE",
        "s CREATE_COMPLETE",
    ]
