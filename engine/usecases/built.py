"""What is there of a stack, for those who compare it with what is to be: its rows, and what these were made from.

Called by stacks for previews. Rows are made from the definition of the last update, from the one before it where that
update failed, or from one of each; so all of them count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

from engine.model.errors import EngineError
from engine.model.ids import StackId
from engine.model.records import ResourceRecord, StackRecord
from engine.runtime.declared import Declared
from engine.store import resources, stacks, templates
from engine.store.database import Database, Tx
from engine.template.target import Target


@dataclass(frozen=True, slots=True)
class Built:
    """A stack that is there, with its rows."""

    stack: StackRecord
    rows: Sequence[ResourceRecord] = ()
    made_from: Sequence[Target] | None = ()  # None: of some of it nobody can tell any more
    given_hidden: Set[str] = frozenset()  # the parameters that the stack around computes from something hidden


def read(tx: Tx, declared: Declared, stack: StackRecord) -> Callable[[], Built]:
    """Read all that is there of a stack; what is returned makes it, when no transaction is open any more."""
    rows = resources.of_stack(tx, stack.id)
    ids = {stack.definition_id, stack.complete_definition_id, *(row.definition_id for row in rows)}
    definitions = templates.load_some(tx, {one for one in ids if one is not None})

    def made() -> Built:
        try:
            return Built(stack, rows, [declared.of(stack, one) for one in definitions.values()])
        except EngineError:  # a type is gone, or a rule has become stricter
            return Built(stack, rows, None)

    return made


def find(db: Database, declared: Declared, stack_id: StackId) -> Built | None:
    """Return what is there of a live stack; None: there is no such stack."""
    with db.read() as tx:
        stack = stacks.get(tx, stack_id)
        made = None if stack is None else read(tx, declared, stack)
    return None if made is None else made()
