"""The same request many times at once, on every database: all have asked whether it was answered before any is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.model.errors import Code, EngineError
from engine.model.records import Caller, Json, StackRecord
from engine.store import migrate, stacks
from engine.store.database import Database, Tx, retrying
from engine.store.stacks import StackQuery
from engine.usecases.once import Once
from kit import databases, stored
from kit.bench import PATIENCE

CALLERS = 4


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        with databases.opened(databases.sqlite(tmp_path)) as opened:
            yield opened
    else:
        with databases.postgresql_database() as url:
            migrate.upgrade(url)
            with databases.opened(url) as opened:
                yield opened


def race(database: Database, *bodies: str) -> list[Json | EngineError]:
    """Return what each is answered who creates the one stack, with its body, under the same request id."""
    barrier = threading.Barrier(len(bodies))

    def store(tx: Tx) -> StackRecord:
        return stored.inserted(tx, name="s")

    def create(body: str) -> Json | EngineError:
        once = Once.of(Caller("p"), "CreateStack", body, "the same")

        def work() -> Json:
            barrier.wait(PATIENCE)
            return retrying(database, once.kept(store, lambda stack: stack.id)).id

        try:
            return once.answer(database, work)
        except EngineError as refused:
            return refused

    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(create, bodies))


def test_all_get_the_answer_of_the_one_that_came_through(database: Database) -> None:
    answers = race(database, *["body"] * CALLERS)

    assert len(set(answers)) == 1
    with database.read() as tx:
        assert stacks.count(tx, StackQuery("p")) == 1
        assert stacks.by_name(tx, "p", "s").id == answers[0]


def test_another_body_under_the_id_of_the_one_that_came_through_is_told_so(database: Database) -> None:
    answers = race(database, "body", "another")
    refused = [answer for answer in answers if isinstance(answer, EngineError)]

    assert [error.code for error in refused] == [Code.REQUEST_ID_REUSED]
