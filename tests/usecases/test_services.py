from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from engine.model.errors import Code, EngineError
from engine.model.ids import EngineId
from engine.model.records import Caller, ServiceRecord
from engine.store import services as store
from engine.store.database import Database
from engine.usecases.services import Services
from kit import databases, stored

OPERATOR = Caller("default", roles=frozenset({"admin"}))


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with databases.opened(databases.sqlite(tmp_path)) as database:
        yield database


def reported(db: Database, name: str, *, seconds_ago: float = 0) -> None:
    """Store the report of an engine, made so long ago by the clock of the database."""
    record = ServiceRecord(EngineId(name), "h", "h", "isotherm-engine", "engine", 60, stored.START)
    with db.write() as tx:
        store.report(tx, record)
        if seconds_ago:
            shift = f"strftime('%Y-%m-%d %H:%M:%f', updated_time, '-{seconds_ago} seconds')"
            tx.connection.execute(text(f"UPDATE service SET updated_time = {shift} WHERE engine_id = '{name}'"))


@pytest.mark.parametrize(
    ("seconds_ago", "is_up"),
    [
        pytest.param(0, True, id="just now"),
        pytest.param(110, True, id="one missed"),
        pytest.param(130, False, id="two"),
    ],
)
def test_an_engine_that_missed_two_reports_is_down(db: Database, seconds_ago: float, is_up: bool) -> None:
    reported(db, "e", seconds_ago=seconds_ago)

    ((view,), _) = Services(db).list(OPERATOR)

    assert view.is_up is is_up


def test_an_engine_that_signed_off_is_not_listed(db: Database) -> None:
    reported(db, "here")
    reported(db, "gone")
    with db.write() as tx:
        store.retire(tx, EngineId("gone"))

    assert [view.service.engine_id for view in Services(db).list(OPERATOR)[0]] == ["here"]


def test_engines_come_in_pages(db: Database) -> None:
    for name in ("a", "b", "c"):
        reported(db, name)
    first, marker = Services(db).list(OPERATOR, limit=2)
    rest, end = Services(db).list(OPERATOR, limit=2, marker=marker)

    assert [view.service.engine_id for view in (*first, *rest)] == ["a", "b", "c"]
    assert (marker, end) == ("b", "")


def test_engines_are_for_administrators(db: Database) -> None:
    with pytest.raises(EngineError) as refused:
        Services(db).list(Caller("default"))

    assert refused.value.code is Code.FORBIDDEN


def test_the_local_backend_accepts_whoever_is_let_in(db: Database) -> None:
    assert Services(db).authenticated_to_backend(Caller("p"))
