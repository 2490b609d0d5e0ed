"""The journal: many steps in one transaction, each answered for itself, and no error ends it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import DatabaseError

from engine.model.errors import Code, EngineError
from engine.model.records import Lock, StackRecord
from engine.runtime.journal import Journal
from engine.store.database import Database
from kit import databases, stored


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with databases.opened(databases.sqlite(tmp_path)) as database:
        yield database


@pytest.fixture
def journal(db: Database) -> Iterator[Journal]:
    journal = Journal(db)
    journal.start()
    yield journal
    journal.stop()


@pytest.fixture
def walk(db: Database) -> tuple[StackRecord, Lock]:
    with db.write() as tx:
        return stored.walked(tx)


class Commits:
    """Counts the commits of a database; the first can be held up."""

    def __init__(self, db: Database) -> None:
        self.count = 0
        self.gate = threading.Event()
        self.held = threading.Event()
        event.listen(db.engine, "commit", self._committed)

    def _committed(self, _: Connection) -> None:
        self.count += 1
        self.held.set()
        self.gate.wait(10)


def test_what_queues_up_meanwhile_is_one_commit(db: Database, journal: Journal, walk: tuple[StackRecord, Lock]) -> None:
    owner, lock = walk
    commits = Commits(db)
    with ThreadPoolExecutor(33) as pool:
        first = pool.submit(journal.commit, stored.step(lock, stored.resource(owner, "first"), owner))
        assert commits.held.wait(10)
        others = [
            pool.submit(journal.commit, stored.step(lock, stored.resource(owner, f"r{number}"), owner))
            for number in range(32)
        ]
        while journal._inbox.qsize() < 32:
            threading.Event().wait(0)
        commits.gate.set()

        assert [first.result(10), *(other.result(10) for other in others)] == [True] * 33
    assert commits.count == 2
    assert len(stored.stored(db, owner)) == 33


def test_a_commit_is_durable_when_it_is_answered(
    db: Database, journal: Journal, walk: tuple[StackRecord, Lock]
) -> None:
    owner, lock = walk
    row = stored.resource(owner, "web")

    assert journal.commit(stored.step(lock, row, owner)) is True
    assert [one.id for one in stored.stored(db, owner)] == [row.id]


def test_a_step_of_an_old_owner_is_refused_and_those_beside_it_land(
    db: Database, journal: Journal, walk: tuple[StackRecord, Lock]
) -> None:
    owner, lock = walk
    old = replace(lock, fence=lock.fence - 1)
    commits = Commits(db)
    with ThreadPoolExecutor(3) as pool:
        pool.submit(journal.commit, stored.step(lock, stored.resource(owner, "first"), owner))
        assert commits.held.wait(10)
        lost = pool.submit(journal.commit, stored.step(old, stored.resource(owner, "lost"), owner))
        landed = pool.submit(journal.commit, stored.step(lock, stored.resource(owner, "landed"), owner))
        commits.gate.set()

        assert (lost.result(10), landed.result(10)) == (False, True)
    assert sorted(row.name for row in stored.stored(db, owner)) == ["first", "landed"]


def test_a_step_against_an_old_version_is_refused(
    db: Database, journal: Journal, walk: tuple[StackRecord, Lock]
) -> None:
    owner, lock = walk
    row = stored.resource(owner)
    journal.commit(stored.step(lock, row, owner))
    newer = replace(row, version=1, reason="newer")

    assert journal.commit(stored.step(lock, newer, owner)) is True
    assert journal.commit(stored.step(lock, replace(newer, reason="late"), owner)) is False
    assert [one.reason for one in stored.stored(db, owner)] == ["newer"]


def test_an_error_of_the_database_is_told_and_the_next_commit_goes_on(
    db: Database, journal: Journal, walk: tuple[StackRecord, Lock]
) -> None:
    owner, lock = walk

    def refuse(_: Connection, __: object, statement: str, *___: object) -> None:
        if "INSERT INTO resource" in statement:
            raise DatabaseError(statement, None, Exception("the disk is full"))

    event.listen(db.engine, "before_cursor_execute", refuse)
    with pytest.raises(EngineError) as refused:
        journal.commit(stored.step(lock, stored.resource(owner, "web"), owner))
    event.remove(db.engine, "before_cursor_execute", refuse)

    assert refused.value.code in (Code.DATABASE_UNAVAILABLE, Code.INTERNAL)
    assert stored.stored(db, owner) == []
    assert journal.commit(stored.step(lock, stored.resource(owner, "web"), owner)) is True


def test_a_stop_commits_what_was_handed_in_before(db: Database, walk: tuple[StackRecord, Lock]) -> None:
    owner, lock = walk
    journal = Journal(db)
    with ThreadPoolExecutor(8) as pool:
        landed = [
            pool.submit(journal.commit, stored.step(lock, stored.resource(owner, f"r{number}"), owner))
            for number in range(8)
        ]
        while journal._inbox.qsize() < 8:
            threading.Event().wait(0)
        journal.start()
        journal.stop()

        assert [one.result(10) for one in landed] == [True] * 8


def test_a_thousand_steps_of_many_stacks_all_land(db: Database, journal: Journal) -> None:
    with db.write() as tx:
        walks = [stored.walked(tx) for _ in range(10)]
    with ThreadPoolExecutor(16) as pool:
        landed = [
            pool.submit(journal.commit, stored.step(lock, stored.resource(owner, f"r{number}"), owner))
            for number in range(100)
            for owner, lock in walks
        ]

        assert all(one.result(30) for one in landed)
    assert {len(stored.stored(db, owner)) for owner, _ in walks} == {100}
