"""What a caller tells a resource: a signal, and that it is unhealthy (rpc.md §3.9, §4.2; engine.md §3.11 to §3.13).

A signal that lets a resource go on from a hook is written beside the walk that waits there, without its lock, and the
engine that walks is woken. A mark needs the stack to itself. No type takes any other signal yet.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, NoReturn

from engine.model.errors import ActionInProgress, Code, EngineError, stack_not_found
from engine.model.ids import EngineId, StackIdentity
from engine.model.records import Caller, Json, Lock, ResourceRecord, StackRecord
from engine.model.states import Action, Status
from engine.plan import breakpoints, marking, standing
from engine.runtime.declared import Declared
from engine.runtime.logbook import Logbook
from engine.store import database, events, locks, resources, stacks, walks
from engine.store.database import Database, Disturbed, Tx
from engine.store.walks import Step
from engine.template.environment_check import HOOKS
from engine.usecases import access, contents
from engine.usecases.once import Once

UNSET_HOOK: Final = "unset_hook"  # the key of a signal that is for the engine and not for the type
_SIGNAL: Final = "SIGNAL"  # an action of events alone
_DEAF: Final = frozenset({Action.SUSPEND, Action.DELETE})

Wake = Callable[[StackRecord, str], None]  # has whoever walks the stack visit the resource of this name at once


@dataclass(frozen=True, slots=True)
class SignalResource:
    """Tell a resource something."""

    identity: StackIdentity
    resource_name: str
    details: Json = None  # a map, a text or None; a map with `unset_hook` lets the resource go on from that hook
    sync: bool = False  # answer with the metadata
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class MarkUnhealthy:
    """Say that a resource is unhealthy, or that it is not."""

    identity: StackIdentity
    resource_name: str  # else its id at the provider, else its reference id
    unhealthy: bool | None  # None: the caller did not say
    reason: str = ""  # "": the engine's own words
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Signals:
    """The use cases of signals."""

    db: Database
    declared: Declared
    logbook: Logbook
    engine_id: EngineId  # holds the lock while a mark is written
    wake: Wake

    def signal(self, caller: Caller, wanted: SignalResource) -> Mapping[str, Json] | None:
        """Deliver a signal; return the metadata of the resource if asked to, or None.

        Raise RESOURCE_NOT_FOUND, RESOURCE_NOT_AVAILABLE, INVALID_BREAKPOINT_HOOK, HOOK_NOT_SET, INVALID_RESOURCE_STATE
        or RESOURCE_ACTION_NOT_SUPPORTED.
        """
        if not isinstance(wanted.details, Mapping) or UNSET_HOOK not in wanted.details:
            self._refuse(caller, wanted)
        hook = wanted.details[UNSET_HOOK]
        once = Once.of(caller, "ResourceSignal", wanted, wanted.request_id)
        metadata: Mapping[str, Json] | None = once.answer(
            self.db, lambda: self._unset_hook(caller, wanted, hook, once=once)
        )
        return metadata

    def mark_unhealthy(self, caller: Caller, wanted: MarkUnhealthy) -> None:
        """Set or take away the mark; what it would not change stays as it is.

        Raise INVALID_ARGUMENT, RESOURCE_NOT_FOUND, RESOURCE_NOT_AVAILABLE, PHYSICAL_RESOURCE_AMBIGUOUS, or
        ActionInProgress while anything is done to the stack.
        """
        unhealthy = wanted.unhealthy
        if unhealthy is None:
            raise EngineError(Code.INVALID_ARGUMENT, "mark_unhealthy is not a boolean", field="mark_unhealthy")
        once = Once.of(caller, "ResourceMarkUnhealthy", wanted, wanted.request_id)

        def work() -> None:
            with self.db.read() as tx:
                stack = access.resolve(tx, caller, wanted.identity)
                row = self._meant(tx, stack, wanted.resource_name)
            mark = partial(marking.marked, unhealthy=unhealthy, reason=wanted.reason)
            database.retrying(self.db, once.kept(partial(self._mark, row=row, mark=mark)))

        once.answer(self.db, work)

    def _unset_hook(self, caller: Caller, wanted: SignalResource, hook: Json, *, once: Once) -> Json:
        """Let the resource go on, and wake whoever walks; return the answer."""
        name = wanted.resource_name
        with self.db.read() as tx:
            stack = access.resolve(tx, caller, wanted.identity)
            self._rows(tx, stack, name)
        if hook not in HOOKS:
            text = f'"{hook}" is no hook that {name} could wait at; known: {", ".join(HOOKS)}'
            raise EngineError(Code.INVALID_BREAKPOINT_HOOK, text, hook=str(hook), field=f"details.{UNSET_HOOK}")

        def clear(tx: Tx) -> tuple[StackRecord, Json]:
            current = stacks.get(tx, stack.id)
            if current is None:
                raise stack_not_found(stack.name)
            rows = self._clear(tx, current, name, hook)
            return current, dict(rows[-1].metadata) if wanted.sync else None

        current, answer = database.retrying(self.db, once.kept(clear, lambda done: done[1]))
        self.wake(current, name)
        return answer

    def _clear(self, tx: Tx, stack: StackRecord, name: str, hook: str) -> Sequence[ResourceRecord]:
        """Let every row of the name go on that waits at the hook; return them. A row on its way out waits by itself."""
        rows = resources.named(tx, stack.id, name)
        waiting = [row for row in rows if breakpoints.waiting_at(row, stack.traversal) == hook]
        if not waiting:
            text = f'The "{hook}" hook is not defined on {name}'
            raise EngineError(Code.HOOK_NOT_SET, text, hook=hook, resource_name=name)
        for row in waiting:
            event = self.logbook.of_attempt(stack, row, row.state, f"Hook {hook} is cleared")
            if not walks.amend(tx, breakpoints.cleared(row), traversal=stack.traversal, event=event):
                raise Disturbed(Code.CONCURRENT_TRANSACTION, f"resource {name} was changed meanwhile")
        return waiting

    def _refuse(self, caller: Caller, wanted: SignalResource) -> NoReturn:
        """Say why the resource does not take the signal; where it is only deaf for now, an event tells of it, too."""
        with self.db.read() as tx:
            stack = access.resolve(tx, caller, wanted.identity)
            row = standing.by_name(self._rows(tx, stack, wanted.resource_name))[wanted.resource_name]
        if row.action not in _DEAF:
            text = f"signal is not supported for resource {row.name} of type {row.type}."
            raise EngineError(Code.RESOURCE_ACTION_NOT_SUPPORTED, text, action="signal", resource_name=row.name)
        told = f"Cannot signal resource during {row.action}"
        event = replace(self.logbook.of_resource(stack, row), action=_SIGNAL, reason=told)
        database.retrying(self.db, partial(events.append, event=event))
        text = f"Signal resource during {row.action} is not supported."
        raise EngineError(Code.INVALID_RESOURCE_STATE, text, resource_name=row.name, state=str(row.state))

    def _mark(self, tx: Tx, row: ResourceRecord, mark: Callable[[ResourceRecord], ResourceRecord]) -> None:
        """Write the mark with the lock in hand, which is free again when the transaction ends."""
        if locks.take_turn(tx, row.stack_id) is None or (stack := stacks.get(tx, row.stack_id)) is None:
            raise stack_not_found(row.stack_id)
        held = locks.acquire(tx, stack.id, self.engine_id)
        current = next((one for one in resources.named(tx, stack.id, row.name) if one.id == row.id), None)
        if current is None:
            raise contents.not_found(stack, row.name)
        if not isinstance(held, Lock) or Status.IN_PROGRESS in {stack.status, current.status}:
            raise ActionInProgress(stack.name, stack.action)
        marked = mark(current)
        if marked != current and not all(walks.apply(tx, [self._step(held, stack, current, marked)])):
            raise Disturbed(Code.CONCURRENT_TRANSACTION, f"resource {row.name} was changed meanwhile")
        locks.release(tx, held)

    def _step(self, lock: Lock, stack: StackRecord, before: ResourceRecord, after: ResourceRecord) -> Step:
        """Return the write of a mark; an event tells of a state that has changed, not of another reason."""
        event = self.logbook.of_resource(stack, after) if after.state != before.state else None
        return Step(lock, None, after, event=event)

    def _meant(self, tx: Tx, stack: StackRecord, called: str) -> ResourceRecord:
        """Return the row of a resource name, else of an id at the provider, else of a reference id (rpc.md §4.2)."""
        rows = standing.by_name(resources.of_stack(tx, stack.id))
        found = rows.get(called)
        if found is None:
            absent = self._absent(tx, stack, called)
            found = _by_ids(rows.values(), called) if absent.code is Code.RESOURCE_NOT_FOUND else None
            if found is None:
                raise absent
        if found.action is Action.INIT:
            raise _not_available(found.name)
        return found

    def _rows(self, tx: Tx, stack: StackRecord, name: str) -> Sequence[ResourceRecord]:
        rows = resources.named(tx, stack.id, name)
        if not rows:
            raise self._absent(tx, stack, name)
        return rows

    def _absent(self, tx: Tx, stack: StackRecord, name: str) -> EngineError:
        """Return why there is no row: nothing was made of what is declared, or nothing is declared."""
        is_declared = name and contents.read(tx, self.declared, stack, only=name).views
        return _not_available(name) if is_declared else contents.not_found(stack, name)


def _by_ids(rows: Collection[ResourceRecord], called: str) -> ResourceRecord | None:
    physical = [row for row in rows if row.physical_id == called]
    if len(physical) > 1:
        text = f"Multiple resources were found with the physical ID ({called})."
        raise EngineError(Code.PHYSICAL_RESOURCE_AMBIGUOUS, text, phys_id=called)
    referred = [row for row in rows if row.reference_id == called]
    return next(iter([*physical, *referred]), None)


def _not_available(name: str) -> EngineError:
    text = f"The Resource ({name}) is not available."
    return EngineError(Code.RESOURCE_NOT_AVAILABLE, text, resource_name=name)
