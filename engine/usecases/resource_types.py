"""Resource types: which there are, and what a template may say about them (rpc.md §3.7)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from engine.model.errors import Code, EngineError
from engine.plugin.registry import Registry
from engine.schema import patterns
from engine.schema.support import SupportStatus
from engine.schema.type_schema import TypeSchema

_FLAGS: Final = re.compile(r"\(\?[a-zA-Z]+\)")  # for the whole pattern: they may stand at its beginning only


@dataclass(frozen=True, slots=True)
class ListTypes:
    """Which resource types a caller wants to see."""

    support_status: SupportStatus | None = None  # None: of any
    type_name: str = ""  # a regular expression that matches at the beginning; "": every name
    heat_version: str = ""  # exactly this version of the support status; "": any
    limit: int | None = None  # None: all
    marker: str = ""  # the last name of the page before


@dataclass(frozen=True, slots=True)
class ResourceTypes:
    """The use cases of resource types."""

    registry: Registry

    def list(self, wanted: ListTypes) -> tuple[Sequence[TypeSchema], str]:
        """Return a page of types, sorted by name, and the marker of the next page; hidden ones are never listed."""
        schemas = (self.registry.find(name) for name in self.registry.names() if name > wanted.marker)
        found = [schema for schema in schemas if schema is not None and _is_wanted(schema, wanted)]
        if wanted.limit is None or len(found) <= wanted.limit:
            return found, ""
        page = found[: wanted.limit]
        return page, page[-1].type_name if page else ""

    def schema(self, type_name: str) -> TypeSchema:
        """Return the interface of a type, as far as templates may use it.

        Raise INVALID_RESOURCE_TYPE for no name at all, RESOURCE_TYPE_NOT_FOUND, RESOURCE_TYPE_HIDDEN.
        """
        if not type_name:
            raise EngineError(Code.INVALID_RESOURCE_TYPE, "type_name: a resource type has a name", field="type_name")
        found = self.registry.get(type_name).schema()
        if found.support.is_hidden:
            text = f"{type_name} is hidden: old stacks may have it, new templates may not"
            raise EngineError(Code.RESOURCE_TYPE_HIDDEN, text, type_name=type_name)
        return found


def _is_wanted(schema: TypeSchema, wanted: ListTypes) -> bool:
    support = schema.support
    if support.is_hidden:
        return False
    if wanted.support_status is not None and support.status is not wanted.support_status:
        return False
    if wanted.heat_version and support.version != wanted.heat_version:
        return False
    return not wanted.type_name or _begins_with(wanted.type_name, schema.type_name)


def _begins_with(pattern: str, name: str) -> bool:
    """Return whether the name begins with a match; a pattern that is no regular expression matches nothing."""
    opening = _FLAGS.match(pattern)
    flags = opening[0] if opening else ""
    try:
        return patterns.matches(f"{flags}(?:{pattern[len(flags) :]}).*", name)
    except patterns.PatternError:
        return False
