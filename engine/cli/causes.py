"""Where in the user's own files a failure comes from.

A failed resource is known by the resources that lead down to it. Each step down is looked up in the template
of its stack, and leads to the template of the next: by the resource's type, if that is a file, or by what the
environments map the type to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import yaml

from engine.cli.files import composed, entries, key_of, scalars, section


@dataclass(frozen=True, slots=True)
class Sources:
    """The texts that a stack was made from."""

    name: str  # of the template, as its user calls it
    template: str
    files: Mapping[str, str] = field(default_factory=dict)
    environments: tuple[str, ...] = ()


class Failure(Protocol):
    """Something that failed."""

    @property
    def type(self) -> str:
        """Return the type of the resource."""

    @property
    def state(self) -> str:
        """Return `CREATE_FAILED` and the like."""

    @property
    def reason(self) -> str:
        """Return what its provider or the engine said."""


def explain(names: Sequence[str], failure: Failure, sources: Sources) -> list[str]:
    """Return the lines that say what failed first, where, and why; `names` lead from the root to it."""
    path = ".".join(f"resources.{name}" for name in names)
    return [f"{_place(names, sources)}{path} ({failure.type}), {failure.state}", failure.reason]


def count_of_resources(template: str) -> int | None:
    """Return how many resources a template declares; None if it cannot be told."""
    resources = section(composed(template), "resources")
    return len(resources.value) if isinstance(resources, yaml.MappingNode) else None


def _place(names: Sequence[str], sources: Sources) -> str:
    """Return `file, line 7: `, or nothing if the texts do not tell."""
    mapped = dict(_mappings(sources.environments))
    name, text = sources.name, sources.template
    for above in names[:-1]:
        kind = getattr(section(composed(text), "resources", above, "type"), "value", "")
        file = mapped.get((above, kind)) or mapped.get(("", kind)) or kind
        name, text = file, sources.files.get(file, "")
        if not text:
            return ""
    key = key_of(section(composed(text), "resources"), names[-1])
    return f"{name}, line {key.start_mark.line + 1}: " if key is not None else ""


def _mappings(environments: Iterable[str]) -> Iterable[tuple[tuple[str, str], str]]:
    """Yield (resource name or "", type) and what stands for the type there."""
    for text in environments:
        registry = section(composed(text), "resource_registry")
        own = section(registry, "resources")
        types = {"": registry, **dict(entries(own))}
        for name, node in types.items():
            yield from (((name, kind), text) for kind, text in scalars(node))
