"""Where a type name leads through the registries of the user and of the operator (templates.md §13.4).

Called by `registry`, and by `environment` for what a nested stack inherits. Every entry that fits a name is a
candidate; the user's come before the operator's, those for one resource before those for all, and then the names
decide: `OS::*` comes before `OS::Nova::Server`, because `*` comes before letters. The first candidate that leads to
a template file or a registered type wins. What an alias names is looked up in both registries again, the operator's
aliases too: so an environment that has the operator's answers written into it (`registry.pinned`) means the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property
from types import NoneType
from typing import Any, Final, NamedTuple

from engine.model.errors import Code, EngineError

RESOURCES: Final = "resources"  # key of a registry below which entries for single resources stand
USER: Final = 0
OPERATOR: Final = 1
_SUFFIXES: Final = (".yaml", ".template")
_MAX_ALIASES: Final = 50  # one after the other
_NAME: Final = 100  # the cost of following a name, in the unit of `facts.Meter`
_LOOK: Final = 8  # of looking it up once
_NOTHING: Final = object()

IsKnown = Callable[[str], bool]
Spend = Callable[[int], None]
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


def spend_nothing(_: int) -> None:
    """Count nothing: for whoever has no meter."""


class Search:
    """Finds where type names lead. What it learns about the types of one resource serves for the next.

    Resources that a registry has entries for are each searched for by themselves, all others together.
    """

    def __init__(self, registries: Registries, *, is_known: IsKnown, spend: Spend = spend_nothing) -> None:
        self._registries = registries
        self._is_known = is_known
        self._spend = spend
        self._walks: dict[tuple[str | None, Step | None], _Walk] = {}

    def find(self, resource_name: str, type_name: str, *, without: Step | None = None) -> tuple[Step, ...]:
        """Return the way from a type name to what it stands for, the target of the last step; (): there is none.

        `without` is a step of the user's registry that is passed over, as if its entry were not there. Raise
        INVALID_RESOURCE_TYPE for aliases that lead in a circle, and for more than 50 one after the other.
        """
        has_own = any(_own_entries(registry, resource_name) for registry in self._registries)
        return self._walk(resource_name if has_own else None, without).find(type_name)

    def template_entry(self, resource_name: str, type_name: str) -> Step | None:
        """Return the step of the user's registry that makes the type a template; None: none does."""
        steps = self.find(resource_name, type_name)
        return steps[-1] if steps and steps[-1].level == USER and steps[-1].is_entry else None

    def is_registered(self, name: str) -> bool:
        """Return whether there is a registered type of a name, taken away or not."""
        return self._is_known(name)

    def ways_on(self, name: str, resource_name: str | None) -> list[Step]:
        """Return the ways on from a name, the first to try first."""
        looks = sum(level.looks for level in self._levels)
        self._spend(_NAME + _LOOK * looks)
        found = [step for level in self._levels for step in level.candidates(name, resource_name)]
        # An entry of the operator takes the place of the registered type: it does not hide it.
        if self._is_known(name) and not self._levels[OPERATOR].replaces(name):
            found.append(Step(OPERATOR, -1, (name,), name, name, True))
        return sorted(found)

    @cached_property
    def _levels(self) -> list[_Level]:
        self._spend(sum(map(len, self._registries)))
        return [_Level(index, registry) for index, registry in enumerate(self._registries)]

    def _walk(self, resource_name: str | None, without: Step | None) -> _Walk:
        key = (resource_name, without)
        if key not in self._walks:
            # What leads nowhere with all entries leads nowhere with one less.
            dead = frozenset() if without is None else self._walk(resource_name, None).dead
            self._walks[key] = _Walk(self, resource_name, without, dead)
        return self._walks[key]


class _Walk:
    """Follows names; remembers those that lead nowhere, so that no path is walked twice, and the ways it found."""

    def __init__(self, search: Search, resource_name: str | None, without: Step | None, dead: AbstractSet[str]) -> None:
        self.dead: set[str] = set()
        self._dead_anyway = dead
        self._search = search
        self._resource_name = resource_name
        self._without = without
        self._found: dict[str, tuple[Step, ...]] = {}

    def find(self, name: str) -> tuple[Step, ...]:
        if name not in self._found:  # only whole ways: how long one may still be depends on where it began
            self._found[name] = self._follow(name, ())
        return self._found[name]

    def _follow(self, name: str, trail: tuple[str, ...]) -> tuple[Step, ...]:
        if name in self.dead or name in self._dead_anyway:
            return ()
        if name in trail:
            circle = " → ".join((*trail[trail.index(name) :], name))
            text = f"the type {name} can't be found: its entries in the resource_registry lead in a circle: {circle}"
            raise EngineError(Code.INVALID_RESOURCE_TYPE, text, type_name=name)
        if len(trail) >= _MAX_ALIASES:
            text = f"the type {trail[0]} leads through more than {_MAX_ALIASES} entries of the resource_registry"
            raise EngineError(Code.INVALID_RESOURCE_TYPE, text, type_name=name)
        for step in self._search.ways_on(name, self._resource_name):
            if self._is_passed_over(step):
                continue
            if step.is_final:
                return (step,)
            further = self._follow(step.target, (*trail, name))
            if further:
                return (step, *further)
        self.dead.add(name)
        return ()

    def _is_passed_over(self, step: Step) -> bool:
        one = self._without
        return one is not None and step.is_entry and (step.level, step.path) == (one.level, one.path)


def _own_entries(registry: Registry, resource_name: str | None) -> Registry:
    found = None if resource_name is None else (registry.get(RESOURCES) or {}).get(resource_name)
    return found if isinstance(found, Mapping) else {}


class _Level:
    """One registry."""

    def __init__(self, index: int, registry: Registry) -> None:
        self._index = index
        self._registry = registry
        self._wildcards = _Prefixes(registry, str)
        self._removed = _Prefixes(registry, NoneType)

    @property
    def looks(self) -> int:
        """How often a name is looked up."""
        return 1 + len(self._wildcards.lengths)

    def replaces(self, name: str) -> bool:
        """Return whether an entry takes the place of a registered type, or takes it away."""
        has_entry = isinstance(self._registry.get(name, _NOTHING), str | None)
        return has_entry or any(True for _ in self._removed.of(name))

    def candidates(self, name: str, resource_name: str | None) -> Iterator[Step]:
        """Yield the ways on from a name. That of a template file stands for the file, whatever its entry says."""
        is_file = is_template_file(name)
        if is_file and self._index == USER:
            yield self._step((name,), name, name, is_final=True)
        own = _own_entries(self._registry, resource_name)
        for place, entries in (((), self._registry), ((RESOURCES, str(resource_name)), own)):
            value = entries.get(name)
            if isinstance(value, str) and is_file:
                yield self._step((*place, name), name, name, is_final=True)
            elif isinstance(value, str) and value != name:
                yield self._step((*place, name), name, value, is_final=is_template_file(value))
        for prefix, value in self._wildcards.of(name):
            if name == value:  # else a wildcard would match its own value
                continue
            target = value[:-1] + name[len(prefix) :] if value.endswith("*") else value
            if target != name:
                # Heat passes over wildcards for a template file; who writes one wants the template.
                yield self._step((f"{prefix}*",), name, target, is_final=is_template_file(target))

    def _step(self, path: tuple[str, ...], name: str, target: str, *, is_final: bool) -> Step:
        return Step(self._index, -len(path), path, name, target, is_final)


class _Prefixes:
    """The entries of a registry that are for all names with a prefix, found without a look at each of them."""

    def __init__(self, registry: Registry, kind: type) -> None:
        entries = registry.items()
        self._values = {key[:-1]: value for key, value in entries if key.endswith("*") and isinstance(value, kind)}
        self.lengths = sorted({len(prefix) for prefix in self._values})

    def of(self, name: str) -> Iterator[tuple[str, Any]]:
        """Yield the prefixes of a name, with their values."""
        for length in self.lengths:
            prefix = name[:length]
            if len(prefix) == length and prefix in self._values:
                yield prefix, self._values[prefix]
