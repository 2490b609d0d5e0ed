"""Where a type name leads through the registries of the user and of the operator (templates.md §13.4).

Called by `registry`, and by `environment` for what a nested stack inherits. Every entry that fits a name is a
candidate; the user's come before the operator's, those for one resource before those for all, and then the names
decide: `OS::*` comes before `OS::Nova::Server`, because `*` comes before letters. The first candidate that leads to
a template file or a registered type wins. What an alias names is looked up in both registries again, the operator's
aliases too: so an environment that has the operator's answers written into it (`registry.pinned`) means the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from engine.model.errors import Code, EngineError

RESOURCES: Final = "resources"  # key of a registry below which entries for single resources stand
USER: Final = 0
OPERATOR: Final = 1
_SUFFIXES: Final = (".yaml", ".template")
_MAX_ALIASES: Final = 50  # one after the other

IsKnown = Callable[[str], bool]
Registry = Mapping[str, Any]
Registries = tuple[Registry, Registry]  # the user's, the operator's


class Step(NamedTuple):
    """One way to go on from a name. In the order of the fields: what comes first is tried first."""

    level: int  # whose entry it is: USER or OPERATOR
    distance: int  # minus the length of the path
    path: tuple[str, ...]  # of the entry in its registry
    name: str  # which is looked up
    target: str  # what it stands for
    is_final: bool  # the target is a template file, or the name is that of a registered type

    @property
    def is_entry(self) -> bool:
        """Return whether an entry says it: a registered type, and a template file as a type, need none."""
        return self.target != self.name


def is_template_file(name: str) -> bool:
    """Return whether a type name is that of a template file."""
    return name.endswith(_SUFFIXES)


def is_removed(operator: Registry, type_name: str) -> bool:
    """Return whether the operator's registry removes the registered type of a name: null, or null for its prefix."""
    if type_name in operator and operator[type_name] is None:
        return True
    return any(
        value is None and pattern.endswith("*") and type_name.startswith(pattern[:-1])
        for pattern, value in operator.items()
    )


def find(registries: Registries, resource_name: str, type_name: str, *, is_known: IsKnown) -> tuple[Step, ...]:
    """Return the way from a type name to what it stands for, which is the target of the last step; (): there is none.

    Raise INVALID_RESOURCE_TYPE for aliases that lead in a circle, and for more than 50 one after the other.
    """
    return _Search(registries, resource_name, is_known).follow(type_name, ())


class _Search:
    """Follows one name; remembers the names that lead nowhere, so that no path is walked twice."""

    def __init__(self, registries: Registries, resource_name: str, is_known: IsKnown) -> None:
        self._levels = [_Level(index, registry, resource_name) for index, registry in enumerate(registries)]
        self._operator = registries[OPERATOR]
        self._is_known = is_known
        self._dead: set[str] = set()

    def follow(self, name: str, trail: tuple[str, ...]) -> tuple[Step, ...]:
        if name in self._dead:
            return ()
        if name in trail:
            circle = " → ".join((*trail[trail.index(name) :], name))
            text = f"the type {name} can't be found: its entries in the resource_registry lead in a circle: {circle}"
            raise EngineError(Code.INVALID_RESOURCE_TYPE, text, type_name=name)
        if len(trail) >= _MAX_ALIASES:
            text = f"the type {trail[0]} leads through more than {_MAX_ALIASES} entries of the resource_registry"
            raise EngineError(Code.INVALID_RESOURCE_TYPE, text, type_name=name)
        for step in sorted(self._candidates(name)):
            if step.is_final:
                return (step,)
            further = self.follow(step.target, (*trail, name))
            if further:
                return (step, *further)
        self._dead.add(name)
        return ()

    def _candidates(self, name: str) -> Iterator[Step]:
        for level in self._levels:
            yield from level.candidates(name)
        # An entry of the operator takes the place of the registered type: it does not hide it.
        replaced = isinstance(self._operator.get(name), str) or is_removed(self._operator, name)
        if not replaced and self._is_known(name):
            yield Step(OPERATOR, -1, (name,), name, name, True)


class _Level:
    """One registry, as a resource sees it."""

    def __init__(self, index: int, registry: Registry, resource_name: str) -> None:
        own = (registry.get(RESOURCES) or {}).get(resource_name)
        self._index = index
        self._places: list[tuple[tuple[str, ...], Registry]] = [((), registry)]
        if isinstance(own, Mapping):
            self._places.append(((RESOURCES, resource_name), own))
        self._wildcards = [
            (pattern, value) for pattern, value in registry.items() if pattern.endswith("*") and isinstance(value, str)
        ]

    def candidates(self, name: str) -> Iterator[Step]:
        """Yield the ways on from a name. That of a template file stands for the file, whatever its entry says."""
        is_file = is_template_file(name)
        if is_file and self._index == USER:
            yield self._step((name,), name, name, is_final=True)
        for place, entries in self._places:
            value = entries.get(name)
            if isinstance(value, str) and is_file:
                yield self._step((*place, name), name, name, is_final=True)
            elif isinstance(value, str) and value != name:
                yield self._step((*place, name), name, value, is_final=is_template_file(value))
        for pattern, value in self._wildcards:
            prefix = pattern[:-1]
            if not name.startswith(prefix) or name == value:  # else a wildcard would match its own value
                continue
            target = value[:-1] + name[len(prefix) :] if value.endswith("*") else value
            if target != name:
                # Heat passes over wildcards for a template file; who writes one wants the template.
                yield self._step((pattern,), name, target, is_final=is_template_file(target))

    def _step(self, path: tuple[str, ...], name: str, target: str, *, is_final: bool) -> Step:
        return Step(self._index, -len(path), path, name, target, is_final)
