"""Which implementation a type name stands for in an environment (templates.md §13.4).

Called by `checker`. A name is followed through aliases and wildcards until
it is a template file or a registered type; an entry that leads nowhere is passed over for the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from engine.model.errors import Code, EngineError
from engine.template.environment import RESOURCES, Environment

_SUFFIXES: Final = (".yaml", ".template")
_MAX_ALIASES: Final = 50  # one after the other

IsKnown = Callable[[str], bool]


def is_template_file(name: str) -> bool:
    """Return whether a type name is that of a template file."""
    return name.endswith(_SUFFIXES)


def resolve_type(environment: Environment, resource_name: str, type_name: str, *, is_known: IsKnown) -> str:
    """Return the registered type or template file behind a type name; where there is none, the name itself.

    Raise INVALID_RESOURCE_TYPE for aliases that lead in a circle.
    """
    if not environment.resource_registry:
        return type_name
    search = _Search(environment.resource_registry, resource_name, is_known)
    return search.follow(type_name, ()) or type_name


class _Search:
    """Follows one name; remembers the names that lead nowhere, so that no path is walked twice."""

    def __init__(self, registry: Mapping[str, Any], resource_name: str, is_known: IsKnown) -> None:
        self._registry = registry
        own = (registry.get(RESOURCES) or {}).get(resource_name)
        self._own: Mapping[str, Any] = own if isinstance(own, Mapping) else {}
        self._is_known = is_known
        self._dead: set[str] = set()

    def follow(self, name: str, trail: tuple[str, ...]) -> str | None:
        if name in trail:
            circle = " → ".join((*trail[trail.index(name) :], name))
            text = f"the type {name} can't be found: its entries in the resource_registry lead in a circle: {circle}"
            raise EngineError(Code.INVALID_RESOURCE_TYPE, text, type_name=name)
        if len(trail) >= _MAX_ALIASES:
            text = f"the type {trail[0]} leads through more than {_MAX_ALIASES} entries of the resource_registry"
            raise EngineError(Code.INVALID_RESOURCE_TYPE, text, type_name=name)
        if name in self._dead:
            return None
        for candidate in self._candidates(name):
            if is_template_file(candidate):
                return candidate
            found = self.follow(candidate, (*trail, name))
            if found is not None:
                return found
        if is_template_file(name) or self._is_known(name):
            return name
        self._dead.add(name)
        return None

    def _candidates(self, name: str) -> Iterator[str]:
        """Yield what the name may stand for: an entry for this resource, one for all, then wildcards."""
        for entries in (self._own, self._registry):
            if isinstance(value := entries.get(name), str) and value != name:
                yield value
        for pattern in sorted(key for key in self._registry if key.endswith("*")):
            value = self._registry[pattern]
            prefix = pattern[:-1]
            if not isinstance(value, str) or not name.startswith(prefix) or name == value:
                continue
            new = value[:-1] + name[len(prefix) :] if value.endswith("*") else value
            if new != name:
                yield new
