"""Which resource types and custom constraints there are: found in `engine.resources` and in the entry points.

Nobody keeps a list. Discovery runs once at start; two of one kind and name stop it, with both places named.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, partial
from importlib import metadata
from types import MappingProxyType, ModuleType
from typing import Any

from engine.model.errors import Code, EngineError
from engine.plugin.constraint import ConstraintType
from engine.plugin.ports import Lookups
from engine.plugin.resource_type import ResourceType
from engine.schema.constraints import Custom
from engine.schema.type_schema import TypeSchema

ENTRY_POINTS = "isotherm.resources"  # each names a module or a package of resource types and constraints


class DuplicateType(Exception):
    """Two classes claim one type name, or two functions one constraint."""


class Registry:
    """All resource types and custom constraints by name. Also the catalogue that templates are checked against."""

    def __init__(self, classes: Iterable[type[ResourceType]], constraints: Iterable[ConstraintType] = ()) -> None:
        types: dict[str, ResourceType] = {}
        for cls in classes:
            known = types.get(cls.type_name)
            if known is not None and type(known) is not cls:
                places = f"{_place(type(known))} and {_place(cls)}"
                raise DuplicateType(f"{cls.type_name} is declared twice: in {places}")
            types[cls.type_name] = cls()
        self._types: Mapping[str, ResourceType] = types
        self.constraints: Mapping[str, ConstraintType] = MappingProxyType(_by_name(constraints))

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


def discover(*packages: ModuleType) -> Registry:
    """Return every resource type and constraint below the packages and in the entry points."""
    modules = [module for package in packages for module in _modules_below(package)]
    for entry in metadata.entry_points(group=ENTRY_POINTS):
        loaded = entry.load()
        modules += _modules_below(loaded) if isinstance(loaded, ModuleType) else []
    classes = (cls for module in modules for cls in _declared_in(module))
    return Registry(classes, (one for module in modules for one in _constraints_in(module)))


def _modules_below(package: ModuleType) -> Iterator[ModuleType]:
    yield package
    for info in pkgutil.walk_packages(getattr(package, "__path__", ()), package.__name__ + "."):
        yield importlib.import_module(info.name)


def _declared_in(module: ModuleType) -> Iterator[type[ResourceType]]:
    """Yield the types that this very module declares; imported ones belong to where they come from."""
    for _, cls in inspect.getmembers(module, inspect.isclass):
        if issubclass(cls, ResourceType) and cls.__module__ == module.__name__ and cls.type_name:
            yield cls


def _constraints_in(module: ModuleType) -> Iterator[ConstraintType]:
    """Yield the constraints that this very module declares, one to a name or several in a tuple."""
    for value in vars(module).values():
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, ConstraintType) and one.check.__module__ == module.__name__:
                yield one


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
