"""The lock of a stack: one owner at a time, stolen from the dead only, and a fence that rises with every owner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from engine.model.errors import ActionInProgress, Code, EngineError
from engine.model.ids import EngineId
from engine.model.records import StackRecord
from engine.model.states import Action, Status
from engine.runtime.stack_lock import StackLock
from engine.store import locks, stacks
from engine.store.database import Database
from kit import databases, stored

ONE, TWO, THREE = EngineId("one"), EngineId("two"), EngineId("three")


@dataclass
class Engines:
    """Which engines live; asking may be when something else happens."""

    alive: set[EngineId] = field(default_factory=set)
    asked: list[EngineId] = field(default_factory=list)
    meanwhile: object = None

    def is_alive(self, engine_id: EngineId) -> bool:
        self.asked.append(engine_id)
        if callable(self.meanwhile):
            self.meanwhile()
        return engine_id in self.alive


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with databases.opened(databases.sqlite(tmp_path)) as database:
        yield database


@pytest.fixture
def stack(db: Database) -> StackRecord:
    with db.write() as tx:
        return stored.inserted(tx, name="web")


@pytest.fixture
def engines() -> Engines:
    return Engines()


class LockOf:
    """Makes the lock of the stack as an engine sees it."""

    def __init__(self, db: Database, engines: Engines, stack: StackRecord) -> None:
        self.db, self.engines, self.stack = db, engines, stack

    def __call__(self, engine: EngineId) -> StackLock:
        return StackLock(self.db, self.engines.is_alive, self.stack.id, engine)


@pytest.fixture
def lock_of(db: Database, engines: Engines, stack: StackRecord) -> LockOf:
    return LockOf(db, engines, stack)


def test_a_new_lock_is_acquired_and_nobody_is_asked(lock_of: LockOf, engines: Engines) -> None:
    lock = lock_of(ONE)
    held = lock.acquire()

    assert (held.engine_id, lock.held, lock.get_engine_id()) == (ONE, held, ONE)
    assert engines.asked == []


def test_a_lock_that_we_hold_ourselves_is_refused(lock_of: LockOf, engines: Engines) -> None:
    lock_of(ONE).acquire()
    with pytest.raises(ActionInProgress) as refused:
        lock_of(ONE).acquire()

    assert str(refused.value) == 'Stack "web" already has an action (CREATE) in progress.'
    assert refused.value.fields == {"stack_name": "web", "action": "CREATE"}
    assert engines.asked == [], "we know that we live"


def test_a_lock_of_the_living_is_refused(lock_of: LockOf, engines: Engines) -> None:
    engines.alive.add(ONE)
    lock_of(ONE).acquire()
    other = lock_of(TWO)
    with pytest.raises(ActionInProgress):
        other.acquire()

    assert (other.held, other.get_engine_id(), engines.asked) == (None, ONE, [ONE])


def test_a_lock_of_the_dead_is_stolen_and_the_fence_rises(lock_of: LockOf, engines: Engines) -> None:
    first = lock_of(ONE).acquire()
    second = lock_of(TWO).acquire()

    assert (second.engine_id, second.fence > first.fence, engines.asked) == (TWO, True, [ONE])


def test_the_fence_rises_with_every_owner_also_after_a_release(lock_of: LockOf) -> None:
    fences = []
    for engine in (ONE, TWO, ONE, ONE):
        lock = lock_of(engine)
        fences.append(lock.acquire().fence)
        lock.release()

    assert fences == sorted(set(fences))


def test_a_dead_owner_that_is_robbed_by_another_first_is_asked_about_once_more_and_no_more(
    lock_of: LockOf, engines: Engines
) -> None:
    """Lost the race for the lock of the dead: the new owner lives, so we are refused."""
    lock_of(ONE).acquire()
    engines.alive.add(THREE)

    def rob() -> None:
        engines.meanwhile = None
        lock_of(THREE).acquire()

    engines.meanwhile = rob
    with pytest.raises(ActionInProgress):
        lock_of(TWO).acquire()

    assert lock_of(TWO).get_engine_id() == THREE


def test_a_lock_released_while_it_is_stolen_is_tried_once_more(lock_of: LockOf, engines: Engines) -> None:
    owner = lock_of(ONE)
    owner.acquire()
    engines.meanwhile = owner.release

    assert lock_of(TWO).acquire().engine_id == TWO


def test_a_lock_released_while_it_is_stolen_is_not_tried_again_without_retry(lock_of: LockOf, engines: Engines) -> None:
    owner = lock_of(ONE)
    owner.acquire()
    engines.meanwhile = owner.release
    with pytest.raises(ActionInProgress):
        lock_of(TWO).acquire(retry=False)


def test_a_lock_that_changes_hands_all_the_time_is_given_up_after_one_retry(lock_of: LockOf, engines: Engines) -> None:
    def change_hands() -> None:
        holder = lock_of(ONE).get_engine_id()
        with lock_of.db.write() as tx:
            locks.steal(tx, lock_of.stack.id, holder=holder, by=THREE if holder == ONE else ONE)

    lock_of(ONE).acquire()
    engines.meanwhile = change_hands
    with pytest.raises(ActionInProgress):
        lock_of(TWO).acquire()

    assert len(engines.asked) == 2


def test_try_acquire_tells_the_owner_and_steals_nothing(lock_of: LockOf, engines: Engines) -> None:
    lock = lock_of(ONE)

    assert lock.try_acquire() is None
    assert lock_of(TWO).try_acquire() == ONE
    assert lock_of(ONE).try_acquire() == ONE
    assert engines.asked == []
    assert lock.get_engine_id() == ONE


def test_release_frees_only_our_own(lock_of: LockOf) -> None:
    robbed = lock_of(ONE)
    robbed.acquire()
    thief = lock_of(TWO)
    thief.acquire()

    assert robbed.release() is False
    assert thief.get_engine_id() == TWO
    assert thief.release() is True
    assert thief.release() is False, "gone already is no error"
    assert thief.get_engine_id() is None


def test_a_thread_lock_is_kept_at_a_normal_exit(lock_of: LockOf) -> None:
    with lock_of(ONE).thread_lock() as held:
        assert held.engine_id == ONE

    assert lock_of(ONE).get_engine_id() == ONE


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_thread_lock_is_released_if_the_block_raises(lock_of: LockOf, error: type[BaseException]) -> None:
    with pytest.raises(error), lock_of(ONE).thread_lock():
        raise error

    assert lock_of(ONE).get_engine_id() is None


def test_a_thread_lock_that_is_refused_leaves_the_owner_alone(lock_of: LockOf, engines: Engines) -> None:
    engines.alive.add(ONE)
    lock_of(ONE).acquire()
    with pytest.raises(ActionInProgress), lock_of(TWO).thread_lock():
        pytest.fail("the block must not run")

    assert lock_of(ONE).get_engine_id() == ONE


def fails_within(lock: StackLock) -> EngineId | None:
    """Raise in the scope of a try_thread_lock; return the owner that it told."""
    told: list[EngineId | None] = []

    def work() -> None:
        with lock.try_thread_lock() as owner:
            told.append(owner)
            raise LookupError

    with pytest.raises(LookupError):
        work()
    return told[0]


def test_a_try_thread_lock_is_released_on_an_exception_only_if_it_was_acquired_here(lock_of: LockOf) -> None:
    assert fails_within(lock_of(ONE)) is None
    assert lock_of(ONE).get_engine_id() is None

    lock_of(TWO).acquire()

    assert fails_within(lock_of(ONE)) == TWO
    assert lock_of(ONE).get_engine_id() == TWO


def test_the_lock_of_a_stack_that_was_deleted_meanwhile_says_so(
    lock_of: LockOf, engines: Engines, stack: StackRecord
) -> None:
    engines.alive.add(ONE)
    held = lock_of(ONE).acquire()
    deleted = replace(stack, action=Action.DELETE, status=Status.COMPLETE, deleted_time=stored.START)
    with lock_of.db.write() as tx:
        assert stacks.finish(tx, held, stacks.Ending(deleted, None, expected=stack.traversal, release=False))
    with pytest.raises(EngineError) as refused:
        lock_of(TWO).acquire()

    assert refused.value.code is Code.STACK_NOT_FOUND
