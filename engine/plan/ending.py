"""What becomes of a stack when its walk has nothing left to do. Pure.

A failure of a `Converge` fails the walk. A failure of a `Clean` fails a delete; in an update what is declared stands,
so the update is COMPLETE, says what could not be cleaned, and the next walk tries again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from engine.model import states
from engine.model.ids import TraversalId
from engine.model.records import StackRecord
from engine.model.states import PERFORMED, Action, Began, Broke, Finished, Status
from engine.plan import reasons
from engine.plan.visits import Clean, Visit

TIMED_OUT: Final = "Timed out"
_ROLLS_BACK: Final = frozenset({Action.CREATE, Action.ADOPT, Action.UPDATE, Action.RESTORE})


@dataclass(frozen=True, slots=True)
class Failure:
    """A visit that failed, and why."""

    visit: Visit
    reason: str  # of the resource


@dataclass(frozen=True, slots=True)
class Stopped:
    """The walk was given up from outside: its time is over, or a caller cancelled it."""

    reason: str
    roll_back: bool | None = None  # None: as the stack says


@dataclass(frozen=True, slots=True)
class Ending:
    """The states that a stack goes through now, one after the other; each is an event."""

    states: tuple[StackRecord, ...]

    @property
    def last(self) -> StackRecord:
        """Return the stack as it is afterwards."""
        return self.states[-1]

    @property
    def walks_on(self) -> bool:
        """Return whether another walk begins: the rollback."""
        return self.last.status is Status.IN_PROGRESS


def ending(
    stack: StackRecord,
    failures: Sequence[Failure],
    *,
    next_traversal: TraversalId,
    now: datetime,
    all_checked: bool = True,
) -> Ending:
    """Return how the walk of the stack ends; `all_checked`: no type was without a check."""
    counted = [f.reason for f in failures if stack.action is Action.DELETE or not isinstance(f.visit, Clean)]
    suffix = "" if all_checked else reasons.NOT_ALL_CHECKED
    if not counted:
        return Ending((_completed(stack, failures, now, suffix),))
    failed = _moved(stack, Broke(), reasons.of_failed_stack(stack.action, counted) + suffix)
    return _rolled_back(failed, not stack.disable_rollback, next_traversal, now)


def broken_off(
    stack: StackRecord, stopped: Stopped, *, next_traversals: Sequence[TraversalId], now: datetime
) -> Ending:
    """Return how a walk ends that is given up at once, whatever is still in flight: nothing more may begin of it."""
    failed = replace(_moved(stack, Broke(), stopped.reason), traversal=next_traversals[0])
    roll_back = not stack.disable_rollback if stopped.roll_back is None else stopped.roll_back
    return _rolled_back(failed, roll_back, next_traversals[1], now)


def _rolled_back(failed: StackRecord, roll_back: bool, next_traversal: TraversalId, now: datetime) -> Ending:
    if failed.action not in _ROLLS_BACK or not roll_back:
        return Ending((failed,))
    began = _moved(failed, Began(Action.ROLLBACK), reasons.started(Action.ROLLBACK))
    return Ending((failed, replace(began, traversal=next_traversal, updated_time=now)))


def _completed(stack: StackRecord, failures: Sequence[Failure], now: datetime, suffix: str) -> StackRecord:
    text = reasons.completed(stack.action) + suffix
    if stack.manner.skip:
        text += f"; left as they are: {', '.join(sorted(stack.manner.skip))}"
    if failures:
        text += "; could not be cleaned away, the next update tries again: " + "; ".join(f.reason for f in failures)
    done = _moved(stack, Finished(), text)
    match stack.action:
        case Action.DELETE:
            return replace(done, deleted_time=now)
        case Action.ROLLBACK:
            return replace(done, definition_id=stack.complete_definition_id or stack.definition_id)
        case action if action in PERFORMED:
            return done
        case _:
            return replace(done, complete_definition_id=stack.definition_id)


def _moved(stack: StackRecord, event: states.StateEvent, reason: str) -> StackRecord:
    state = states.advance(states.STACK, stack.state, event)
    return replace(stack, action=state.action, status=state.status, reason=reason)
