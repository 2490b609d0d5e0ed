"""Transactions: all or nothing, one snapshot, events after the commit."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.model.errors import Code, EngineError
from engine.model.records import EventRecord
from engine.store import database as module
from engine.store import events, stacks
from engine.store.database import Database, Disturbed, Tx, retrying
from kit import databases, stored


def count(database: Database) -> int:
    with database.read() as tx:
        return stacks.count(tx, stacks.StackQuery(project=None))


def test_a_block_that_raises_leaves_nothing(database: Database) -> None:
    def work(tx: Tx) -> None:
        stored.inserted(tx)
        raise LookupError

    with pytest.raises(LookupError):
        retrying(database, work)

    assert count(database) == 0


def test_a_reader_sees_one_snapshot(database: Database) -> None:
    with database.read() as tx:
        before = stacks.count(tx, stacks.StackQuery(project=None))
        with database.write() as writer:
            stored.inserted(writer)
        after = stacks.count(tx, stacks.StackQuery(project=None))

    assert (before, after, count(database)) == (0, 0, 1)


def test_readers_and_a_writer_do_not_wait_for_each_other(database: Database) -> None:
    with database.write() as tx:
        stored.inserted(tx)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(count, database).result(timeout=10) == 0


def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(EngineError), database.read() as tx:
        stored.inserted(tx)


def test_readers_do_not_pile_up(sqlite_database: Database) -> None:
    for _ in range(5):
        count(sqlite_database)
    with pytest.raises(LookupError), sqlite_database.read():
        raise LookupError
    count(sqlite_database)

    assert len(sqlite_database._readers) == 1


def test_many_threads_write_and_nothing_is_lost(database: Database) -> None:
    def insert(_number: int) -> None:
        retrying(database, stored.inserted)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(insert, range(40)))

    assert count(database) == 40


def test_events_are_published_after_the_commit_and_outside_the_lock(url: str) -> None:
    published: list[Sequence[EventRecord]] = []

    def listen(batch: Sequence[EventRecord]) -> None:
        with database.write() as tx:  # would wait forever if the lock were still held
            seen = events.get(tx, batch[0].id)
        assert seen == batch[0]
        published.append(batch)

    with databases.opened(url, published=listen) as database, database.write() as tx:
        stack = stored.inserted(tx)
        first = events.append(tx, stored.event(stack))
        second = events.append(tx, stored.event(stack))
        assert published == []

    assert published == [[first, second]]


def test_events_of_a_block_that_raises_are_not_published(url: str) -> None:
    published: list[Sequence[EventRecord]] = []

    def work(tx: Tx) -> None:
        events.append(tx, stored.event(stored.inserted(tx)))
        raise LookupError

    with databases.opened(url, published=published.append) as database, pytest.raises(LookupError):
        retrying(database, work)

    assert published == []


def test_now_is_the_same_for_a_transaction_and_close_to_ours(database: Database) -> None:
    with database.write() as tx:
        first, second = tx.now(), tx.now()

    assert first == second
    assert first.tzinfo is UTC
    assert abs(datetime.now(UTC) - first) < timedelta(minutes=5)


def test_a_text_that_no_database_takes_is_the_fault_of_who_gave_it(database: Database) -> None:
    with pytest.raises(EngineError) as looked_up, database.read() as tx:
        stacks.by_name(tx, "p", "a\0b")
    with pytest.raises(EngineError) as written, database.write() as tx:
        stored.inserted(tx, name="a\0b")

    assert [one.value.code for one in (looked_up, written)] == [Code.INVALID_ARGUMENT] * 2
    assert "NUL" in str(looked_up.value)
    assert count(database) == 0


def test_a_text_that_is_too_long_for_a_server_is_the_fault_of_who_gave_it(postgresql_url: str) -> None:
    with databases.opened(databases.emptied(postgresql_url)) as database:
        with pytest.raises(EngineError) as refused, database.write() as tx:
            stored.inserted(tx, name="a" * 256)

        assert refused.value.code is Code.INVALID_ARGUMENT
        assert count(database) == 0


def fails(times: int, error: Exception) -> tuple[list[int], object]:
    calls: list[int] = []

    def work(tx: Tx) -> str:
        stored.inserted(tx)
        calls.append(1)
        if len(calls) <= times:
            raise error
        return "done"

    return calls, work


def test_disturbed_work_is_done_again_and_lands_once(database: Database) -> None:
    calls, work = fails(4, Disturbed(Code.CONCURRENT_TRANSACTION, "again"))

    assert retrying(database, work) == "done"  # type: ignore[arg-type]
    assert (len(calls), count(database)) == (5, 1)


def test_work_that_is_disturbed_five_times_is_given_up(database: Database) -> None:
    calls, work = fails(5, Disturbed(Code.CONCURRENT_TRANSACTION, "again"))

    with pytest.raises(Disturbed):
        retrying(database, work)  # type: ignore[arg-type]

    assert (len(calls), count(database)) == (5, 0)


def test_work_that_is_refused_is_not_done_again(database: Database) -> None:
    calls, work = fails(1, EngineError(Code.STACK_EXISTS, "no"))

    with pytest.raises(EngineError):
        retrying(database, work)  # type: ignore[arg-type]

    assert len(calls) == 1


def test_a_deadlock_is_a_disturbance(postgresql_url: str) -> None:
    """Two that lock two stacks crosswise: the database ends one, which is done again and lands."""
    with databases.opened(databases.emptied(postgresql_url)) as database:
        with database.write() as tx:
            one, two = stored.inserted(tx), stored.inserted(tx)
        both_hold_one = threading.Barrier(2)
        met: list[None] = []

        def append(order: Sequence[stored.StackRecord]) -> None:
            def work(tx: Tx) -> None:
                events.append(tx, stored.event(order[0]))
                if len(met) < 2:
                    met.append(None)
                    both_hold_one.wait(10)
                events.append(tx, stored.event(order[1]))

            retrying(database, work)

        with ThreadPoolExecutor(2) as pool:
            done = [pool.submit(append, order) for order in ((one, two), (two, one))]

        assert [future.exception() for future in done] == [None, None]
        with database.read() as tx:
            for stack in (one, two):
                written = events.page(tx, events.EventQuery(stack_id=stack.id))
                assert sorted(event.sequence for event in written) == [1, 2]


def test_connections_that_were_cut_are_replaced_and_nobody_notices(postgresql_url: str) -> None:
    with databases.opened(databases.emptied(postgresql_url)) as database:
        with database.read() as tx:
            pid = tx.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with databases.opened(postgresql_url) as other, other.write() as tx:
            tx.connection.exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 5000)")

        assert count(database) == 0


def test_a_connection_cut_in_the_middle_is_a_disturbance(postgresql_url: str) -> None:
    with databases.opened(databases.emptied(postgresql_url)) as database:
        cut: list[None] = []

        def work(tx: Tx) -> None:
            stored.inserted(tx)
            if not cut:
                cut.append(None)
                pid = tx.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
                with databases.opened(postgresql_url) as other, other.write() as killer:
                    killer.connection.exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 5000)")
            stored.inserted(tx)

        retrying(database, work)

        assert count(database) == 2


def test_a_file_that_another_process_writes_is_a_disturbance(sqlite_database: Database) -> None:
    path = sqlite_database.engine.url.database
    assert path is not None
    with sqlite_database.write() as tx:
        tx.connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(Disturbed) as disturbed, sqlite_database.write():
        pass
    other.execute("ROLLBACK")
    other.close()

    assert disturbed.value.code is Code.CONCURRENT_TRANSACTION
    assert count(sqlite_database) == 0
    with sqlite_database.write() as tx:
        stored.inserted(tx)
    assert count(sqlite_database) == 1


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("postgresql://nobody@127.0.0.1:1/none", id="a server that is not there"),
        pytest.param("sqlite:////proc/isotherm.db", id="a folder that takes no file"),
    ],
)
def test_a_database_that_cannot_be_reached_is_unavailable(url: str) -> None:
    with pytest.raises(EngineError) as refused, databases.opened(url) as database, database.read():
        pass

    assert refused.value.code is Code.DATABASE_UNAVAILABLE


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("nonsense", id="no URL"),
        pytest.param("oracle://host/name", id="an unknown kind"),
        pytest.param("sqlite://", id="in memory"),
        pytest.param("sqlite:///:memory:", id="in memory, by name"),
    ],
)
def test_a_url_that_names_no_database_is_refused(url: str) -> None:
    with pytest.raises(EngineError) as refused:
        Database.open(url, [databases.KEY])

    assert refused.value.code is Code.INVALID_ARGUMENT


def test_drivers_are_filled_in() -> None:
    urls = ("postgresql://h/d", "postgres://h/d", "mysql://h/d")

    drivers = [module.backends.parse_url(url).drivername for url in urls]

    assert drivers == ["postgresql+psycopg", "postgresql+psycopg", "mysql+pymysql"]


def test_an_sqlite_file_is_its_owners_and_durable(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    with databases.opened(f"sqlite:///{path}") as database, database.read() as tx:
        pragmas = [
            tx.connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]

    assert pragmas == ["wal", 2, 1, 15000]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
