"""What a create or an update would do, as views: the plan's preview, with the template's values filled in.

Nothing is stored and no plugin acts; what only a walk can know is shown as null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from engine.graph.dag import Dag
from engine.model.ids import NO_STACK, ResourceId, StackId
from engine.model.records import ResourceRecord, StackRecord
from engine.model.states import Action, Status
from engine.plan import decide, preview
from engine.plan.decide import Desired
from engine.plan.preview import Change, Expected, Standing
from engine.plugin.registry import Registry
from engine.plugin.resource_type import built_by
from engine.schema import types
from engine.template import target as targets
from engine.template.target import EMPTY, Declaration, NodeValue, Target
from engine.usecases import differences
from engine.usecases.built import Built
from engine.usecases.differences import Masks
from engine.usecases.views import ResourceView, StackView, UpdatePreview

_NOT_BUILT: Final = ResourceId("not built")  # stands in for the row of a thing that is not there yet


FindBuilt = Callable[[StackId], Built | None]  # the nested stack that a row is made of; None: it is gone


def of_create(stack: StackRecord, target: Target, registry: Registry) -> StackView:
    """Return the stack as a create would make it, with its resources and those nested in them."""
    views = _imagined(replace(stack, id=NO_STACK), target, registry)
    return StackView(stack, parameters=target.parameters.shown(), resources=views)


def of_update(
    built: Built, target: Target, registry: Registry, *, find_nested: FindBuilt | None = None
) -> UpdatePreview:
    """Return what an update of the stack would do to each resource; with `find_nested` to nested ones too."""
    buckets: dict[Change, list[ResourceView]] = {change: [] for change in Change}
    _sort(built, target, registry, find_nested=find_nested, into=buckets)
    return UpdatePreview(
        unchanged=buckets[Change.UNCHANGED],
        updated=buckets[Change.UPDATED],
        replaced=buckets[Change.REPLACED],
        added=buckets[Change.ADDED],
        deleted=buckets[Change.DELETED],
    )


def _imagined(stack: StackRecord, target: Target, registry: Registry) -> list[ResourceView]:
    """Return the resources of a stack that is not there, each with what is nested in it."""
    masks = differences.masks(Built(stack), target)
    views = []
    for found in _expected(target, (), registry):
        inner = target.nested.get(found.name)
        nested = () if inner is None else _imagined(_inside(stack, found.name), inner, registry)
        views.append(replace(_view(stack, target, found, masks), resources=nested))
    return views


def _inside(stack: StackRecord, resource: str) -> StackRecord:
    """Return the stack that a resource will be made of, as far as that is known."""
    depth = stack.nested_depth + 1
    return replace(stack, id=NO_STACK, name=f"{stack.name}-{resource}", parent_resource=resource, nested_depth=depth)


def _sort(
    built: Built,
    target: Target,
    registry: Registry,
    *,
    find_nested: FindBuilt | None,
    into: dict[Change, list[ResourceView]],
) -> None:
    """Put every resource where it belongs, and with `find_nested` every one below it (rpc.md §4.2)."""
    masks = differences.masks(built, target)
    for found in _expected(target, built.rows, registry):
        into[found.change].append(_view(built.stack, target, found, masks))
        if find_nested is None:
            continue
        new, old = Built(_inside(built.stack, found.name)), None
        if found.row is not None and found.row.nested_stack_id is not None:
            old = find_nested(found.row.nested_stack_id)
        if old is not None and found.change is Change.REPLACED:
            _sort(differences.within(old, found.name, masks), EMPTY, registry, find_nested=find_nested, into=into)
            old = None
        inner = target.nested.get(found.name, EMPTY)
        _sort(differences.within(old or new, found.name, masks), inner, registry, find_nested=find_nested, into=into)


def _expected(target: Target, rows: Sequence[ResourceRecord], registry: Registry) -> list[Expected]:
    requires = {name: declaration.requires for name, declaration in target.declarations.items()}

    def desire(name: str, standing: Mapping[str, Standing]) -> Desired:
        desired = _desired(target, target.declarations[name], standing)
        saved = target.restored.get(name, {}).get("resource_data")
        if saved is None:
            return desired
        restored = registry.get(desired.implementation).restored(desired.properties, saved)
        return replace(desired, properties=restored)

    return preview.preview(Dag(requires).order(), rows, desire, lambda it: registry.get(it.implementation))


def _desired(target: Target, declaration: Declaration, standing: Mapping[str, Standing]) -> Desired:
    values = {other: _value(standing[other]) for other in declaration.requires}
    scope = targets.scope_of(target, values)
    resolved = targets.evaluate_properties(declaration, scope)
    external_id = targets.evaluate_external_id(declaration, scope)
    rows = (standing[other].row for other in declaration.requires)
    return Desired(
        name=declaration.name,
        type=declaration.type,
        implementation=built_by(declaration.implementation, declaration.template_file),
        schema=declaration.schema,
        properties=resolved.values,
        requires=frozenset(_NOT_BUILT if row is None else row.id for row in rows),
        deletion_policy=declaration.deletion_policy,
        fingerprint=decide.fingerprint(targets.fingerprint_of(declaration, scope), external_id),
        external_id=external_id,
        restricted_actions=declaration.restricted_actions,
    )


def _value(standing: Standing) -> NodeValue:
    if standing.row is None:
        return targets.UNKNOWN_NODE
    return NodeValue(standing.row.reference_id, standing.row.attributes, is_known=standing.attributes_known)


def _view(stack: StackRecord, target: Target, found: Expected, masks: Masks | None) -> ResourceView:
    """Return a resource as it is where it is there, and else as it would be declared (rpc.md §3.3)."""
    declaration = target.declarations.get(found.name)
    record = found.row if found.row is not None else _unbuilt(stack, found)
    there, wanted_type = record.type, found.desired.type if found.desired is not None else record.type
    if found.change in (Change.UNCHANGED, Change.REPLACED):
        record = replace(record, type=wanted_type)
    wanted = found.desired.properties if found.desired is not None else record.properties
    return ResourceView(
        stack,
        record,
        required_by=sorted(other.name for other in target.declarations.values() if found.name in other.requires),
        description=declaration.description if declaration is not None else "",
        attributes={},
        properties={name: _shown(value) for name, value in wanted.items()},
        changes=differences.of(target, found, masks),
        replaced_type=there if found.change is Change.REPLACED and there != wanted_type else "",
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
