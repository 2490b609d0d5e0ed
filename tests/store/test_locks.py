"""Locks: one owner at a time, and a fence that only rises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from engine.model.ids import EngineId, TraversalId
from engine.model.records import Lock
from engine.store import locks
from engine.store.database import Database, retrying
from kit import stored

ONE, TWO, THREE = EngineId("one"), EngineId("two"), EngineId("three")


def test_a_free_lock_is_acquired(database: Database) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx)

        assert locks.holder(tx, stack.id) is None
        assert locks.current(tx, stack.id) is None
        assert locks.acquire(tx, stack.id, ONE) == Lock(stack.id, ONE, 1)
        assert locks.holder(tx, stack.id) == ONE
        assert locks.current(tx, stack.id) == Lock(stack.id, ONE, 1)


def test_a_held_lock_names_its_holder_even_to_the_holder(database: Database) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx)
        locks.acquire(tx, stack.id, ONE)

        assert locks.acquire(tx, stack.id, TWO) == ONE
        assert locks.acquire(tx, stack.id, ONE) == ONE


def test_the_fence_rises_with_every_owner(database: Database) -> None:
    fences = []
    with database.write() as tx:
        stack = stored.inserted(tx)
        for engine in (ONE, ONE, TWO):
            lock = locks.acquire(tx, stack.id, engine)
            assert isinstance(lock, Lock)
            fences.append(lock.fence)
            assert locks.release(tx, lock)
        locks.acquire(tx, stack.id, ONE)
        stolen = locks.steal(tx, stack.id, holder=ONE, by=THREE)
        assert stolen is not None
        fences.append(stolen.fence)

    assert fences == [1, 2, 3, 5]


def test_only_the_named_holder_is_stolen_from(database: Database) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx)
        locks.acquire(tx, stack.id, ONE)

        assert locks.steal(tx, stack.id, holder=TWO, by=THREE) is None
        assert locks.steal(tx, stack.id, holder=ONE, by=TWO) == Lock(stack.id, TWO, 2)
        assert locks.steal(tx, stack.id, holder=ONE, by=THREE) is None
        assert locks.holder(tx, stack.id) == TWO


def test_a_free_lock_is_not_stolen(database: Database) -> None:
    with database.write() as tx:
        stack, lock = stored.walked(tx)
        locks.release(tx, lock)

        assert locks.steal(tx, stack.id, holder=stored.ENGINE, by=TWO) is None


def test_a_lock_that_was_lost_is_not_released(database: Database) -> None:
    with database.write() as tx:
        stack, lock = stored.walked(tx)
        locks.steal(tx, stack.id, holder=lock.engine_id, by=TWO)

        assert not locks.release(tx, lock)
        assert locks.holder(tx, stack.id) == TWO


def test_a_lock_of_an_earlier_fence_is_not_released(database: Database) -> None:
    with database.write() as tx:
        stack, first = stored.walked(tx)
        locks.release(tx, first)
        locks.acquire(tx, stack.id, first.engine_id)

        assert not locks.release(tx, first)


def test_of_many_that_acquire_together_one_wins(database: Database) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx)

    def acquire(number: int) -> Lock | EngineId:
        return retrying(database, lambda tx: locks.acquire(tx, stack.id, EngineId(f"engine-{number}")))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(acquire, range(8)))

    (winner,) = [answer for answer in answers if isinstance(answer, Lock)]
    assert winner.fence == 1
    assert {answer for answer in answers if not isinstance(answer, Lock)} == {winner.engine_id}


def test_holding_asks_for_lock_and_walk(database: Database) -> None:
    with database.write() as tx:
        stack, lock = stored.walked(tx)

        assert locks.hold(tx, lock, stack.traversal) == 0
        assert locks.hold(tx, lock, None) == 0
        assert locks.hold(tx, lock, TraversalId("another walk")) is None
        assert locks.hold(tx, Lock(stack.id, TWO, 1), None) is None
        assert locks.hold(tx, Lock(stack.id, lock.engine_id, 2), None) is None
