"""Which properties an update would change, with what they are now and what they would be.

Called by previews. What the template computes from a hidden parameter is masked on both sides, as the parameter itself
is wherever it is shown; so is what a template before it had computed from one.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace
from typing import Any

from engine.model.records import ResourceRecord
from engine.plan.preview import Change, Expected
from engine.schema import types
from engine.schema.properties import OnChange
from engine.schema.type_schema import TypeSchema
from engine.template import coercion, hidden
from engine.template.target import Target
from engine.usecases.built import Built
from engine.usecases.views import PropertyChange

Masks = Mapping[str, Set[str]]  # resource → the properties that are masked


def masks(built: Built, target: Target) -> Masks | None:
    """Return which properties must not be shown as they are or as they would be; None: each of them."""
    return None if built.made_from is None else hidden.properties([target, *built.made_from], built.given_hidden)


def within(built: Built, resource: str, masks: Masks | None) -> Built:
    """Return the stack that a resource is made of, with what the masks of the stack around hide in it."""
    if masks is None:
        return replace(built, made_from=None)
    return replace(built, given_hidden=masks[resource]) if resource in masks else built


def of(target: Target, found: Expected, masks: Masks | None) -> list[PropertyChange]:
    """Return the changes of a resource, sorted by name; what a new one is given is a change from nothing."""
    desired, row = found.desired, found.row
    if desired is None or found.change is Change.UNCHANGED:
        return []
    declaration = target.declarations[found.name]
    is_there = row is not None and row.implementation == desired.implementation
    told = []
    for name in sorted(found.changed if is_there else declaration.properties):
        after = desired.properties.get(name)
        change = PropertyChange(
            name,
            before=_before(row, name, after) if row is not None and is_there else None,
            after=None if types.contains_unknown(after) else after,
            is_known=not types.contains_unknown(after),
            effect=_effect(desired.schema, name) if is_there else None,
        )
        told.append(_masked(change) if masks is None or name in masks[found.name] else change)
    return [change for change in told if is_there or not change.is_known or change.after is not None]


def _before(row: ResourceRecord, name: str, after: Any) -> Any:
    """Return what the property is now; after an update that was cut short either of two, and then what differs."""
    bases = [row.properties] if row.pending is None else [row.properties, row.pending.properties]
    values = [basis[name] for basis in bases if name in basis]
    return next((value for value in values if value != after), values[0] if values else None)


def _effect(schema: TypeSchema, name: str) -> OnChange:
    return schema.properties[name].on_change if name in schema.properties else OnChange.UPDATE


def _masked(change: PropertyChange) -> PropertyChange:
    before, after = (None if value is None else coercion.HIDDEN for value in (change.before, change.after))
    return PropertyChange(change.name, before, after, is_known=change.is_known, effect=change.effect)
