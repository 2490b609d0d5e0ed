"""Which properties differ between built and wanted, and what that asks for (templates.md §14.7).

Called by plan when it decides on a visit. Only the top level counts: a change deep in a map is a change of
the property.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from engine.schema.properties import OnChange, PropertySchema
from engine.schema.types import contains_unknown

_ABSENT: Final = object()


def changed(old: Mapping[str, Any], new: Mapping[str, Any], schemas: Mapping[str, PropertySchema]) -> frozenset[str]:
    """Return the names of properties whose value differs.

    Something not known yet differs from everything. A property that one side lacks counts as its default, so
    that a schema which gained a property since the resource was built does not change every resource of the
    type.
    """
    return frozenset(name for name in {**old, **new} if _differ(_side(old, name, schemas), _side(new, name, schemas)))


def refused(names: Iterable[str], schemas: Mapping[str, PropertySchema]) -> frozenset[str]:
    """Return which of these can't change at all once the resource is built."""
    return _with(OnChange.REFUSE, names, schemas)


def must_replace(names: Iterable[str], schemas: Mapping[str, PropertySchema]) -> frozenset[str]:
    """Return which of these need a new resource; one that the schema does not have any more asks for nothing."""
    return _with(OnChange.REPLACE, names, schemas)


def in_place(values: Mapping[str, Any], schemas: Mapping[str, PropertySchema]) -> dict[str, Any]:
    """Return those of the values that an update in place can change."""
    names = _with(OnChange.UPDATE, values, schemas)
    return {name: value for name, value in values.items() if name in names}


def _with(on_change: OnChange, names: Iterable[str], schemas: Mapping[str, PropertySchema]) -> frozenset[str]:
    return frozenset(name for name in names if name in schemas and schemas[name].on_change is on_change)


def _side(values: Mapping[str, Any], name: str, schemas: Mapping[str, PropertySchema]) -> Any:
    if name in values:
        return values[name]
    return schemas[name].default if name in schemas else _ABSENT


def _differ(old: Any, new: Any) -> bool:
    return contains_unknown(old) or contains_unknown(new) or not _same(old, new)


def _same(old: Any, new: Any) -> bool:
    """Return whether two values are equal as JSON has it: 1 is not true, though Python says that it is."""
    if isinstance(old, bool) is not isinstance(new, bool):
        return False
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return old.keys() == new.keys() and all(_same(old[key], new[key]) for key in old)
    if isinstance(old, list | tuple) and isinstance(new, list | tuple):
        return len(old) == len(new) and all(map(_same, old, new))
    return bool(old == new)
