"""Environments: values for parameters, and which type a type name stands for (templates.md §13).

Called by usecases, which merge what a request brings, and by `target`. An environment is stored as the map of
`as_map`, and comes back through `from_map`. What this engine does not do yet (hooks, restrictions, merge
strategies, sinks) is refused: an environment that is half obeyed would build something that nobody asked for.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from engine.model.errors import Code, TemplateInvalid
from engine.model.problems import Path, Problem
from engine.schema import properties
from engine.template import source as texts
from engine.template.source import DEFAULT_LIMITS, Document, Limits
from engine.template.tree import kind_of

RESOURCES: Final = "resources"  # key of the registry below which entries for single resources stand
_LISTS: Final = ("event_sinks", "encrypted_param_names")
_NOT_YET_SECTIONS: Final = ("event_sinks", "parameter_merge_strategies")
_NOT_YET_ENTRIES: Final = ("hooks", "restricted_actions")


@dataclass(frozen=True, slots=True, repr=False)
class Environment:
    """What a request brings beside the template. Without a `repr`: values may be secret."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    parameter_defaults: Mapping[str, Any] = field(default_factory=dict)
    resource_registry: Mapping[str, Any] = field(default_factory=dict)
    event_sinks: Sequence[Any] = ()
    parameter_merge_strategies: Mapping[str, Any] = field(default_factory=dict)
    encrypted_param_names: Sequence[str] = ()

    def as_map(self) -> dict[str, Any]:
        """Return the environment as plain data, without the sections that are empty; parameters are always there."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        plain = {name: dict(value) if isinstance(value, Mapping) else list(value) for name, value in found.items()}
        return {name: value for name, value in plain.items() if value or name == "parameters"}


EMPTY: Final = Environment()


def read(text: str, *, source: str = "", limits: Limits = DEFAULT_LIMITS) -> Environment:
    """Return the environment of a YAML text; raise `TemplateInvalid` with all problems, `source` names the file."""
    try:
        document = texts.load_yaml(text, name=source, limits=limits)
    except TemplateInvalid as error:
        wrong = (replace(problem, code=Code.INVALID_ENVIRONMENT) for problem in error.problems)
        raise TemplateInvalid(_in_environment(wrong)) from None
    return _checked(document)


def from_map(data: Mapping[str, Any]) -> Environment:
    """Return the environment of plain data; raise `TemplateInvalid` with all problems."""
    return _checked(Document(dict(data)))


def merge(environments: Iterable[Environment], *, parameters: Mapping[str, Any]) -> Environment:
    """Return the environments laid over each other, the last on top, and the request's parameters over them all."""
    merged = EMPTY
    for one in environments:
        merged = overlay(merged, one)
    return replace(merged, parameters=_overlaid(merged.parameters, parameters))


def merge_files(environments: Iterable[Environment], *, parameters: Mapping[str, Any]) -> Environment:
    """Return the environments of the request's environment files, the last on top.

    A value in a file wins over the same parameter of the request, as it does in Heat (templates.md §13.3).
    """
    merged = replace(EMPTY, parameters=_overlaid({}, parameters))
    for one in environments:
        merged = overlay(merged, one)
    return merged


def overlay(below: Environment, above: Environment) -> Environment:
    """Return one environment laid over another: per entry the upper one wins, and null never does."""
    return Environment(
        parameters=_overlaid(below.parameters, above.parameters),
        parameter_defaults=_overlaid(below.parameter_defaults, above.parameter_defaults),
        resource_registry=_overlaid(below.resource_registry, above.resource_registry, keep_null=True),
        event_sinks=(*below.event_sinks, *above.event_sinks),
        parameter_merge_strategies=_overlaid(below.parameter_merge_strategies, above.parameter_merge_strategies),
        encrypted_param_names=(*below.encrypted_param_names, *above.encrypted_param_names),
    )


def child_environment(
    environment: Environment, resource_name: str, type_name: str, parameters: Mapping[str, Any]
) -> Environment:
    """Return the environment of the stack that is nested in a resource.

    It is that of the parent with the child's parameters, without the entry that made this resource a template
    (so that a template may implement a type with the real one), and with what the registry says of resources
    inside this one.
    """
    registry = {
        name: value for name, value in environment.resource_registry.items() if name not in (type_name, RESOURCES)
    }
    inner = _inner_resources(environment.resource_registry.get(RESOURCES) or {}, resource_name)
    inner.pop(type_name, None)
    if inner:
        registry[RESOURCES] = inner
    return replace(environment, parameters=dict(parameters), resource_registry=registry, encrypted_param_names=())


def _inner_resources(entries: Mapping[str, Any], resource_name: str) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for pattern, value in entries.items():
        if pattern != resource_name and isinstance(value, Mapping) and fnmatch.fnmatchcase(resource_name, pattern):
            inner |= value
    own = entries.get(resource_name)
    return inner | dict(own) if isinstance(own, Mapping) else inner


def _overlaid(below: Mapping[str, Any], above: Mapping[str, Any], *, keep_null: bool = False) -> dict[str, Any]:
    return {**below, **{name: value for name, value in above.items() if keep_null or value is not None}}


def _in_environment(problems: Iterable[Problem]) -> Iterator[Problem]:
    """Yield the problems below `environment`, so that nobody looks for them in the template."""
    return (problem.under("environment") for problem in problems)


def _checked(document: Document) -> Environment:
    problems = list(_wrong_sections(document))
    if problems:
        raise TemplateInvalid(_in_environment(problems))
    sections = {str(name): value for name, value in document.data.items()}
    for name in ("parameters", "parameter_defaults", "resource_registry"):
        sections[name] = {str(key): value for key, value in sections.get(name, {}).items()}
    return Environment(**sections)


def _wrong_sections(document: Document) -> Iterator[Problem]:
    known = [one.name for one in fields(Environment)]
    for name, value in document.data.items():
        if name not in known:
            hint = properties.known_names(known, str(name))
            yield _problem(document, (str(name),), f'"{name}" is not a section of an environment{hint}')
        elif value is None:
            yield _problem(document, (name,), "the section is empty; leave it out, or write {}")
        elif not isinstance(value, list | tuple if name in _LISTS else Mapping):
            wanted = "a list" if name in _LISTS else "a map"
            yield _problem(document, (name,), f"the section has to be {wanted}, and is {kind_of(value)}")
        elif value and name in _NOT_YET_SECTIONS:
            yield _problem(document, (name,), "not supported yet by this engine")
        elif name == "resource_registry" and isinstance(value, Mapping):
            yield from _wrong_registry(document, value, (name,))


def _wrong_registry(document: Document, registry: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    for name, value in registry.items():
        if name == RESOURCES:
            yield from _wrong_resources(document, value, (*path, name))
        elif not isinstance(value, str | None):
            yield _problem(document, (*path, str(name)), "an entry maps the name of a type to a name, or to null")


def _wrong_resources(document: Document, entries: Any, path: Path) -> Iterator[Problem]:
    if not isinstance(entries, Mapping):
        yield _problem(document, path, f"the entries for resources have to be a map, and are {kind_of(entries)}")
        return
    for name, value in entries.items():
        here = (*path, str(name))
        if name in _NOT_YET_ENTRIES:
            yield _problem(document, here, f"{name}: not supported yet by this engine")
        elif isinstance(value, Mapping):
            yield from _wrong_resources(document, value, here)
        elif not isinstance(value, str | None):
            yield _problem(document, here, f"an entry has to be a name, null or a map, and is {kind_of(value)}")


def _problem(document: Document, path: Path, summary: str) -> Problem:
    return document.problem(path, summary, Code.INVALID_ENVIRONMENT)
