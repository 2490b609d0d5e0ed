"""Stacks as data that an engine can adopt: handed out, and the stack forgotten or not (rpc.md §2.8, §3.4, §4.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from engine.model.ids import StackIdentity
from engine.model.records import Caller, StackRecord
from engine.model.states import Action
from engine.plan.export import Payload
from engine.runtime import exports
from engine.runtime.logbook import Logbook
from engine.runtime.traversals import Traversals
from engine.store.database import Database, Tx
from engine.usecases import access, beginnings, limits
from engine.usecases.beginnings import Beginning
from engine.usecases.limits import Limits
from engine.usecases.once import Once

_FEATURE: Final = "Stack Abandon"  # export, too: both hand out what is secret


@dataclass(frozen=True, slots=True)
class Exports:
    """The use cases of stacks as data."""

    db: Database
    traversals: Traversals
    logbook: Logbook
    limits: Limits

    def export(self, caller: Caller, identity: StackIdentity) -> Payload:
        """Return the data of a stack in any state, and leave it as it is; raise FEATURE_DISABLED."""
        limits.check_enabled(self.limits.enable_stack_abandon, _FEATURE)
        with self.db.read() as tx:
            return exports.read(tx, access.resolve(tx, caller, identity))

    def abandon(self, caller: Caller, identity: StackIdentity, request_id: str = "") -> Payload:
        """Return the data of a stack as it was, and begin to forget it, while every real thing stays as it is.

        Raise FEATURE_DISABLED, whatever the stack, or ActionInProgress. The answer is all that is left of the stack,
        so a repeated request gets it again.
        """
        limits.check_enabled(self.limits.enable_stack_abandon, _FEATURE)
        once = Once.of(caller, "AbandonStack", identity, request_id)
        found: Payload = {}

        def store(tx: Tx) -> StackRecord:
            nonlocal found
            stack = beginnings.held(tx, access.resolve(tx, caller, identity).id)
            beginnings.check_at_rest(stack)
            found = exports.read(tx, stack)
            return Beginning(stack.id, Action.DELETE, changed=_retaining).store(tx, self.logbook)

        def work() -> Payload:
            self.traversals.begin(once.kept(store, lambda _: found))
            return found

        answer: Payload = once.answer(self.db, work)
        return answer


def _retaining(stack: StackRecord) -> StackRecord:
    return replace(stack, manner=replace(stack.manner, retain=True))
