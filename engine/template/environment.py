"""Environments: values for parameters, and which type a type name stands for (templates.md §13).

Called by usecases, which merge what a request brings, and by `target`. An environment is stored as the map of
`as_map`, and comes back through `from_map`. `environment_check` says what is wrong with one, `environment_files` merges
several, `restrictions` reads hooks and restricted actions, `registry` resolves types. In a registry null says "there
is no such entry": it takes away what lies below it, and means nothing any more once the environment is stored.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import chain
from types import MappingProxyType
from typing import Any, Final

from engine.model.errors import Code, EngineError, TemplateInvalid
from engine.model.problems import Problem
from engine.template import aliases, environment_check
from engine.template import source as texts
from engine.template.aliases import Search
from engine.template.environment_check import Sinks
from engine.template.source import DEFAULT_LIMITS, Document, Limits

RESOURCES: Final = aliases.RESOURCES  # key of the registry below which entries for single resources stand


@dataclass(frozen=True, slots=True, repr=False)
class Environment:
    """What a request brings beside the template. Without a `repr`: values may be secret."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    parameter_defaults: Mapping[str, Any] = field(default_factory=dict)
    resource_registry: Mapping[str, Any] = field(default_factory=dict)
    event_sinks: Sequence[Mapping[str, Any]] = ()
    parameter_merge_strategies: Mapping[str, str] = field(default_factory=dict)
    encrypted_param_names: Sequence[str] = ()

    def as_map(self) -> dict[str, Any]:
        """Return the environment as plain data, without the sections that are empty; parameters are always there."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        found["resource_registry"] = _without_null(self.resource_registry)
        plain = {name: dict(value) if isinstance(value, Mapping) else list(value) for name, value in found.items()}
        return {name: value for name, value in plain.items() if value or name == "parameters"}


EMPTY: Final = Environment()
NO_SINKS: Final[Sinks] = MappingProxyType({})


def read(text: str, *, source: str = "", limits: Limits = DEFAULT_LIMITS, sinks: Sinks = NO_SINKS) -> Environment:
    """Return the environment of a YAML text; raise `TemplateInvalid` with all problems, `source` names the file.

    `sinks` are the event sinks that this engine knows. The code of a problem is INVALID_ENVIRONMENT, or
    INVALID_BREAKPOINT_HOOK or INVALID_MERGE_STRATEGY where it is about one.
    """
    try:
        document = _document(text, source, limits)
    except TemplateInvalid as error:
        wrong = (replace(problem, code=Code.INVALID_ENVIRONMENT) for problem in error.problems)
        raise TemplateInvalid(_in_environment(wrong)) from None
    return from_document(document, sinks=sinks)


def _document(text: str, source: str, limits: Limits) -> Document:
    """Return the document of a text: YAML, or JSON that is none; programs escape rarer characters in pairs."""
    try:
        return texts.load_yaml(text, name=source, limits=limits)
    except TemplateInvalid as error:
        if not text.lstrip().startswith("{"):
            raise
        document = texts.load(text, name=source, limits=limits)
        try:
            json.dumps(document.data, ensure_ascii=False).encode()
        except UnicodeEncodeError:  # half a pair is no text
            raise error from None
        return document


def from_map(data: Mapping[str, Any]) -> Environment:
    """Return the environment of plain data; raise `TemplateInvalid` with all problems.

    Sinks are not checked: they were when the environment came, and those an engine knows may change.
    """
    return from_document(Document(dict(data)))


def from_document(document: Document, *, sinks: Sinks | None = None) -> Environment:
    """Return the environment of a text that is read; None for `sinks`: they are not checked."""
    problems = list(environment_check.problems(document, sinks=sinks))
    if problems:
        raise TemplateInvalid(_in_environment(problems))
    sections = {str(name): value for name, value in document.data.items()}
    for name in environment_check.MAPS:
        sections[name] = {str(key): value for key, value in sections.get(name, {}).items()}
    sections["resource_registry"] = _with_text_keys(sections["resource_registry"])
    for name in environment_check.LISTS:
        sections[name] = tuple(sections.get(name, ()))
    return Environment(**sections)


def with_parameters(environment: Environment, parameters: Mapping[str, Any]) -> Environment:
    """Return an environment as it counts when nothing lies below it, and the request's parameters over it."""
    found = overlay(EMPTY, environment)
    return replace(found, parameters=overlaid(found.parameters, parameters))


def overlay(below: Environment, above: Environment) -> Environment:
    """Return one environment laid over another: per entry the upper one wins, and null only in the registry.

    Sinks are appended, but for those that are there already: an update with the same environment adds none. How
    parameters were to be merged has had its effect before, and is forgotten.
    """
    return Environment(
        parameters=overlaid(below.parameters, above.parameters),
        parameter_defaults=overlaid(below.parameter_defaults, above.parameter_defaults),
        resource_registry=laid_over(below.resource_registry, above.resource_registry),
        event_sinks=united(below.event_sinks, above.event_sinks),
        encrypted_param_names=united(below.encrypted_param_names, above.encrypted_param_names),
    )


def overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return one section laid over another, entry by entry; null does not count."""
    return {**below, **{name: value for name, value in above.items() if value is not None}}


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return one resource_registry laid over another, entries for resources inside each other (templates.md §13.4).

    Null takes away the entry below it, or with `A::*` all whose names begin so, and stays as a note of that for what
    this is laid over in turn. The order counts: what stands after a null is there again.
    """
    found: dict[str, Any] = {}
    for name, value in chain(below.items(), above.items()):
        if name == RESOURCES and value is None:
            continue
        if value is None and name.endswith("*"):
            found = {key: old for key, old in found.items() if not _has_prefix(key, old, name[:-1])}
        old = found.pop(name, None)
        if isinstance(value, Mapping):
            found[name] = laid_over(old if isinstance(old, Mapping) else {}, value)
        else:
            found[name] = value
    return found


def _has_prefix(name: str, value: Any, prefix: str) -> bool:
    """Return whether an entry is one of a type whose name begins so."""
    return isinstance(value, str) and name.startswith(prefix) and name not in environment_check.WORDS


def united(below: Sequence[Any], above: Sequence[Any]) -> tuple[Any, ...]:
    """Return two lists as one, without what the first has already."""
    return (*below, *(one for one in above if one not in below))


def child_environment(
    environment: Environment,
    resource_name: str,
    type_name: str,
    parameters: Mapping[str, Any],
    *,
    search: Search,
) -> Environment:
    """Return the environment of the stack that is nested in a resource (templates.md §13.8).

    It is that of the parent with the child's parameters, without the entry that made this resource a template
    (so that a template may implement a type with the real one), and with what the registry says of resources
    inside this one. `search` is one in the environment's own registry.
    """
    registry = _without_template(environment.resource_registry, search, resource_name, type_name)
    inner = _inner_resources(environment.resource_registry.get(RESOURCES) or {}, resource_name)
    registry.pop(RESOURCES, None)
    if inner:
        registry[RESOURCES] = inner
    return replace(
        environment,
        parameters=dict(parameters),
        resource_registry=registry,
        parameter_merge_strategies={},
        encrypted_param_names=(),
    )


def _without_template(
    registry: Mapping[str, Any], search: Search, resource_name: str, type_name: str
) -> dict[str, Any]:
    """Return a registry without the entry that makes the type of a resource a template.

    The type then stands for what it would stand for otherwise. With aliases, it is the last of them that goes.
    """
    try:
        entry = search.template_entry(resource_name, type_name)
    except EngineError:  # a circle, which is reported where the type is resolved
        entry = None
    return dict(registry) if entry is None else _without(registry, entry.path)


def _without(entries: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    first, *rest = path
    if not rest:
        return {name: value for name, value in entries.items() if name != first}
    return {**entries, first: _without(entries[first], tuple(rest))}


def _inner_resources(entries: Mapping[str, Any], resource_name: str) -> dict[str, Any]:
    """Return the entries for resources that are nested in this one; those of a name win over those of wildcards."""
    matching = [value for pattern, value in entries.items() if fnmatch.fnmatchcase(resource_name, pattern)]
    inner: dict[str, Any] = {}
    for one in (*matching, entries.get(resource_name)):
        if isinstance(one, Mapping):
            inner |= {name: value for name, value in one.items() if isinstance(value, Mapping)}
    return inner


def _without_null(entries: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _without_null(value) if isinstance(value, Mapping) else value
        for name, value in entries.items()
        if value is not None
    }


def _with_text_keys(entries: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        str(name): _with_text_keys(value) if isinstance(value, Mapping) else value for name, value in entries.items()
    }


def _in_environment(problems: Iterable[Problem]) -> Iterator[Problem]:
    """Yield the problems below `environment`, so that nobody looks for them in the template."""
    return (problem.under("environment") for problem in problems)
