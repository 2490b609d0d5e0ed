"""Random histories over all actions of a stack, against a small model: what was promised holds after each of them.

Calls come while others are under way, resources fail, wait and hang, and the engine is started anew in between.
`ISOTHERM_TEST_HISTORIES` says how many histories are told; a failing one prints its story.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from engine.model.states import Action
from engine.plugin import Observed
from kit import stack_model as model
from kit import story as stories
from kit.engine_room import ME, EngineRoom
from kit.stack_inspection import THING
from kit.stack_model import INSIDE, NAMES, PARAMETER, Asked, Declared, Edit
from kit.story import NAME, Call, How, Story

HISTORIES = int(os.environ.get("ISOTHERM_TEST_HISTORIES", "15"))
TELLING = settings(
    max_examples=HISTORIES,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a story is short as it is, and takes its time
)

PERFORMED = (Action.SUSPEND, Action.RESUME, Action.CHECK)
BUILDING = (Action.CREATE, Action.UPDATE, Action.DELETE)

INTACT = Observed()

names = st.sampled_from(NAMES)
all_names = st.sampled_from(NAMES + INSIDE)
values = st.sampled_from(["1", "2", PARAMETER])
keys = st.sampled_from(["value", "fixed"])
looks = st.sampled_from([Observed(is_gone=True), Observed(differs=True), INTACT])
operations = st.tuples(st.sampled_from(BUILDING), all_names)


@st.composite
def declared(draw: st.DrawFn) -> Declared:
    """Draw things and nested stacks; few values, so that equal and unequal ones meet often."""
    order = draw(st.permutations(NAMES))
    edits = [("set", name, "value", "1") for name in order[: draw(st.integers(1, len(NAMES)))]]
    return model.edited(Declared(), [*edits, *draw(changes)])


def _edits() -> st.SearchStrategy[Edit]:
    return st.one_of(
        st.tuples(st.just("set"), names, keys, values),
        st.tuples(st.just("refer"), names, keys, names),
        st.tuples(st.just("depend"), names, names),
        st.tuples(st.just("drop"), names),
        st.tuples(st.just("rename"), names, names),
        st.tuples(st.just("nest"), names),
        st.tuples(st.just("inside"), st.sampled_from("012")),
        st.tuples(st.just("parameter"), st.sampled_from("12")),
    )


changes = st.lists(_edits(), max_size=6)


def ways(*actions: Action) -> st.SearchStrategy[How]:
    """Draw how a call goes: mostly well and to its end."""
    these = st.tuples(st.sampled_from(actions), all_names)
    failing = st.builds(How, st.frozensets(these, min_size=1, max_size=3), ends=st.booleans())
    held = st.builds(How, st.just(frozenset()) | st.frozensets(these, max_size=2), waits=these)
    hanging = st.builds(How, hangs=these)
    return st.just(How()) | failing | held | st.just(How(ends=False)) | hanging


building = ways(*BUILDING)


class Told(RuleBasedStateMachine):
    """One stack after the other, in a room of its own; and the calls that lead them anywhere."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.room = EngineRoom(folder)
        self.story = Story(self.room, note)
        self.room.start()

    def ask_to_create(self, wanted: Declared, rollback: bool, how: How) -> None:
        """Ask for a stack."""
        asked = Asked(Action.CREATE, wanted, rolls_back=rollback)
        does = partial(self.room.create, NAME, disable_rollback=not rollback, **wanted.given())
        self.story.ask(Call("create", does, asked), how)

    def ask_to_update(self, wanted: Declared, rollback: bool, how: How, **given: Any) -> bool:
        """Ask for an update: to what is wanted, unless it is given in another way; return whether it was accepted."""
        asked = Asked(Action.UPDATE, wanted, rolls_back=rollback)
        given = {"disable_rollback": not rollback, **(given or wanted.given())}
        return self.story.ask(Call("update", partial(self.room.update, self.story.stack, **given), asked), how)

    def ask_to_delete(self, how: How) -> None:
        """Ask for a delete."""
        does = partial(self.room.delete, self.story.stack)
        self.story.ask(Call("delete", does, Asked(Action.DELETE)), how)

    def teardown(self) -> None:
        """Delete the stack, if its story was a good one, and take everything down."""
        try:
            if self.story.is_good:
                self.story.close()
        finally:
            self.room.bench.let_go()
            self.room.stop()


class AllActions(Told):
    """Every action of a stack but those that need a snapshot, or data from elsewhere."""

    @initialize(wanted=declared(), rollback=st.booleans(), how=building)
    def born(self, wanted: Declared, rollback: bool, how: How) -> None:
        """Begin with a stack."""
        self.ask_to_create(wanted, rollback, how)

    @rule(wanted=declared(), rollback=st.booleans(), how=building, anew=st.sampled_from([True, True, False]))
    def create(self, wanted: Declared, rollback: bool, how: How, anew: bool) -> None:
        """Ask for another stack of the name, which is taken while the first one lives."""
        if anew:
            self.ask_to_delete(How())
        self.ask_to_create(wanted, rollback, how)

    @rule(wanted=declared(), rollback=st.booleans(), how=building)
    def update(self, wanted: Declared, rollback: bool, how: How) -> None:
        """Bring it to something else altogether."""
        self.ask_to_update(wanted, rollback, how)

    @rule(edits=changes, rollback=st.booleans(), how=building)
    def edit(self, edits: list[Edit], rollback: bool, how: How) -> None:
        """Bring it to what was asked for last, with some edits."""
        self.ask_to_update(model.edited(self.story.known.requested, edits), rollback, how)

    @rule(edits=st.none() | changes, parameter=st.none() | st.sampled_from("12"), how=building)
    def patch(self, edits: list[Edit] | None, parameter: str | None, how: How) -> None:
        """Give only a part; the rest stays as it was asked for last."""
        self.story.settle()
        before = self.story.known.requested
        wanted = before if edits is None else replace(model.edited(before, edits), parameter=before.parameter)
        wanted = wanted if parameter is None else replace(wanted, parameter=parameter)
        parts = {"template", "files"} if edits is not None else set()
        parts |= {"parameters"} if parameter is not None else set()
        given = {key: value for key, value in wanted.given().items() if key in parts}
        self.ask_to_update(wanted, False, how, existing=True, **given)

    @rule(edits=changes, seen=st.dictionaries(all_names, looks, min_size=1, max_size=3))
    def converge(self, edits: list[Edit], seen: dict[str, Observed]) -> None:
        """Update with a look at what is really there; what is gone is built anew."""
        self.story.settle()
        things = [row for row in self.story.look().rows if row.is_built and row.implementation == THING]
        gone = {row.id for row in things if seen.get(row.name, INTACT).is_gone}
        self.room.bench.really = seen
        wanted = model.edited(self.story.known.requested, edits)
        is_done = self.ask_to_update(wanted, False, How(), converge=True, **wanted.given())
        self.room.bench.really = {}

        assert not is_done or not gone & {row.id for row in self.story.look().rows}

    @rule()
    def repeat(self) -> None:
        """Ask for the same again; where all is well nothing is done."""
        self.story.settle()
        known, before, calls = self.story.known, self.story.look(), len(self.room.bench.calls)
        is_well = known.is_whole and before.is_sound and not before.left_over
        is_done = self.ask_to_update(known.complete or known.requested, False, How())

        assert not (is_well and is_done) or self.room.bench.calls[calls:] == []

    @rule(action=st.sampled_from(PERFORMED), how=ways(*PERFORMED))
    def perform(self, action: Action, how: How) -> None:
        """Suspend, resume or check it."""
        does = getattr(self.room.actions, action.lower())
        self.story.ask(Call(action.lower(), partial(does, ME, self.story.stack), Asked(action)), how)

    @rule(rollback=st.booleans(), how=building)
    def cancel(self, rollback: bool, how: How) -> None:
        """Break off whatever is under way."""
        self.story.ask(stories.cancel(self.room, self.story, rollback=rollback), how)

    @rule(edits=changes, held=operations, rollback=st.booleans(), how=building)
    def break_off(self, edits: list[Edit], held: tuple[Action, str], rollback: bool, how: How) -> None:
        """Break off an update that waits."""
        self.ask_to_update(model.edited(self.story.known.requested, edits), rollback, How(waits=held))
        self.story.ask(stories.cancel(self.room, self.story, rollback=rollback), how)

    @rule(skip=st.frozensets(names, max_size=2), how=building)
    def roll_back(self, skip: frozenset[str], how: How) -> None:
        """Roll back what has failed, but for some names that are there."""
        self.story.settle()
        skip &= {row.name for row in self.story.look().rows_of(self.story.stack.stack_id)}
        does = partial(self.room.actions.rollback, ME, self.story.stack, skip=sorted(skip))
        self.story.ask(Call("rollback", does, Asked(Action.ROLLBACK, skip=skip)), how)

    @rule(how=building)
    def delete(self, how: How) -> None:
        """Delete it, whatever is under way."""
        self.ask_to_delete(how)

    @rule(lets_go=st.booleans())
    def restart(self, lets_go: bool) -> None:
        """Stop the engine, which waits for calls that hang; another one walks on."""
        self.room.bench.let_go()
        if lets_go:
            self.room.bench.waits.clear()
        self.room.restart()

    @rule()
    def settle(self) -> None:
        """Let everything come to its end."""
        self.story.settle()


def test_whatever_is_asked_of_a_stack_its_promises_are_kept(tmp_path: Path) -> None:
    folders = (tmp_path / str(number) for number in range(10**9))

    def machine() -> AllActions:
        folder = next(folders)
        folder.mkdir()
        return AllActions(folder)

    run_state_machine_as_test(machine, settings=TELLING)
