"""What is wrong with the text of an environment: sections, entries, hooks, strategies, sinks (templates.md §13).

Called by `environment`. Everything is told, each with its path in the environment and its line.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from engine.model.errors import Code
from engine.model.problems import Path, Problem
from engine.schema import properties, types
from engine.schema.hints import Hints
from engine.schema.properties import PropertySchema
from engine.template.aliases import RESOURCES
from engine.template.source import Document
from engine.template.tree import kind_of

MOST_SINKS: Final = 20  # of an environment: each of them gets every event
HOOKS: Final = ("pre-create", "pre-update", "pre-delete", "post-create", "post-update", "post-delete")
RESTRICTED_ACTIONS: Final = ("update", "replace")
OVERWRITE: Final = "overwrite"
DEEP_MERGE: Final = "deep_merge"
STRATEGIES: Final = (OVERWRITE, "merge", DEEP_MERGE)
LISTS: Final = ("event_sinks", "encrypted_param_names")
MAPS: Final = ("parameters", "parameter_defaults", "resource_registry", "parameter_merge_strategies")
SECTIONS: Final = (*MAPS, *LISTS)
WORDS: Final[Mapping[str, tuple[Collection[str], str, Code]]] = {  # key → words, what they are, code if they are not
    "hooks": (HOOKS, "a hook", Code.INVALID_BREAKPOINT_HOOK),
    "restricted_actions": (RESTRICTED_ACTIONS, "an action that can be restricted", Code.INVALID_RESTRICTED_ACTION),
}

Sinks = Mapping[str, Mapping[str, PropertySchema]]  # the types of event sinks there are, and their arguments
Check = Callable[[Any], Iterator[Problem]]


def problems(document: Document, *, sinks: Sinks | None) -> Iterator[Problem]:
    """Yield what is wrong with an environment; None for `sinks`: neither their types nor arguments are checked."""
    checker = _Checker(document, sinks)
    checks: Mapping[str, Check] = {
        "resource_registry": checker.registry,
        "parameter_merge_strategies": checker.strategies,
        "event_sinks": checker.sinks,
        "encrypted_param_names": checker.names,
    }
    for name, value in document.data.items():
        if name not in SECTIONS:
            hint = checker.hints.near(SECTIONS, name)
            yield checker.problem((str(name),), f'"{name}" is not a section of an environment{hint}')
        elif value is None:
            nothing = "[]" if name in LISTS else "{}"
            yield checker.problem((name,), f"the section is empty; leave it out, or write {nothing}")
        elif not isinstance(value, list | tuple if name in LISTS else Mapping):
            wanted = "a list" if name in LISTS else "a map"
            yield checker.problem((name,), f"the section has to be {wanted}, and is {kind_of(value)}")
        elif name in checks:
            yield from checks[name](value)


class _Checker:
    """Checks the sections of one environment, each by its own method."""

    def __init__(self, document: Document, sinks: Sinks | None) -> None:
        self.hints = Hints()
        self._document = document
        self._sinks = sinks

    def problem(self, path: Path, summary: str, code: Code = Code.INVALID_ENVIRONMENT) -> Problem:
        """Return a problem at a path of the keys as they were written; those that are no text are shown as text."""
        problem = self._document.problem(path, summary, code)
        return replace(problem, path=tuple(part if type(part) in {str, int} else str(part) for part in path))

    def strategies(self, section: Mapping[Any, Any]) -> Iterator[Problem]:
        for name, value in section.items():
            if value not in STRATEGIES:
                hint = f"known: {', '.join(STRATEGIES)}"
                summary = f"{types.shown(value)} is not a strategy for merging; {hint}"
                yield self.problem(("parameter_merge_strategies", name), summary, Code.INVALID_MERGE_STRATEGY)

    def sinks(self, section: Collection[Any]) -> Iterator[Problem]:
        if self._sinks is not None and len(section) > MOST_SINKS:
            yield self.problem(
                ("event_sinks",), f"at most {MOST_SINKS} sinks are allowed, and there are {len(section)}"
            )
            return
        for index, sink in enumerate(section):
            path = ("event_sinks", index)
            if not isinstance(sink, Mapping):
                yield self.problem(path, f"a sink has to be a map with its type, and is {kind_of(sink)}")
            elif "type" not in sink:
                yield self.problem(path, "a sink has to have a type, and this one has none")
            elif not isinstance(sink["type"], str):
                summary = f"the type of a sink has to be a string, and is {kind_of(sink['type'])}"
                yield self.problem((*path, "type"), summary)
            elif self._sinks is not None:
                yield from self._sink(self._sinks, sink, path)

    def _sink(self, known: Sinks, sink: Mapping[Any, Any], path: Path) -> Iterator[Problem]:
        """Yield what is wrong with a sink that has a type."""
        schemas = known.get(sink["type"])
        if schemas is None:
            hint = self.hints.near(known, sink["type"])
            yield self.problem((*path, "type"), f'no sink of type "{sink["type"]}" is known to this engine{hint}')
            return
        arguments = {name: value for name, value in sink.items() if name != "type"}
        for problem in properties.resolve(schemas, arguments, hints=self.hints).problems:
            yield self.problem((*path, *problem.path), problem.summary)

    def names(self, section: Collection[Any]) -> Iterator[Problem]:
        for index, name in enumerate(section):
            if not isinstance(name, str):
                summary = f"the name of a parameter has to be a string, and is {kind_of(name)}"
                yield self.problem(("encrypted_param_names", index), summary)

    def registry(self, section: Mapping[Any, Any]) -> Iterator[Problem]:
        for name, value in section.items():
            path = ("resource_registry", name)
            if name == RESOURCES:
                yield from self._resources(value, path)
            elif name in WORDS:
                summary = f"{name} are set for resources: below resource_registry.{RESOURCES}.<name of the resource>"
                yield self.problem(path, summary)
            elif not isinstance(value, str | None):
                summary = f"an entry maps the name of a type to a name or to null, and this is {kind_of(value)}"
                yield self.problem(path, summary)

    def _resources(self, entries: Any, path: Path) -> Iterator[Problem]:
        if entries is None:
            return
        if not isinstance(entries, Mapping):
            yield self.problem(path, f"the entries for resources have to be a map, and are {kind_of(entries)}")
            return
        for name, value in entries.items():
            if isinstance(value, Mapping):
                yield from self._resource(value, (*path, name))
            elif value is not None:
                summary = f'the entries for the resource "{name}" have to be a map, and are {kind_of(value)}'
                yield self.problem((*path, name), summary)

    def _resource(self, entries: Mapping[Any, Any], path: Path) -> Iterator[Problem]:
        """Yield what is wrong with the entries for a resource; below it stand those for resources nested in it."""
        for name, value in entries.items():
            here = (*path, name)
            if name in WORDS:
                yield from self._words(name, value, here)
            elif isinstance(value, Mapping):
                yield from self._resource(value, here)
            elif not isinstance(value, str | None):
                yield self.problem(here, f"an entry has to be a name, null or a map, and is {kind_of(value)}")

    def _words(self, key: str, value: Any, path: Path) -> Iterator[Problem]:
        known, what, code = WORDS[key]
        if value is None:
            return
        many = isinstance(value, list | tuple)
        for index, word in enumerate(value if many else [value]):
            if word not in known:
                summary = f"{types.shown(word)} is not {what}; known: {', '.join(known)}"
                yield self.problem((*path, index) if many else path, summary, code)
