"""A walk that ends without having come to everything leaves nothing IN_PROGRESS: what was begun is brought to its end.

Such a walk has failed, and what it did not come to waits behind that failure; an earlier walk had begun it.
"""

from __future__ import annotations

from pathlib import Path

from engine.model.ids import StackId
from engine.store import locks
from kit.bench import CREATE, DELETE, Bench
from kit.engine_room import EngineRoom, hot


def test_a_delete_that_waits_ends_although_its_replacement_fails(room: EngineRoom) -> None:
    identity = room.create("s", hot({"a": {}}))
    room.wait(identity)
    room.bench.waits.add((DELETE, "a"))
    room.update(identity, hot({}))
    room.bench.until_called(DELETE, "a", times=2)
    room.bench.fails.add((CREATE, "a"))
    room.update(identity, hot({"a": {}}))

    assert str(room.wait(identity).state) == "UPDATE_FAILED"

    room.bench.waits.clear()
    room.news.event("a", "DELETE_COMPLETE")

    assert [str(row.state) for row in room.rows(identity.stack_id)] == ["CREATE_FAILED"]
    assert room.bench.built == {}


def test_a_create_that_waits_ends_although_what_it_depends_on_now_fails(room: EngineRoom) -> None:
    room.bench.waits.add((CREATE, "a"))
    identity = room.create("s", hot({"a": {}}))
    room.bench.until_called(CREATE, "a", times=2)
    room.bench.fails.add((CREATE, "bad"))
    room.update(identity, hot({"bad": {}, "a": {"_depends_on": "bad"}}))

    assert str(room.wait(identity).state) == "UPDATE_FAILED"

    room.bench.waits.clear()
    room.news.event("a", "CREATE_COMPLETE")

    assert set(room.bench.creations.values()) == {1}


def test_it_goes_on_in_the_next_engine(room: EngineRoom) -> None:
    room.bench.waits.add((CREATE, "a"))
    identity = room.create("s", hot({"a": {}}))
    room.bench.until_called(CREATE, "a", times=2)
    room.bench.fails.add((CREATE, "bad"))
    room.update(identity, hot({"bad": {}, "a": {"_depends_on": "bad"}}))
    room.wait(identity)
    room.restart()
    room.bench.waits.clear()
    room.news.event("a", "CREATE_COMPLETE")

    assert str(room.row(identity, "a").state) == "CREATE_COMPLETE"


def test_what_nobody_can_tell_the_end_of_has_failed(tmp_path: Path) -> None:
    """The engine died in the call, and the walk that goes on does not come there."""
    bench = Bench()
    bench.hangs.add((CREATE, "lost"))
    with EngineRoom(tmp_path, bench=bench) as dying:
        identity = dying.create("s", hot({"lost": {}}))
        bench.until_called(CREATE, "lost")
        (row,) = dying.rows(identity.stack_id)
        bench.built[row.id] = "lost"
        bench.hangs.clear()
        bench.fails.add((CREATE, "bad"))
        with EngineRoom(tmp_path, bench=bench) as room:
            room.update(identity, hot({"bad": {}, "lost": {"_depends_on": "bad"}}))

            assert str(room.wait(identity).state) == "UPDATE_FAILED"
            assert room.news.event("lost", "CREATE_FAILED").reason == "CREATE aborted (its engine is gone)"

            room.delete(identity)

            assert str(room.wait(identity).state) == "DELETE_COMPLETE"
            assert bench.built == {}, "it was looked for"
            bench.fails.add((CREATE, "lost"))
            bench.let_go()


def test_the_lock_is_free_once_all_has_ended(room: EngineRoom) -> None:
    room.bench.waits.add((CREATE, "a"))
    identity = room.create("s", hot({"a": {}}))
    room.bench.until_called(CREATE, "a", times=2)
    room.bench.fails.add((CREATE, "bad"))
    room.update(identity, hot({"bad": {}, "a": {"_depends_on": "bad"}}))
    room.wait(identity)
    room.bench.waits.clear()
    room.news.event("a", "CREATE_COMPLETE")
    room.machinery.groups.stop(StackId(identity.stack_id), graceful=True)

    with room.db.read() as tx:
        assert locks.holder(tx, StackId(identity.stack_id)) is None
