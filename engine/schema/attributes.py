"""What can be read from a built resource: the attributes that a type declares (templates.md §15).

Called by resource types, which declare an `AttributeGroup`, and by the template floor, which checks names
against it. Every type also has `show`; it is not declared by anyone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final

from engine.schema.support import SUPPORTED, Support
from engine.schema.types import Kind

SHOW: Final = "show"  # the raw description of the physical object; every type has it


@dataclass(frozen=True, slots=True)
class AttributeSchema:
    """One attribute."""

    description: str = ""
    kind: Kind | None = None  # None: not told
    cache: bool = True  # False: asked anew with every read
    support: Support = SUPPORTED
    name: str = ""  # where it is no Python identifier; "": as the class attribute is called


SHOW_SCHEMA: Final = AttributeSchema("Detailed information about resource.", kind=Kind.MAP)


def shown(schemas: Mapping[str, AttributeSchema]) -> dict[str, AttributeSchema]:
    """Return the attributes that templates may read: what is not hidden, and `show`, which every type has."""
    visible = {name: one for name, one in schemas.items() if not one.support.is_hidden}
    return {**visible, SHOW: visible.get(SHOW, SHOW_SCHEMA)}


def attribute(
    description: str,
    *,
    kind: Kind | None = None,
    cache: bool = True,
    support: Support = SUPPORTED,
    name: str = "",
) -> AttributeSchema:
    """Return an attribute; for use in the body of an `AttributeGroup`."""
    return AttributeSchema(description=description, kind=kind, cache=cache, support=support, name=name)


class AttributeGroup:
    """Base of the classes in whose body a type declares its attributes; `schemas` has them by name."""

    schemas: ClassVar[Mapping[str, AttributeSchema]] = MappingProxyType({})

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own = {schema.name or key: schema for key, schema in vars(cls).items() if isinstance(schema, AttributeSchema)}
        if "*" in own:
            raise TypeError(f"{cls.__qualname__}: an attribute can't be called *")
        cls.schemas = MappingProxyType({**cls.schemas, **own})
