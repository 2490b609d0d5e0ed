"""Several environment files made into one, each parameter by its strategy (templates.md §13.3).

Called by `usecases.definitions`. The files are laid over each other and over the parameters of the request: a value
in a file wins over the same parameter of the request, as it does in Heat. Where Heat stumbles we go on: numbers are
summed, text with commas and lists are merged with each other, sinks are appended, a parameter that no template knows is
kept, to be reported; and a strategy that there is not is refused when the file is read. Messages never repeat values:
the parameter may be a hidden one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from engine.model.errors import Code, TemplateInvalid
from engine.model.problems import Problem
from engine.schema import types as values
from engine.schema.types import BadValue
from engine.template import coercion
from engine.template import environment as environments
from engine.template.declarations import ParameterType, Template
from engine.template.environment import EMPTY, Environment
from engine.template.environment_check import DEEP_MERGE, OVERWRITE

_DEFAULT: Final = "default"  # key of the strategy for parameters that have none of their own
_SECTIONS: Final = ("parameters", "parameter_defaults")
_WANTED: Final[Mapping[ParameterType, str]] = {
    ParameterType.NUMBER: "numbers",
    ParameterType.LIST: "lists, or text with commas",
    ParameterType.JSON: "JSON",
}


def has_strategies(environments_: Iterable[Environment]) -> bool:
    """Return whether anything is asked for but to overwrite: only then the types of parameters matter."""
    strategies = (one.parameter_merge_strategies.values() for one in environments_)
    return any(strategy != OVERWRITE for found in strategies for strategy in found)


def parameter_types(templates: Iterable[Template]) -> dict[str, ParameterType]:
    """Return the types of all parameters of templates; where two have one of the same name, the later one's."""
    return {name: schema.type for one in templates for name, schema in one.parameters.items()}


def merge_files(
    environments_: Sequence[tuple[str, Environment]],
    *,
    parameters: Mapping[str, Any],
    types: Mapping[str, ParameterType],
) -> Environment:
    """Return the environments of files as one; each comes with the name of its file, the last is on top.

    `types` are those of all parameters of all templates (`parameter_types`). Raise `TemplateInvalid` with the code
    INVALID_MERGE_STRATEGY for a strategy that conflicts with that of an earlier file or does not go with the type
    of its parameter, and with INVALID_ENVIRONMENT for values that are not of the type.
    """
    merger = _Merger(types)
    merged = replace(EMPTY, parameters=_given(parameters))
    for file, one in environments_:
        merged = merger.take(file, merged, one)
    if merger.problems:
        raise TemplateInvalid(problem.under("environment") for problem in merger.problems)
    return environments.overlay(EMPTY, merged)


class _Merger:
    """Merges one file after the other, and knows the strategies that the earlier ones fixed."""

    def __init__(self, types: Mapping[str, ParameterType]) -> None:
        self._types = types
        self._fixed: dict[str, str] = {}
        self.problems: list[Problem] = []

    def take(self, file: str, below: Environment, above: Environment) -> Environment:
        """Return the environments of the files before with that of this one on top."""
        self.problems += self._fix(file, above)
        return Environment(
            parameters=self._section(file, _SECTIONS[0], below.parameters, above.parameters),
            parameter_defaults=self._section(file, _SECTIONS[1], below.parameter_defaults, above.parameter_defaults),
            resource_registry=_registry(below.resource_registry, above.resource_registry),
            event_sinks=environments.united(below.event_sinks, above.event_sinks),
            encrypted_param_names=environments.united(below.encrypted_param_names, above.encrypted_param_names),
        )

    def _fix(self, file: str, above: Environment) -> Iterator[Problem]:
        """Fix the strategies of the parameters that this file is the first to have; yield those that conflict."""
        strategies = above.parameter_merge_strategies
        for name in environments.overlaid(_given(above.parameters), above.parameter_defaults):
            if name not in self._types:
                continue
            default = self._fixed.get(name) or strategies.get(_DEFAULT, OVERWRITE)
            wanted = strategies.get(name, default)
            fixed = self._fixed.setdefault(name, wanted)
            if wanted != fixed:
                text = f"the strategy is {wanted}, but the first file that has the parameter fixed {fixed}"
                yield _problem(("parameter_merge_strategies", name), text, file, Code.INVALID_MERGE_STRATEGY)

    def _section(self, file: str, section: str, below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
        found = dict(below)
        for name, value in _given(above).items():
            strategy = self._fixed.get(name, OVERWRITE)
            if strategy == OVERWRITE or found.get(name) is None:
                found[name] = value
                continue
            kind = self._types[name]
            path = (section, name)
            if kind is ParameterType.BOOLEAN:
                text = f"the strategy {strategy} does not go with booleans; they can be overwritten only"
                self.problems.append(_problem(path, text, file, Code.INVALID_MERGE_STRATEGY))
                continue
            try:
                found[name] = _MERGERS[kind](found[name], value, strategy == DEEP_MERGE)
            except BadValue:
                text = f"the strategy is {strategy}, and the value or an earlier one can't be merged: "
                text += f"both have to be {_WANTED[kind]}"
                self.problems.append(_problem(path, text, file, Code.INVALID_ENVIRONMENT))
        return found


def _given(section: Mapping[str, Any]) -> dict[str, Any]:
    return environments.overlaid({}, section)


def _problem(path: tuple[str, ...], text: str, file: str, code: Code) -> Problem:
    return Problem(path, text, source=file, code=code)


def _registry(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return one registry over another: entry by entry, `resources` as a whole, and null does not count."""
    return environments.overlaid(below, above) if below else dict(above)


def _strings(old: Any, new: Any, _: bool) -> str:
    return coercion.text_of(old) + coercion.text_of(new)


def _numbers(old: Any, new: Any, _: bool) -> int | float:
    return values.number(values.number(old) + values.number(new))


def _lists(old: Any, new: Any, _: bool) -> Any:
    if isinstance(old, str) and isinstance(new, str):
        return ",".join(text for text in (old, new) if text)
    return [*_items(old), *_items(new)]


def _items(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else coercion.coerce(ParameterType.LIST, value)


def _trees(old: Any, new: Any, deep: bool) -> Any:
    """Return JSON merged with JSON; text is read. Where nothing can be merged, the new value stands."""
    old, new = (coercion.coerce(ParameterType.JSON, value) for value in (old, new))
    if new in (None, ""):
        return old
    if isinstance(old, list) and isinstance(new, list):
        return [*old, *new]
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return _deeply(old, new) if deep else environments.overlaid(old, new)
    return new


def _deeply(old: Any, new: Any) -> Any:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        merged = {name: _deeply(old[name], value) if name in old else value for name, value in _given(new).items()}
        return {**old, **merged}
    if isinstance(old, list) and isinstance(new, list):
        return [*old, *new]
    if isinstance(old, str) and isinstance(new, str):
        return old + new
    return new


_MERGERS: Final = {
    ParameterType.STRING: _strings,
    ParameterType.NUMBER: _numbers,
    ParameterType.LIST: _lists,
    ParameterType.JSON: _trees,
}
