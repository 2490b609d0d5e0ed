"""Stacks that begin around resources that exist already (rpc.md §3.2, engine.md §2.8).

Used wherever a stack is stored that adopts: for a caller, and for the resource that a nested one stands for.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.model.ids import ResourceId
from engine.model.records import ResourceRecord, StackRecord
from engine.plan import adopting, export
from engine.plan.adopting import Wanted
from engine.plan.export import Adopted
from engine.plugin.resource_type import built_by
from engine.template.target import Target
from engine.usecases import limits
from engine.usecases.commands import CreateStack
from engine.usecases.limits import Limits


def given(command: CreateStack, allowed: Limits) -> Adopted | None:
    """Return what a new stack is to take over; None: nothing. Raise FEATURE_DISABLED, or INVALID_ARGUMENT."""
    if not command.adopt_stack_data:
        return None
    limits.check_enabled(allowed.enable_stack_adopt, "Stack Adopt")
    return export.adopted(command.adopt_stack_data)


def rows(stack: StackRecord, target: Target, adopted: Adopted, new_id: Callable[[], str]) -> list[ResourceRecord]:
    """Return the rows that the stack begins with, to be stored with it: one for each declared resource."""
    wanted = (
        Wanted(
            id=ResourceId(new_id()),
            name=one.name,
            type=one.type,
            implementation=built_by(one.implementation, one.template_file),
            deletion_policy=one.deletion_policy,
        )
        for one in target.declarations.values()
    )
    return adopting.rows(stack, wanted, adopted)
