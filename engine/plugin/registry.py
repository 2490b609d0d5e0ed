"""Which resource types, custom constraints and event sinks there are: found in `engine.resources` and entry points.

Nobody keeps a list. Discovery runs once at start; two of one kind and name stop it, with both places named.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, partial
from importlib import metadata
from types import MappingProxyType, ModuleType
from typing import Any, TypeVar

from engine.model.errors import Code, EngineError
from engine.plugin import discovery
from engine.plugin.constraint import ConstraintType
from engine.plugin.event_sink import EventSink
from engine.plugin.ports import Lookups
from engine.plugin.resource_type import ResourceType
from engine.schema import properties
from engine.schema.constraints import Custom
from engine.schema.properties import PropertySchema, PropertyValues
from engine.schema.type_schema import TypeSchema

N = TypeVar("N", ResourceType, EventSink)

ENTRY_POINTS = "isotherm.resources"  # each names a module or a package of resource types, constraints and sinks


class DuplicateType(Exception):
    """Two classes claim one type name, or two functions one constraint."""


class UnknownSink(Exception):
    """An environment names a type of event sink that this engine does not have."""


class Registry:
    """All resource types, constraints and sinks by name. Also the catalogue that templates are checked against."""

    def __init__(
        self,
        classes: Iterable[type[ResourceType]],
        constraints: Iterable[ConstraintType] = (),
        sinks: Iterable[type[EventSink]] = (),
    ) -> None:
        types = _by_type_name(classes, "")
        self._types: Mapping[str, ResourceType] = {name: cls() for name, cls in types.items()}
        self.constraints: Mapping[str, ConstraintType] = MappingProxyType(_by_name(constraints))
        self._sinks: Mapping[str, type[EventSink]] = _by_type_name(sinks, "the event sink ")

    def names(self) -> list[str]:
        """Return the names of all types, sorted."""
        return sorted(self._types)

    @cached_property
    def _schemas(self) -> Mapping[str, TypeSchema]:
        return {name: resource_type.schema() for name, resource_type in self._types.items()}

    def find(self, type_name: str) -> TypeSchema | None:
        """Return the interface of a type; None: there is no such type."""
        return self._schemas.get(type_name)

    def get(self, type_name: str) -> ResourceType:
        """Return the type itself; an unknown one is RESOURCE_TYPE_NOT_FOUND, with near names in the text."""
        try:
            return self._types[type_name]
        except KeyError:
            near = difflib.get_close_matches(type_name, self._types, n=3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            text = f"The Resource Type ({type_name}) could not be found{hint}"
            raise EngineError(Code.RESOURCE_TYPE_NOT_FOUND, text, type_name=type_name) from None

    def custom(self, lookups: Lookups) -> Custom:
        """Return every custom constraint as `schema` asks it, with the caller's cloud to look things up in."""
        return {name: partial(found.violation, lookups=lookups) for name, found in self.constraints.items()}

    def sinks(self) -> Mapping[str, Mapping[str, PropertySchema]]:
        """Return the arguments of every type of event sink, as environments are checked against them."""
        return {name: cls.Arguments.schemas for name, cls in self._sinks.items()}

    def sink(self, given: Mapping[str, Any]) -> EventSink:
        """Return the sink that an environment names; raise UnknownSink, or whatever the sink raises."""
        cls = self._sinks.get(given["type"])
        if cls is None:
            raise UnknownSink(given["type"])
        arguments = {name: value for name, value in given.items() if name != "type"}
        return cls(PropertyValues(properties.resolve(cls.Arguments.schemas, arguments).values))


def discover(*packages: ModuleType) -> Registry:
    """Return every resource type, constraint and sink below the packages and in the entry points."""
    modules = [module for package in packages for module in discovery.modules_below(package)]
    for entry in metadata.entry_points(group=ENTRY_POINTS):
        loaded = entry.load()
        modules += discovery.modules_below(loaded) if isinstance(loaded, ModuleType) else []
    types = (cls for module in modules for cls in discovery.classes_in(module, ResourceType) if cls.type_name)
    sinks = (cls for module in modules for cls in discovery.classes_in(module, EventSink) if cls.type_name)
    return Registry(types, (one for module in modules for one in _constraints_in(module)), sinks)


def _constraints_in(module: ModuleType) -> Iterator[ConstraintType]:
    """Yield the constraints that this very module declares, one to a name or several in a tuple."""
    for value in vars(module).values():
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, ConstraintType) and one.check.__module__ == module.__name__:
                yield one


def _by_type_name(classes: Iterable[type[N]], kind: str) -> dict[str, type[N]]:
    found: dict[str, type[N]] = {}
    for cls in classes:
        known = found.setdefault(cls.type_name, cls)
        if known is not cls:
            raise DuplicateType(f"{kind}{cls.type_name} is declared twice: in {_place(known)} and {_place(cls)}")
    return found


def _by_name(constraints: Iterable[ConstraintType]) -> dict[str, ConstraintType]:
    found: dict[str, ConstraintType] = {}
    for one in constraints:
        known = found.setdefault(one.name, one)
        if known != one:
            places = f"{_place(known.check)} and {_place(one.check)}"
            raise DuplicateType(f"the custom constraint {one.name} is declared twice: in {places}")
    return found


def _place(declared: type | Callable[..., Any]) -> str:
    return f"{declared.__module__}.{declared.__qualname__}"
