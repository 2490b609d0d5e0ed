"""Locks: one owner at a time, and a fence that only rises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.model.ids import EngineId, StackId, TraversalId
from engine.model.records import Lock
from engine.store import events, locks
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


def test_a_lock_is_seized_from_whoever_holds_it(database: Database) -> None:
    with database.write() as tx:
        stack, lock = stored.walked(tx)

        assert locks.seize(tx, stack.id, THREE) == Lock(stack.id, THREE, lock.fence + 1)
        assert locks.hold(tx, lock, None) is None
        assert not locks.release(tx, lock)


@pytest.mark.parametrize("was_held", [False, True])
def test_a_lock_that_nobody_holds_is_seized_too(database: Database, was_held: bool) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx)
        if was_held:
            lock = locks.acquire(tx, stack.id, ONE)
            assert isinstance(lock, Lock)
            locks.release(tx, lock)

        assert locks.seize(tx, stack.id, THREE) == Lock(stack.id, THREE, 1 + was_held)
        assert locks.holder(tx, stack.id) == THREE


def test_there_is_nothing_to_seize_of_a_stack_that_is_gone(database: Database) -> None:
    with database.write() as tx:
        stack = stored.inserted(tx, deleted_time=stored.at(1))

        assert locks.seize(tx, stack.id, ONE) is None
        assert locks.seize(tx, StackId("nowhere"), ONE) is None
        assert locks.current(tx, stack.id) is None


def test_a_turn_is_taken_beside_the_holder_and_may_ask_for_the_walk(database: Database) -> None:
    with database.write() as tx:
        stack, _ = stored.walked(tx)
        events.append(tx, stored.event(stack))

        assert locks.take_turn(tx, stack.id) == 1
        assert locks.take_turn(tx, stack.id, stack.traversal) == 1
        assert locks.take_turn(tx, stack.id, TraversalId("another walk")) is None
        assert locks.take_turn(tx, StackId("nowhere")) is None
