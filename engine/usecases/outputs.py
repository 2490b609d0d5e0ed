"""Outputs: what a stack promises, with the values as its resources last told them (rpc.md §2.1, §4.2).

Values come from the attributes that walks have stored, so that showing a stack asks no provider anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.model.errors import Code, EngineError
from engine.model.ids import StackIdentity
from engine.model.records import Caller, ResourceRecord, StackRecord
from engine.model.states import Action, Status
from engine.plan import standing
from engine.runtime.declared import Declared
from engine.store import resources
from engine.store.database import Database, Tx
from engine.template import target as targets
from engine.template.target import NodeValue, Target
from engine.usecases import access
from engine.usecases.views import OutputView


@dataclass(frozen=True, slots=True)
class Outputs:
    """The use cases of outputs."""

    db: Database
    declared: Declared

    def list(self, caller: Caller, identity: StackIdentity) -> list[OutputView]:
        """Return the outputs of a live stack, in the order of its template, without values."""
        with self.db.read() as tx:
            stack = access.resolve(tx, caller, identity)
            declared = self.declared.stored(tx, stack).template.outputs
        return [OutputView(name, output.description or targets.NO_DESCRIPTION) for name, output in declared.items()]

    def show(self, caller: Caller, identity: StackIdentity, key: str) -> OutputView:
        """Return one output of a live stack with its value, or why it has none; raise OUTPUT_NOT_FOUND."""
        with self.db.read() as tx:
            stack = access.resolve(tx, caller, identity)
            target = self.declared.stored(tx, stack)
            found_rows = rows(tx, stack, target)
        views = resolved(target, found_rows)
        found = next((view for view in views if view.key == key), None)
        if found is None:
            text = f"Specified output key {key} not found."
            raise EngineError(Code.OUTPUT_NOT_FOUND, text, output_key=key, stack_name=stack.name)
        return found


def rows(tx: Tx, stack: StackRecord, target: Target) -> Sequence[ResourceRecord]:
    """Return the rows that the outputs of a target read; `resolved` then asks others and takes its time."""
    names = target.output_reads
    return resources.of_names(tx, stack.id, names) if names else ()


def resolved(target: Target, rows: Iterable[ResourceRecord]) -> list[OutputView]:
    """Return the outputs with the values that the rows of the stack give them."""
    built = standing.by_name(row for row in rows if _was_built(row))
    values = {name: NodeValue(row.reference_id, row.attributes) for name, row in built.items()}
    computed = targets.evaluate_outputs(target, values)
    return [OutputView(one.key, one.description, one.value, one.error or "") for one in computed]


def _was_built(row: ResourceRecord) -> bool:
    """Return whether the row ever came to stand; what is being changed still has the values that it had."""
    if row.action in (Action.INIT, Action.DELETE):
        return False
    return row.action not in (Action.CREATE, Action.ADOPT) or row.status is Status.COMPLETE
