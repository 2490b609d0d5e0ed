"""Where in the user's own files a failure comes from.

A failed resource is known by the resources that lead down to it. Each step down is looked up in the template
of its stack, and leads to the template of the next: by the resource's type, if that is a file, or by what the
environments map the type to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from engine.cli.files import composed, entries, key_of, scalars, section
from engine.cli.progress import Seen


@dataclass(frozen=True, slots=True)
class Sources:
    """The texts that a stack was made from."""

    name: str  # of the template, as its user calls it
    template: str
    files: Mapping[str, str] = field(default_factory=dict)
    environments: tuple[str, ...] = ()


def explain(way: Sequence[Seen], sources: Sources) -> list[str]:
    """Return the lines that say what failed first, where, and why; `way` leads from the root to it."""
    leaf = way[-1]
    path = ".".join(f"resources.{seen.name}" for seen in way)
    place = _place([seen.name for seen in way], sources)
    return [f"{place}{path} ({leaf.type}), {leaf.action}_{leaf.status}", leaf.reason]


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
