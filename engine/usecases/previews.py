"""What a create or an update would do, as views: the plan's preview, with the template's values filled in.

Nothing is stored and no plugin acts; what only a walk can know is shown as null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from engine.graph.dag import Dag
from engine.model.ids import NO_STACK, ResourceId
from engine.model.records import ResourceRecord, StackRecord
from engine.model.states import Action, Status
from engine.plan import preview
from engine.plan.decide import Desired
from engine.plan.preview import Change, Expected, Standing
from engine.plugin.registry import Registry
from engine.plugin.resource_type import TEMPLATE_TYPE
from engine.schema import types
from engine.template import target as targets
from engine.template.target import Declaration, NodeValue, Target
from engine.usecases.views import ResourceView, StackView, UpdatePreview

_NOT_BUILT: Final = ResourceId("not built")  # stands in for the row of a thing that is not there yet


def of_create(stack: StackRecord, target: Target, registry: Registry) -> StackView:
    """Return the stack as a create would make it, with its resources."""
    expected = _expected(target, (), registry)
    views = [_view(replace(stack, id=NO_STACK), target, found) for found in expected]
    return StackView(stack, parameters=target.parameters.shown(), resources=views)


def of_update(stack: StackRecord, target: Target, rows: Sequence[ResourceRecord], registry: Registry) -> UpdatePreview:
    """Return what an update of the stack would do to each of its resources."""
    buckets: dict[Change, list[ResourceView]] = {change: [] for change in Change}
    for found in _expected(target, rows, registry):
        buckets[found.change].append(_view(stack, target, found))
    return UpdatePreview(
        unchanged=buckets[Change.UNCHANGED],
        updated=buckets[Change.UPDATED],
        replaced=buckets[Change.REPLACED],
        added=buckets[Change.ADDED],
        deleted=buckets[Change.DELETED],
    )


def _expected(target: Target, rows: Sequence[ResourceRecord], registry: Registry) -> list[Expected]:
    requires = {name: declaration.requires for name, declaration in target.declarations.items()}

    def desire(name: str, standing: Mapping[str, Standing]) -> Desired:
        return _desired(target, target.declarations[name], standing)

    return preview.preview(Dag(requires).order(), rows, desire, lambda it: registry.get(it.implementation))


def _desired(target: Target, declaration: Declaration, standing: Mapping[str, Standing]) -> Desired:
    values = {other: _value(standing[other]) for other in declaration.requires}
    resolved = targets.evaluate_properties(declaration, targets.scope_of(target, values))
    rows = (standing[other].row for other in declaration.requires)
    return Desired(
        name=declaration.name,
        type=declaration.type,
        implementation=TEMPLATE_TYPE if declaration.template_file else declaration.implementation,
        schema=declaration.schema,
        properties=resolved.values,
        requires=frozenset(_NOT_BUILT if row is None else row.id for row in rows),
        deletion_policy=declaration.deletion_policy,
        fingerprint=declaration.fingerprint,
    )


def _value(standing: Standing) -> NodeValue:
    if standing.row is None:
        return targets.UNKNOWN_NODE
    return NodeValue(standing.row.reference_id, standing.row.attributes, is_known=standing.attributes_known)


def _view(stack: StackRecord, target: Target, found: Expected) -> ResourceView:
    """Return a resource as it is where it is there, and else as it would be declared."""
    declaration = target.declarations.get(found.name)
    record = found.row if found.row is not None else _unbuilt(stack, found)
    wanted = found.desired.properties if found.desired is not None else record.properties
    return ResourceView(
        stack,
        record,
        required_by=sorted(other.name for other in target.declarations.values() if found.name in other.requires),
        description=declaration.description if declaration is not None else "",
        attributes={},
        properties={name: _shown(value) for name, value in wanted.items()},
        detailed=True,
    )


def _unbuilt(stack: StackRecord, found: Expected) -> ResourceRecord:
    return ResourceRecord(
        id=ResourceId(""),
        stack_id=stack.id,
        name=found.name,
        type=found.desired.type if found.desired is not None else "",
        implementation="",
        action=Action.INIT,
        status=Status.COMPLETE,
        reason="",
        created_time=stack.created_time,
    )


def _shown(value: Any) -> Any:
    return None if types.contains_unknown(value) else value
