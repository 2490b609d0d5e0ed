"""Engines that die, stop, or come back from the dead: the database is the truth, and whoever has the fence walks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.model.ids import StackId
from engine.model.states import Action
from engine.plugin import Context, Outcome, ResourceFailed
from engine.store import locks
from kit.bench import CREATE, DELETE, UPDATE, Bench, Thing
from kit.engine_room import EngineRoom, hot

Rooms = Callable[[], EngineRoom]


@pytest.fixture
def bench() -> Bench:
    """One world: what one engine built, the other finds."""
    return Bench()


def test_a_stack_that_was_stored_and_never_walked_is_walked_by_the_next_engine(tmp_path: Path, bench: Bench) -> None:
    """The engine died between the commit and its first step: it holds the lock and does nothing."""
    dead = EngineRoom(tmp_path, bench=bench)
    identity = dead.create("s", hot({"a": {}, "b": {"_depends_on": "a"}}))
    dead.stop()
    with EngineRoom(tmp_path, bench=bench) as room:
        found = room.machinery.recovery.sweep()

        assert found == 1
        assert str(room.wait(identity).state) == "CREATE_COMPLETE"
        assert sorted(bench.built.values()) == ["a", "b"]
        assert room.machinery.recovery.sweep() == 0


def test_a_stack_of_a_living_engine_is_left_to_it(tmp_path: Path, bench: Bench) -> None:
    holder = EngineRoom(tmp_path, bench=bench)
    identity = holder.create("s", hot({"a": {}}))
    with EngineRoom(tmp_path, bench=bench) as room:
        room.neighbours.alive.add(holder.machinery.engine_id)
        room.machinery.recovery.sweep()
        with room.db.read() as tx:
            owner = locks.holder(tx, identity.stack_id)

        assert room.neighbours.poked == []  # it looks after its own stacks; a poke would only interrupt it
        assert owner == holder.machinery.engine_id
        assert bench.calls == []
    holder.stop()


def test_a_walk_that_was_left_in_the_middle_is_walked_on_and_builds_nothing_twice(tmp_path: Path, bench: Bench) -> None:
    bench.waits.add((CREATE, "slow"))
    with EngineRoom(tmp_path, bench=bench) as room:
        identity = room.create("s", hot({"a": {}, "slow": {"_depends_on": "a"}, "z": {"_depends_on": "slow"}}))
        bench.until_called(CREATE, "slow", times=2)
        room.restart()
        bench.waits.clear()

        assert str(room.wait(identity).state) == "CREATE_COMPLETE"
        assert set(bench.creations.values()) == {1}
        assert {row.name for row in room.rows(identity.stack_id)} == {"a", "slow", "z"}


@pytest.mark.parametrize("action", [Action.UPDATE, Action.DELETE])
def test_an_update_or_delete_that_was_left_in_the_middle_is_walked_on(
    tmp_path: Path, bench: Bench, action: Action
) -> None:
    with EngineRoom(tmp_path, bench=bench) as room:
        identity = room.create("s", hot({"a": {"value": "1"}}))
        room.wait(identity)
        bench.waits.add((action, "a"))
        if action is UPDATE:
            room.update(identity, hot({"a": {"value": "2"}}))
        else:
            room.delete(identity)
        bench.until_called(action, "a", times=2)
        room.restart()
        bench.waits.clear()

        assert room.wait(identity).state == (action, "COMPLETE")
        assert bench.built == ({} if action is DELETE else {row.id: "a" for row in room.rows(identity.stack_id)})


def test_a_stop_frees_the_locks_of_the_walks_it_leaves(tmp_path: Path, bench: Bench) -> None:
    bench.waits.add((CREATE, "slow"))
    with EngineRoom(tmp_path, bench=bench) as room:
        identity = room.create("s", hot({"slow": {}}))
        bench.until_called(CREATE, "slow", times=2)
    with EngineRoom(tmp_path, bench=bench) as other:
        with other.db.read() as tx:
            owner = locks.holder(tx, identity.stack_id)
        state = other.stack(identity.stack_id).state

        assert (owner, state) == (None, (CREATE, "IN_PROGRESS"))


def test_what_was_built_before_the_crash_is_found_and_not_built_again(tmp_path: Path, bench: Bench) -> None:
    """The call had its effect, and the engine died before it heard of it."""
    bench.hangs.add((CREATE, "lost"))
    with EngineRoom(tmp_path, bench=bench) as dying:
        identity = dying.create("s", hot({"lost": {}}))
        bench.until_called(CREATE, "lost")
        (row,) = dying.rows(identity.stack_id)
        bench.built[row.id] = "lost"
        bench.hangs.clear()
        with EngineRoom(tmp_path, bench=bench) as room:
            room.machinery.recovery.sweep()

            assert str(room.wait(identity).state) == "CREATE_COMPLETE"
            assert bench.calls == [(CREATE, "lost")], "the second engine looked, and did not call create"
            assert room.row(identity, "lost").id == row.id
            bench.let_go()


def test_a_delete_of_what_the_crash_left_unknown_finds_it_and_takes_it_away(tmp_path: Path, bench: Bench) -> None:
    bench.hangs.add((CREATE, "lost"))
    with EngineRoom(tmp_path, bench=bench) as dying:
        identity = dying.create("s", hot({"lost": {}}))
        bench.until_called(CREATE, "lost")
        (row,) = dying.rows(identity.stack_id)
        bench.built[row.id] = "lost"
        bench.hangs.clear()
        with EngineRoom(tmp_path, bench=bench) as room:
            room.delete(identity)

            assert str(room.wait(identity).state) == "DELETE_COMPLETE"
            assert bench.built == {}
            bench.fails.add((CREATE, "lost"))
            bench.let_go()


def test_a_second_delete_finds_what_the_crash_left_unknown_though_the_first_could_not_look(
    tmp_path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(_: Thing, ctx: Context) -> Outcome:
        raise ResourceFailed(f"{ctx.name} can't be looked for")

    bench.hangs.add((CREATE, "lost"))
    with EngineRoom(tmp_path, bench=bench) as dying:
        identity = dying.create("s", hot({"lost": {}}))
        bench.until_called(CREATE, "lost")
        (row,) = dying.rows(identity.stack_id)
        bench.built[row.id] = "lost"
        with EngineRoom(tmp_path, bench=bench) as room:
            with monkeypatch.context() as patched:
                patched.setattr(Thing, "find", find)
                room.delete(identity)
                assert str(room.wait(identity).state) == "DELETE_FAILED"
            room.delete(identity)

            assert str(room.wait(identity).state) == "DELETE_COMPLETE"
            assert bench.built == {}
            bench.fails.add((CREATE, "lost"))
            bench.let_go()


def test_a_walk_that_was_fenced_out_writes_nothing_and_leaves_the_stack_to_its_new_owner(
    tmp_path: Path, bench: Bench
) -> None:
    """The first engine was only asleep. When it comes back, its outcome finds another fence."""
    bench.hangs.add((CREATE, "late"))
    with EngineRoom(tmp_path, bench=bench) as asleep:
        identity = asleep.create("s", hot({"late": {}, "next": {"_depends_on": "late"}}))
        bench.until_called(CREATE, "late")
        bench.hangs.clear()
        with EngineRoom(tmp_path, bench=bench) as owner:
            bench.waits.add((CREATE, "next"))
            owner.machinery.recovery.sweep()
            bench.until_called(CREATE, "next", times=2)
            before = owner.history(identity), {row.id for row in owner.rows(identity.stack_id)}
            bench.let_go()
            asleep.stop()
            with owner.db.read() as tx:
                holder = locks.holder(tx, identity.stack_id)

            assert (owner.history(identity), {row.id for row in owner.rows(identity.stack_id)}) == before
            assert holder == owner.machinery.engine_id
            bench.waits.clear()
            assert str(owner.wait(identity).state) == "CREATE_COMPLETE"
            assert owner.history(identity).count("late CREATE_COMPLETE") == 1


def test_an_engine_that_is_robbed_while_it_waits_learns_it_at_its_next_look(tmp_path: Path, bench: Bench) -> None:
    bench.waits.add((CREATE, "slow"))
    with EngineRoom(tmp_path, bench=bench) as asleep:
        identity = asleep.create("s", hot({"slow": {}, "next": {"_depends_on": "slow"}}))
        bench.until_called(CREATE, "slow", times=2)
        with EngineRoom(tmp_path, bench=bench) as owner:
            owner.update(identity, hot({"slow": {}, "more": {}}))
            owner.news.event("more", "CREATE_COMPLETE")
            bench.waits.clear()

            assert str(owner.wait(identity).state) == "UPDATE_COMPLETE"
            assert {row.name for row in owner.rows(identity.stack_id)} == {"slow", "more"}
            assert set(bench.creations.values()) <= {1}
            assert not [event for event in asleep.news.events if event.resource_name in ("next", "more")]


def test_a_delete_that_one_engine_is_asked_for_is_done_by_the_one_that_walks(tmp_path: Path, bench: Bench) -> None:
    bench.waits.add((CREATE, "slow"))
    with EngineRoom(tmp_path, bench=bench) as walking, EngineRoom(tmp_path, bench=bench) as asked:
        identity = walking.create("s", hot({"slow": {}, "next": {"_depends_on": "slow"}}))
        bench.until_called(CREATE, "slow", times=2)
        asked.neighbours.alive.add(walking.machinery.engine_id)
        asked.delete(identity)
        between = str(asked.stack(identity.stack_id).state)
        walking.machinery.groups.send(StackId(identity.stack_id), "poke")

        assert asked.neighbours.poked == [(walking.machinery.engine_id, identity.stack_id)]
        assert between == "DELETE_IN_PROGRESS"
        assert walking.news.event("s", "DELETE_COMPLETE").stack_id == identity.stack_id
        assert (walking.rows(identity.stack_id), bench.built) == ([], {})
        assert (CREATE, "next") not in bench.calls
        assert [event.resource_name for event in asked.news.events] == ["s"], "it only began"


def test_a_nested_stack_that_was_left_is_walked_on_with_its_parent(tmp_path: Path, bench: Bench) -> None:
    bench.waits.add((CREATE, "x"))
    with EngineRoom(tmp_path, bench=bench) as room:
        files = {"inner.yaml": hot({"x": {}})}
        identity = room.create("outer", hot({"m": {"_type": "inner.yaml"}}), files=files)
        bench.until_called(CREATE, "x", times=2)
        room.restart()
        bench.waits.clear()

        assert str(room.wait(identity).state) == "CREATE_COMPLETE"
        assert set(bench.creations.values()) == {1}
