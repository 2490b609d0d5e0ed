"""Which implementation a type name stands for in an environment (templates.md §13.4).

Called by `checker`. A name is followed through aliases and wildcards, of the user and of the operator, until it is
a template file or a registered type; an entry that leads nowhere is passed over for the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from engine.model.errors import Code, EngineError
from engine.template import aliases
from engine.template import environment as environments
from engine.template.aliases import OPERATOR, RESOURCES, IsKnown, Search, Spend, Step
from engine.template.environment import Environment

_NOBODY: Final[Mapping[str, Any]] = {}


def search_of(
    environment: Environment,
    *,
    is_known: IsKnown,
    operator: Mapping[str, Any] = _NOBODY,
    spend: Spend = aliases.spend_nothing,
) -> Search:
    """Return the search for the types of a template; `operator` is the registry of the global environment."""
    return Search((environment.resource_registry, operator), is_known=is_known, spend=spend)


def resolve_type(search: Search, resource_name: str, type_name: str, *, without: Step | None = None) -> str:
    """Return the registered type or template file behind a type name; where there is none, the name itself.

    `without` is an entry that is passed over. Raise INVALID_RESOURCE_TYPE for aliases that lead in a circle, and
    STACK_VALIDATION_FAILED for a registered type that the operator has taken away.
    """
    steps = search.find(resource_name, type_name, without=without)
    if steps:
        return steps[-1].target
    if search.is_registered(type_name):
        text = f'there is no resource type "{type_name}": the environment of the operator takes it away'
        raise EngineError(Code.STACK_VALIDATION_FAILED, text, type_name=type_name)
    return type_name


def pinned(
    environment: Environment,
    uses: Iterable[tuple[str, str]],
    *,
    is_known: IsKnown,
    operator: Mapping[str, Any],
) -> Environment:
    """Return the environment with what the operator's registry makes of the types that a template uses.

    `uses` are names of resources, each with its type. So a stored definition means the same after the operator's
    entries have changed; the operator's template files have to be stored with it. That the operator takes a type
    away can't be written down so. Errors are those of `resolve_type`.
    """
    for_all: dict[str, Any] = {}
    for_one: dict[str, dict[str, str]] = {}
    search = search_of(environment, is_known=is_known, operator=operator)
    for resource_name, type_name in uses:
        steps = search.find(resource_name, type_name)
        first = next((step for step in steps if step.level == OPERATOR and step.is_entry), None)
        if first is None:
            continue
        entries = for_all if len(first.path) == 1 else for_one.setdefault(resource_name, {})
        entries[first.name] = steps[-1].target
    found = for_all | ({RESOURCES: for_one} if for_one else {})
    return replace(environment, resource_registry=environments.laid_over(environment.resource_registry, found))
