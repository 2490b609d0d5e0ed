"""Plugins around the actions of a whole engine: one may refuse, and all hear how it ended (engine.md §14.3)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.model.ids import StackIdentity
from engine.model.states import Action
from engine.plugin import LifecyclePlugin, Operation
from kit.bench import CREATE, DELETE, UPDATE
from kit.engine_room import ME, EngineRoom, hot

OLD, NEW = hot({"it": {"value": "old"}}), hot({"it": {"value": "new"}, "more": {}})


class Witness(LifecyclePlugin):
    """Notes what it is told of stacks, and refuses what a test wants refused."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.refused: set[Action] = set()

    def before(self, ctx: Operation) -> None:
        self.told.append(f"before {ctx.action}: {sorted(ctx.there)} to {sorted(ctx.declared)}")
        if ctx.action in self.refused:
            raise RuntimeError(f"there is no room for {ctx.stack.name}")

    def after(self, ctx: Operation, *, failed: bool) -> None:
        self.told.append(f"after {ctx.action}{' that failed' if failed else ''}")


@pytest.fixture
def witness() -> Witness:
    return Witness()


@pytest.fixture
def room(tmp_path: Path, witness: Witness) -> Iterator[EngineRoom]:
    with EngineRoom(tmp_path, plugins=[witness]) as room:
        yield room


def done(room: EngineRoom, identity: StackIdentity) -> str:
    """Return how the walk ended, once everybody has been told."""
    stack = room.wait(identity)
    room.machinery.groups.stop(stack.id, graceful=True)
    return str(stack.state)


def test_a_plugin_hears_of_every_action_what_it_is_about_and_how_it_ended(room: EngineRoom, witness: Witness) -> None:
    identity = room.create("s", OLD, disable_rollback=False)
    states = [done(room, identity)]
    room.bench.fails.add((CREATE, "more"))
    room.update(identity, NEW)
    states.append(done(room, identity))
    room.actions.suspend(ME, identity)
    states.append(done(room, identity))
    room.delete(identity)
    states.append(done(room, identity))

    assert states == ["CREATE_COMPLETE", "ROLLBACK_COMPLETE", "SUSPEND_COMPLETE", "DELETE_COMPLETE"]
    assert witness.told == [
        "before CREATE: [] to ['it']",
        "after CREATE",
        "before UPDATE: ['it'] to ['it', 'more']",
        "after UPDATE that failed",
        "before ROLLBACK: ['it', 'more'] to ['it']",
        "after ROLLBACK",
        "before SUSPEND: ['it'] to ['it']",
        "after SUSPEND",
        "before DELETE: ['it'] to []",
        "after DELETE",
    ]


@pytest.mark.parametrize("action", [CREATE, UPDATE, DELETE])
def test_what_a_plugin_refuses_fails_with_its_words_and_nothing_is_done(
    room: EngineRoom, witness: Witness, action: Action
) -> None:
    witness.refused = {action}
    identity = room.create("s", OLD, disable_rollback=False)
    done(room, identity)
    calls, rows = list(room.bench.calls), room.rows(identity.stack_id)
    if action is UPDATE:
        room.update(identity, NEW)
    elif action is DELETE:
        room.delete(identity)
    state, stack = done(room, identity), room.stack(identity.stack_id)

    assert (state, stack.reason) == (f"{action}_FAILED", "there is no room for s")
    assert (room.bench.calls, room.rows(identity.stack_id)) == (calls, rows)
    assert room.history(identity)[-2:] == [f"s {action}_IN_PROGRESS", f"s {action}_FAILED"]
    assert (calls == []) == (action is CREATE)


def test_what_was_refused_is_done_when_it_is_asked_for_again(room: EngineRoom, witness: Witness) -> None:
    witness.refused = {CREATE}
    identity = room.create("s", OLD)
    refused = done(room, identity)
    room.update(identity, OLD)

    assert (refused, done(room, identity)) == ("CREATE_FAILED", "UPDATE_COMPLETE")
    assert list(room.bench.built.values()) == ["it"]
