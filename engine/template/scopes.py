"""What expressions can see: before a walk, and on it.

Made by `target`. Before a walk (`StaticScope`) parameters, files and conditions are known and every resource
is `UNKNOWN`; names are checked. On a walk (`WalkScope`) the values are those of the resources that were
visited.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from engine.model.errors import Code
from engine.model.problems import PathPart
from engine.schema import paths
from engine.schema.attributes import SHOW
from engine.schema.type_schema import TypeSchema
from engine.schema.types import UNKNOWN
from engine.template import expressions
from engine.template.expressions import BadArgument, EvaluationError, Expr, OutOfBudget
from engine.template.facts import NO_CLOUD_ZONES, Facts

_MAX_CHAIN: Final = 50  # conditions that refer to conditions


class _FactScope:
    """The part of every scope that no resource has a say in."""

    __slots__ = ()

    facts: Facts

    def parameter(self, name: str) -> Any:
        """Return a parameter's value."""
        return self.facts.parameter(name)

    def file(self, name: str) -> str:
        """Return the text of a file."""
        return self.facts.file(name)

    def mapping(self, name: str) -> Any:
        """Return a mapping."""
        return self.facts.mapping(name)

    def facade(self, part: str) -> Any:
        """Return what the parent says of the resource that the template stands for."""
        return self.facts.facade_part(part)

    def zones(self) -> list[str]:
        """Return the availability zones."""
        return list(NO_CLOUD_ZONES)

    def query(self, expression: str, data: Any) -> Any:
        """Return what a yaql expression makes of data; refuse where no time is left for it."""
        self.spend(1)
        return self.facts.queries.run(expression, data)

    def check_query(self, expression: str) -> None:
        """Refuse what is no yaql expression, or where no time is left for it."""
        self.spend(1)
        self.facts.queries.check(expression)

    def spend(self, amount: int) -> None:
        """Count what a function makes."""
        self.facts.meter.spend(amount)


class Conditions(_FactScope):
    """The truth of every condition of a template, computed when it is first asked for (templates.md §9)."""

    def __init__(
        self,
        definitions: Mapping[str, Expr],
        facts: Facts,
        *,
        strict: bool = True,
    ) -> None:
        self.facts = facts
        self._definitions = definitions
        self._strict = strict
        self._found: dict[str, Any] = {}  # a boolean, UNKNOWN, or the BadArgument that stands in its way
        self._trail: list[str] = []

    def holds(self, name: str) -> Any:
        """Return whether the condition holds; UNKNOWN if that is not known yet; raise `BadArgument` if it is wrong."""
        if name not in self._found:
            self._found[name] = self._computed(name)
        found = self._found[name]
        if isinstance(found, BadArgument):  # a new one each time: a raised exception collects its tracebacks
            raise BadArgument(str(found), found.code)
        return found

    def settle(self) -> None:
        """Compute every condition now; from then on this object never changes, and threads may share it."""
        for name in self._definitions:
            if name not in self._found:
                self._found[name] = self._computed(name)

    def _computed(self, name: str) -> Any:
        if name not in self._definitions:
            hint = self.facts.hints.near(self._definitions, name)
            return BadArgument(f'there is no condition "{name}"{hint}')
        if name in self._trail:
            circle = " → ".join((*self._trail[self._trail.index(name) :], name))
            return BadArgument(f"the conditions refer to each other in a circle: {circle}")
        if len(self._trail) >= _MAX_CHAIN:
            return BadArgument(f"more than {_MAX_CHAIN} conditions refer to each other in a chain")
        self._trail.append(name)
        try:
            found = expressions.evaluate(self._definitions[name], self)
        except OutOfBudget:
            raise
        except EvaluationError as error:
            inner = error.problem.summary  # of a chain of conditions only the last link is to blame
            text = inner if inner.startswith("the condition") else f'the condition "{name}" has no value: {inner}'
            return BadArgument(text, error.code)
        finally:
            self._trail.pop()
        if isinstance(found, bool) or found is UNKNOWN:
            return found
        return BadArgument(f'the condition "{name}" is neither true nor false')

    # Conditions are themselves the scope of their definitions: they see parameters and each other, and no
    # resource.

    def parameter(self, name: str) -> Any:
        """Return a parameter's value; without values, one that a condition needs is missing after all."""
        value = self.facts.parameter(name)
        if name in self.facts.parameters.missing and not self._strict:
            text = f'the parameter "{name}" has neither a value nor a default, and a condition needs it'
            raise BadArgument(text, Code.PARAMETER_MISSING)
        return value

    def condition(self, name: str) -> Any:
        """Return whether another condition holds."""
        return self.holds(name)

    def reference_id(self, resource: str) -> Any:
        """Refuse: a condition can't read a resource."""
        raise BadArgument(f'a condition can\'t read the resource "{resource}"')

    def attribute(self, resource: str, name: str, path: tuple[Any, ...]) -> Any:
        """Refuse: a condition can't read a resource."""
        raise BadArgument(f'a condition can\'t read {name} of the resource "{resource}" {path}')

    def attributes(self, resource: str) -> Any:
        """Refuse: a condition can't read a resource."""
        raise BadArgument(f'a condition can\'t read the resource "{resource}"')

    def has_resource(self, name: str) -> bool:
        """Return that a condition sees no resource."""
        return False


@dataclass(frozen=True, slots=True)
class StaticScope(_FactScope):
    """What is known before a walk."""

    facts: Facts
    conditions: Conditions
    resources: Mapping[str, TypeSchema]  # those that are there, by name
    disabled: frozenset[str] = frozenset()  # those whose condition does not hold

    def condition(self, name: str) -> Any:
        """Return whether a condition holds."""
        return self.conditions.holds(name)

    def has_resource(self, name: str) -> bool:
        """Return whether there is such a resource."""
        return name in self.resources

    def reference_id(self, resource: str) -> Any:
        """Return UNKNOWN for a resource that is there."""
        self._schema(resource)
        return UNKNOWN

    def attribute(self, resource: str, name: str, path: tuple[Any, ...]) -> Any:
        """Return UNKNOWN for an attribute that the resource's type has."""
        schema = self._schema(resource)
        if name not in schema.attributes and name != SHOW and not schema.any_attribute:
            hint = self.facts.hints.near([*schema.attributes, SHOW], name)
            text = f'the resource "{resource}" ({schema.type_name}) has no attribute "{name}"{hint}'
            raise BadArgument(text, Code.INVALID_TEMPLATE_ATTRIBUTE)
        return UNKNOWN

    def attributes(self, resource: str) -> Any:
        """Return the names of all attributes of the type, each UNKNOWN; UNKNOWN where the type does not list them."""
        schema = self._schema(resource)
        if schema.any_attribute and not schema.attributes:
            return UNKNOWN
        return dict.fromkeys(schema.attributes, UNKNOWN)

    def _schema(self, resource: str) -> TypeSchema:
        schema = self.resources.get(resource)
        if schema is not None:
            return schema
        if resource in self.disabled:
            text = f'the resource "{resource}" is not there, because its condition does not hold'
        else:
            text = f'there is no resource "{resource}"{self.facts.hints.near(self.resources, resource)}'
        raise BadArgument(text, Code.INVALID_TEMPLATE_REFERENCE)


def attribute_key(name: str, path: tuple[PathPart, ...] = ()) -> str:
    """Return the key under which an attribute is stored: its name, or with a path the JSON list of both."""
    return json.dumps([name, *path]) if path else name


@dataclass(frozen=True, slots=True)
class NodeValue:
    """What a visited resource yields to those that refer to it."""

    reference_id: Any
    attributes: Mapping[str, Any] = field(default_factory=dict)  # by `attribute_key`
    is_known: bool = True  # False: a preview can't tell what its attributes will be


UNKNOWN_NODE: Final = NodeValue(UNKNOWN, {}, is_known=False)


@dataclass(frozen=True, slots=True)
class WalkScope(_FactScope):
    """What is known on a walk. A resource that was never visited reads as it does before it is built."""

    facts: Facts
    conditions: Conditions
    resources: Mapping[str, Any]
    values: Mapping[str, NodeValue]

    def condition(self, name: str) -> Any:
        """Return whether a condition holds."""
        return self.conditions.holds(name)

    def has_resource(self, name: str) -> bool:
        """Return whether there is such a resource."""
        return name in self.resources

    def reference_id(self, resource: str) -> Any:
        """Return the reference id; of a resource that is not built its name (templates.md §6.2)."""
        self._check(resource)
        node = self.values.get(resource)
        return resource if node is None else node.reference_id

    def attribute(self, resource: str, name: str, path: tuple[Any, ...]) -> Any:
        """Return an attribute as it was stored with its path, or the part of the whole; None: there is no value."""
        self._check(resource)
        node = self.values.get(resource)
        if node is None:
            return None
        if not node.is_known:
            return UNKNOWN
        key = attribute_key(name, path)
        if key in node.attributes:
            return node.attributes[key]
        return paths.select(node.attributes.get(name), path)

    def attributes(self, resource: str) -> Any:
        """Return every stored attribute but `show`; None: the resource is not built."""
        self._check(resource)
        node = self.values.get(resource)
        if node is None:
            return None
        if not node.is_known:
            return UNKNOWN
        return {key: value for key, value in node.attributes.items() if key != SHOW and not key.startswith("[")}

    def _check(self, resource: str) -> None:
        if resource not in self.resources:
            raise BadArgument(f'there is no resource "{resource}"', Code.INVALID_TEMPLATE_REFERENCE)
