"""Actions on a stack as a whole that need no new template (rpc.md §3.3, §3.5; engine.md §2.2, §2.6).

Which state refuses which of them is looked at in the transaction that begins the action, so no walk ends in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from engine.model.errors import Code, EngineError, stack_not_found
from engine.model.ids import StackId, StackIdentity
from engine.model.records import Caller, Manner, StackRecord
from engine.model.states import Action, State, Status
from engine.runtime.declared import Declared
from engine.runtime.logbook import Logbook
from engine.runtime.traversals import Traversals
from engine.store import database, resources, stacks, templates
from engine.store.database import Database, Tx
from engine.usecases import access
from engine.usecases.beginnings import Beginning, Cancelling
from engine.usecases.once import Once

_AT_REST: Final = frozenset({Action.SUSPEND, Action.RESUME})  # once COMPLETE, doing them again is to do nothing
_ROLLED_BACK: Final = frozenset({Action.CREATE, Action.ADOPT, Action.UPDATE, Action.RESTORE, Action.ROLLBACK})
_UPDATING: Final = State(Action.UPDATE, Status.IN_PROGRESS)
_CREATING: Final = State(Action.CREATE, Status.IN_PROGRESS)


class _NothingToDo(Exception):  # noqa: N818  it is no error
    """The stack is already what it is asked to be."""


@dataclass(frozen=True, slots=True)
class Actions:
    """The use cases of actions."""

    db: Database
    declared: Declared
    traversals: Traversals
    logbook: Logbook

    def suspend(self, caller: Caller, identity: StackIdentity, request_id: str = "") -> None:
        """Begin to put a stack to rest; one that is suspended is left alone."""
        self._begin_on(caller, identity, Action.SUSPEND, request_id=request_id)

    def resume(self, caller: Caller, identity: StackIdentity, request_id: str = "") -> None:
        """Begin to wake a stack; one that is resumed is left alone."""
        self._begin_on(caller, identity, Action.RESUME, request_id=request_id)

    def check(self, caller: Caller, identity: StackIdentity, request_id: str = "") -> None:
        """Begin to look whether the real resources of a stack are as they should be."""
        self._begin_on(caller, identity, Action.CHECK, request_id=request_id)

    def cancel_update(self, caller: Caller, identity: StackIdentity, *, rollback: bool, request_id: str = "") -> None:
        """Break off an update: begin to roll it back, even if that is disabled; or, of a create too, let it be FAILED.

        Without rollback it is FAILED at once, and so is whatever is under way in the stacks that are nested in it;
        what is being done to single resources is still finished. Raise INVALID_STACK_STATE if nothing is under way.
        """
        once = Once.of(caller, "StackCancelUpdate", (identity, rollback), request_id)

        def work() -> None:
            stack = self._live(caller, identity)
            if rollback:
                beginning = Beginning(stack.id, Action.ROLLBACK, check=partial(_check_can_cancel, also=()))
                self._begin(beginning, once)
            else:
                self._cancel(Cancelling(stack.id, partial(_check_can_cancel, also=(_CREATING,))), once)

        once.answer(self.db, work)

    def rollback(
        self, caller: Caller, identity: StackIdentity, *, skip: Sequence[str] = (), request_id: str = ""
    ) -> None:
        """Begin to bring a stack that failed back to the last definition that was COMPLETE, but for what is skipped.

        Raise INVALID_STACK_STATE if it has not failed in a way that can be undone, RESOURCE_NOT_FOUND if a resource
        that is to be skipped is neither there nor declared.
        """
        once = Once.of(caller, "StackRollback", (identity, frozenset(skip)), request_id)

        def work() -> None:
            stack = self._live(caller, identity)
            _check_can_roll_back(stack)
            if skip:
                self._check_names(stack, skip)
            changed = partial(_skipping, names=frozenset(skip))
            self._begin(Beginning(stack.id, Action.ROLLBACK, changed=changed, check=_check_can_roll_back), once)

        once.answer(self.db, work)

    def _begin_on(self, caller: Caller, identity: StackIdentity, action: Action, *, request_id: str) -> None:
        once = Once.of(caller, f"Stack{action.capitalize()}", identity, request_id)

        def work() -> None:
            beginning = Beginning(self._live(caller, identity).id, action, check=partial(_check_is_needed, action))
            try:
                self._begin(beginning, once)
            except _NothingToDo:
                database.retrying(self.db, once.kept(lambda _: None))

        once.answer(self.db, work)

    def _begin(self, beginning: Beginning, once: Once) -> None:
        self.traversals.begin(once.kept(partial(beginning.store, logbook=self.logbook)))

    def _cancel(self, cancelling: Cancelling, once: Once) -> None:
        """Store that stacks are cancelled, in one transaction; then see to it that whoever walks them looks again."""
        inside: list[StackId] = []

        def store(tx: Tx) -> StackRecord:
            cancelled, *nested = cancelling.store(tx, self.logbook)
            inside[:] = [stack.id for stack in nested]
            return cancelled

        self.traversals.begin(once.kept(store))
        for stack_id in inside:
            self._look_again(stack_id)

    def _look_again(self, stack_id: StackId) -> None:
        def found(tx: Tx) -> StackRecord:
            stack = stacks.get(tx, stack_id)
            if stack is None:
                raise stack_not_found(stack_id)
            return stack

        try:
            self.traversals.begin(found)
        except EngineError as error:
            if error.code is not Code.STACK_NOT_FOUND:  # it is gone meanwhile: nobody walks it
                raise

    def _live(self, caller: Caller, identity: StackIdentity) -> StackRecord:
        with self.db.read() as tx:
            return access.resolve(tx, caller, identity)

    def _check_names(self, stack: StackRecord, names: Sequence[str]) -> None:
        """Raise RESOURCE_NOT_FOUND if there are names that no row has, and no template that the rollback is about."""
        with self.db.read() as tx:
            known = {row.name for row in resources.of_stack(tx, stack.id)}
            ids = {stack.definition_id, stack.complete_definition_id or stack.definition_id}
            texts = [templates.load(tx, id_).template for id_ in ids]
        known.update(*(self.declared.template(text).resources for text in texts))
        unknown = ", ".join(sorted(set(names) - known))
        if unknown:
            text = f"The Resource ({unknown}) could not be found in Stack {stack.name}."
            raise EngineError(Code.RESOURCE_NOT_FOUND, text, resource_name=unknown, stack_name=stack.name)


def _check_is_needed(action: Action, stack: StackRecord) -> None:
    if action in _AT_REST and stack.state == (action, Status.COMPLETE):
        raise _NothingToDo


def _check_can_cancel(stack: StackRecord, also: Sequence[State]) -> None:
    if stack.state not in (_UPDATING, *also):
        text = f"Cancelling update when stack is {stack.state} is not supported."
        raise EngineError(Code.INVALID_STACK_STATE, text, stack_name=stack.name, state=str(stack.state))


def _check_can_roll_back(stack: StackRecord) -> None:
    if stack.status is not Status.FAILED or stack.action not in _ROLLED_BACK:
        ways = ", ".join(f"{action}_FAILED" for action in sorted(_ROLLED_BACK))
        text = f"A rollback of stack {stack.name} is not possible when it is {stack.state}; only when it is {ways}"
        raise EngineError(Code.INVALID_STACK_STATE, text, stack_name=stack.name, state=str(stack.state))


def _skipping(stack: StackRecord, names: frozenset[str]) -> StackRecord:
    return replace(stack, manner=Manner(observe=stack.manner.observe, skip=names))
