"""Giving up whatever is under way in a stack and in those nested in it: an operator's last resort (engine.md §2.7).

Called by service, for `isotherm db reset-stack`. What a reader could not guess: for its one transaction the reset holds
the locks like an engine, so its writes go the way of a walk's, and whoever walked before is behind the fence: what that
engine still writes is refused, and it lets go of the stack by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from engine.model import states
from engine.model.errors import FencedOut, stack_not_found
from engine.model.ids import EngineId, SnapshotId, StackId, TraversalId
from engine.model.records import Lock, ResourceRecord, StackRecord
from engine.model.states import Action, Broke, Status
from engine.plan import advance
from engine.runtime import exports
from engine.runtime.logbook import Logbook
from engine.store import database, locks, resources, snapshots, stacks, walks
from engine.store.database import Database, Tx
from engine.store.stacks import Ending
from engine.store.walks import Step

REASON: Final = "Stack status manually reset"
_OPERATOR: Final = EngineId("operator")  # holds the locks within the transaction; no lock is left with it


def reset(db: Database, stack_id: StackId, logbook: Logbook) -> Sequence[StackRecord]:
    """Fail what is IN_PROGRESS in a live stack and all nested in it; return these stacks as they are now, outer first.

    Rows wait for nothing and at no hook any more, nobody holds a lock, and whoever walked writes nothing more. Raise
    STACK_NOT_FOUND. Things that a provider is still building are not recorded: the next walk looks for them.
    """
    return database.retrying(db, partial(_reset_tree, stack_id=stack_id, logbook=logbook))


def _reset_tree(tx: Tx, stack_id: StackId, logbook: Logbook) -> Sequence[StackRecord]:
    outermost = stacks.get(tx, stack_id)
    if outermost is None:
        raise stack_not_found(stack_id)
    ids = [stack.id for stack in _within(outermost, stacks.tree(tx, outermost.top_id))]
    # Sorted, as the writes of walks are: two that write to several stacks must not wait for each other in a circle.
    seized = {id_: locks.seize(tx, id_, _OPERATOR) for id_ in sorted(ids)}
    held = [lock for lock in map(seized.get, ids) if lock is not None]  # one that is gone by now needs no reset
    return [_reset_one(tx, lock, logbook) for lock in held]


def _within(outermost: StackRecord, tree: Iterable[StackRecord]) -> Iterator[StackRecord]:
    """Yield a stack and those of its tree that are nested in it; the tree has outer stacks first."""
    inside = {outermost.id}
    yield outermost
    for stack in tree:
        if stack.owner_id in inside:
            inside.add(stack.id)
            yield stack


def _reset_one(tx: Tx, lock: Lock, logbook: Logbook) -> StackRecord:
    """Write the reset of one stack, whose lock is held, and free the lock."""
    stack = stacks.get(tx, lock.stack_id)
    assert stack is not None, "a stack whose lock is held is live"
    rows = resources.of_stack(tx, stack.id)
    steps = [_step(lock, stack, row, logbook) for row in rows if _given_up(row) != row]
    ended = replace(_failed(stack), traversal=TraversalId(logbook.new_id()))
    event = logbook.of_stack(ended) if ended.state != stack.state else None
    ending = Ending(ended, event, expected=stack.traversal, release=True)
    is_saving = stack.state == (Action.SNAPSHOT, Status.IN_PROGRESS)
    saved = exports.read(tx, stack) if is_saving else None  # so that it goes with the snapshot when that is removed
    if not (all(walks.apply(tx, steps)) and stacks.finish(tx, lock, ending)):
        raise FencedOut(stack.id)
    if is_saving:
        snapshots.complete(tx, SnapshotId(stack.traversal), status=Status.FAILED, reason=REASON, data=saved)
    return ended


def _step(lock: Lock, stack: StackRecord, row: ResourceRecord, logbook: Logbook) -> Step:
    ended = _given_up(row)
    event = logbook.of_resource(stack, ended) if ended.state != row.state else None
    return Step(lock, None, ended, event=event)


def _given_up(row: ResourceRecord) -> ResourceRecord:
    ended = advance.broke(row, REASON) if row.status is Status.IN_PROGRESS else row
    return replace(ended, hook=None)


def _failed(stack: StackRecord) -> StackRecord:
    if stack.status is not Status.IN_PROGRESS:
        return stack
    state = states.advance(states.STACK, stack.state, Broke())
    return replace(stack, action=state.action, status=state.status, reason=REASON)
