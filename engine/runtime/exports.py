"""A stack as data, read from the store: with all that is nested in it, in few statements however much that is.

Called by the use cases that hand a stack out, and at the end of a walk that takes a snapshot, inside its transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from engine.model.ids import DefinitionId, StackId
from engine.model.records import Definition, ResourceRecord, StackRecord
from engine.plan import export
from engine.plan.export import Payload
from engine.store import resources, stacks, templates
from engine.store.database import Tx

T = TypeVar("T")


def read(tx: Tx, stack: StackRecord) -> Payload:
    """Return a live stack as data (rpc.md §2.8); action and status are those of `stack` as it is given.

    So a walk that ends gives the stack as it will be, and a call that begins something the stack as it was.
    """
    rows = resources.of_stack(tx, stack.id)
    if not any(row.nested_stack_id for row in rows):
        return export.payload(stack, templates.load(tx, stack.definition_id), rows, {})
    below = [one for one in stacks.tree(tx, stack.top_id) if one.nested_depth > stack.nested_depth]
    definitions = templates.load_some(tx, {one.definition_id for one in (stack, *below)})
    return _Tree(
        inner=_grouped(below, lambda one: one.owner_id),
        rows=_grouped(resources.of_tree(tx, stack.top_id), lambda row: row.stack_id),
        definitions=definitions,
    ).payload(stack)


@dataclass(frozen=True, slots=True)
class _Tree:
    """A stack and what is nested in it, as read."""

    inner: Mapping[StackId | None, Sequence[StackRecord]]  # by the stack that they are in
    rows: Mapping[StackId | None, Sequence[ResourceRecord]]  # by stack
    definitions: Mapping[DefinitionId, Definition]

    def payload(self, stack: StackRecord) -> Payload:
        """Return one stack of the tree as data."""
        nested = {one.id: self.payload(one) for one in self.inner.get(stack.id, ())}
        return export.payload(stack, self.definitions[stack.definition_id], self.rows.get(stack.id, ()), nested)


def _grouped(records: Iterable[T], key: Callable[[T], StackId | None]) -> dict[StackId | None, list[T]]:
    groups: dict[StackId | None, list[T]] = defaultdict(list)
    for record in records:
        groups[key(record)].append(record)
    return groups
