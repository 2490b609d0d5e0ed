"""What happens to one stack, call by call: each is judged by the model, and after each end all promises are checked.

A story asks the real engine room. It never draws and never decides: a test says what happens. What it notes is what a
person reads who wants to know how a failure came about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from engine.model.errors import Code, EngineError
from engine.model.ids import StackIdentity
from engine.model.records import EventRecord
from engine.model.states import PERFORMED, Action, State, Status
from kit import stack_inspection as inspection
from kit import stack_model as model
from kit.engine_room import ME, EngineRoom
from kit.stack_inspection import THING, Seen
from kit.stack_model import Asked, Declared, Known

NAME: Final = "s"
_RESUMABLE: Final = frozenset({(Action.SUSPEND, Status.COMPLETE), (Action.RESUME, Status.COMPLETE)})


@dataclass(frozen=True, slots=True)
class How:
    """What goes wrong meanwhile, and how long the story waits before it goes on."""

    fails: frozenset[tuple[Action, str]] = frozenset()
    waits: tuple[Action, str] | None = None  # an operation that does not end; the story goes on when it is there
    hangs: tuple[Action, str] | None = None  # a call that does not return
    ends: bool = True  # False: the story goes on at once, unless something waits or hangs


@dataclass(frozen=True, slots=True)
class Call:
    """Something that is asked of the engine."""

    name: str  # as `stack_model.refusal` knows it
    does: Callable[[], StackIdentity | None]
    asked: Asked | None = None  # the action that it begins; None: none, as a cancel


class Story:
    """One stack, and after its end another one of the same name."""

    def __init__(self, room: EngineRoom, note: Callable[[str], object]) -> None:
        self.room = room
        self.identity: StackIdentity | None = None  # None: there never was a stack
        self.is_good = True  # nothing has happened that should not
        self._note = note
        self._asked: list[Asked] = []
        self._ends_well = False  # what is under way, or was last, can't fail
        self._is_cancelled = False

    @property
    def known(self) -> Known:
        """Return where the stack stands by its own events."""
        return model.told(self._asked, self.look().own_events)

    @property
    def stack(self) -> StackIdentity:
        """Return the identity of the stack, which may be deleted."""
        assert self.identity is not None
        return self.identity

    def look(self) -> Seen:
        """Read all that is stored of the stack."""
        return inspection.look(self.room, self.stack.stack_id)

    def ask(self, call: Call, how: How) -> bool:
        """Make a call, and hold its answer against the model; return whether it was accepted."""
        before = None if self.identity is None else self.look()
        self.is_good = False
        self._prepare(how)
        answer: StackIdentity | None = None
        try:
            answer = call.does()
        except EngineError as error:
            refused: Code | None = error.code
        else:
            refused = None
        self._note(f"{call.name}: {refused or 'accepted'}")
        self._judge(call, before, refused)
        if refused is None:
            self._accept(call, before, answer, how)
            self._reach(how)
        else:
            self._let_be(how)
        self.is_good = True
        if how.ends and how.waits is None and how.hangs is None:
            self.settle()
        return refused is None

    def settle(self) -> None:
        """Let whatever waits go on, wait until nothing is under way, and check every promise."""
        self.is_good = False
        self.room.bench.waits.clear()
        self.room.bench.let_go()
        root_id = self.stack.stack_id
        is_over = self.room.news.until(lambda told: model.is_at_rest([one for one in told if one.root_id == root_id]))
        seen = self.look()
        self._note(f"  -> {seen.root.state} {seen.root.reason}: {[f'{row.name} {row.state}' for row in seen.rows]}")
        if not is_over:
            inspection.check_nothing_is_under_way(seen)
        assert is_over, "not all that happened was told"
        self._check(seen)
        self.is_good = True

    def close(self) -> None:
        """Delete the stack, if it is there; nothing is left."""
        self.room.bench.fails.clear()
        self.settle()
        if str(self.look().root.state) != "DELETE_COMPLETE":
            self.ask(Call("delete", lambda: self.room.delete(self.stack), Asked(Action.DELETE)), How())

    def _prepare(self, how: How) -> None:
        bench = self.room.bench
        bench.fails = set(how.fails)
        if how.fails:
            self._ends_well = False
        bench.waits |= {how.waits} if how.waits else set()
        bench.hangs |= {how.hangs} if how.hangs else set()

    def _judge(self, call: Call, before: Seen | None, refused: Code | None) -> None:
        """Assert that a state which the stack was in at the time of the call answers it like this."""
        if before is None:
            assert refused is None
            return
        after = self.look()
        told = after.own_events[len(before.own_events) :]
        begun = next((at for at, event in enumerate(told) if _is_begun_by(event, call)), None)
        states = [before.root.state, *(State(Action(one.action), one.status) for one in told[:begun])]
        expected = [model.refusal(call.name, state) for state in states]

        assert refused in expected, f"{call.name} of {states}: {refused}"
        if refused is not None:
            assert begun is None or len(told) > 1
            _check_unchanged(before, after)
        elif begun is None and call.name != "create":
            assert call.asked is not None
            assert call.asked.action in (Action.SUSPEND, Action.RESUME)
            assert (call.asked.action, Status.COMPLETE) in states, "nothing was begun"
            _check_unchanged(before, after)

    def _accept(self, call: Call, before: Seen | None, answer: StackIdentity | None, how: How) -> None:
        whole = before is not None and before.is_at_rest and before.is_sound and self._is_whole(before)
        if call.name == "create":
            assert answer is not None
            self.identity, self._asked = answer, []
        if call.asked is None:
            self._is_cancelled, self._ends_well = True, False
            return
        begun = [one for one in self.look().own_events if one.status is Status.IN_PROGRESS]
        if call.name in ("suspend", "resume") and not self._has_begun(begun, call.asked):
            return  # it was so already
        self._asked.append(call.asked)
        self._is_cancelled = False
        if call.asked.action is Action.RESUME and before is not None:
            whole = whole and all((row.action, row.status) in _RESUMABLE for row in before.rows)
        is_easy = whole if call.asked.action in PERFORMED else not call.asked.skip
        self._ends_well = not how.fails and is_easy

    def _has_begun(self, begun: list[EventRecord], asked: Asked) -> bool:
        wanted = sum(one.action is asked.action for one in self._asked)
        return sum(one.action == asked.action for one in begun) > wanted

    def _is_whole(self, seen: Seen) -> bool:
        return model.told(self._asked, seen.own_events).is_whole and not seen.left_over

    def _reach(self, how: How) -> None:
        """Wait until the walk comes to something that waits or hangs, or until it is over."""
        bench, root_id = self.room.bench, self.stack.stack_id
        held, looked_at = bench.waits | bench.hangs, how.waits or how.hangs
        if looked_at is None:
            return
        looks = bench.count(*looked_at) + 2  # from the second on, the answer to the first has been recorded

        def is_there(told: Sequence[EventRecord]) -> bool:
            own = [one for one in told if one.root_id == root_id]
            at = _under_way(own) & held
            is_early = how.waits in at and bench.count(*looked_at) < looks
            return model.is_at_rest(own) or (bool(at) and not is_early)

        bench.heard = self.room.news.look_again

        assert self.room.news.until(is_there), f"it neither ends nor comes to any of {held}"

    def _let_be(self, how: How) -> None:
        """Take back what was to go wrong with a call that was refused."""
        self.room.bench.waits.discard(how.waits or (Action.INIT, ""))
        if how.hangs:
            self.room.bench.let_go()

    def _check(self, seen: Seen) -> None:
        """Check all promises; nothing is under way."""
        known, bench = model.told(self._asked, seen.own_events), self.room.bench
        inspection.check_nothing_is_under_way(seen)
        assert known.state == seen.root.state
        inspection.check_events(seen)
        inspection.check_ledger(seen, bench)
        inspection.check_nested(seen)
        if not self._is_cancelled:
            inspection.check_locks(seen)
        if self._ends_well:
            assert known.state.status is Status.COMPLETE, f"nothing was told to fail: {seen.root.reason}"
            assert not seen.left_over, seen.root.reason
        if known.state.status is Status.COMPLETE:
            self._check_end(seen, known)

    def _check_end(self, seen: Seen, known: Known) -> None:
        """Check what an end promises that was a good one."""
        match known.state.action:
            case Action.CREATE | Action.UPDATE:
                assert known.complete is not None
                inspection.check_declared(seen, known.complete)
            case Action.ROLLBACK if not known.asked.skip:
                inspection.check_declared(seen, known.complete or Declared())
            case Action.DELETE:
                assert (seen.rows, seen.nested, self.room.bench.built) == ((), (), {})
            case action if action in PERFORMED and self._ends_well:
                assert {row.state for row in seen.rows} <= {(action, Status.COMPLETE)}
                inspection.check_declared(seen, known.complete or Declared())


def cancel(room: EngineRoom, story: Story, *, rollback: bool) -> Call:
    """Return the call that breaks off what is under way."""
    asked = Asked(Action.ROLLBACK) if rollback else None

    def does() -> None:
        room.actions.cancel_update(ME, story.stack, rollback=rollback)

    return Call("cancel with rollback" if rollback else "cancel", does, asked)


def _is_begun_by(event: EventRecord, call: Call) -> bool:
    if call.asked is None:
        return event.status is Status.FAILED and event.reason.endswith("cancelled")
    return (event.action, event.status) == (call.asked.action, Status.IN_PROGRESS)


def _under_way(told: Sequence[EventRecord]) -> set[tuple[Action | str, str]]:
    """Return the operations on things that have begun and not ended."""
    last: dict[str | None, EventRecord] = {}
    for event in told:
        if event.resource_type == THING:
            last[event.resource_id] = max(last.get(event.resource_id, event), event, key=lambda one: one.sequence)
    return {(one.action, one.resource_name) for one in last.values() if one.status is Status.IN_PROGRESS}


def _check_unchanged(before: Seen, after: Seen) -> None:
    """A call that was refused, or had nothing to do, has changed nothing."""
    if before.is_at_rest:
        assert replace(before, locked=()) == replace(after, locked=()), "a refused call has changed something"
    elif len(before.own_events) == len(after.own_events):
        assert before.root.traversal == after.root.traversal
