"""Definitions from what callers give: environments merged, and for an update in part, what is stored kept.

Nothing is stored here; a definition is a value until the transaction that stores it together with its stack.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from engine.model.errors import Code, EngineError, TemplateInvalid
from engine.model.ids import DefinitionId
from engine.model.problems import Problem
from engine.model.records import Definition
from engine.template import environment
from engine.template.environment import Environment
from engine.usecases.commands import Given


@dataclass(frozen=True, slots=True)
class Definitions:
    """Makes definitions."""

    new_id: Callable[[], str]

    def of(self, given: Given) -> Definition:
        """Return what is given as a definition of its own; raise TemplateInvalid where it can't be read."""
        if not given.template:
            raise EngineError(Code.INVALID_ARGUMENT, "no template was given", field="template")
        environment_ = _environment(given)
        return Definition(DefinitionId(self.new_id()), given.template, dict(given.files), environment_.as_map())

    def upon(self, stored: Definition, given: Given, clear_parameters: Sequence[str]) -> Definition:
        """Return the stored definition with what is given laid over it (an update with `existing`, rpc.md §3.3)."""
        kept = environment.from_map(stored.environment)
        parameters = {name: value for name, value in kept.parameters.items() if name not in clear_parameters}
        merged = environment.overlay(replace(kept, parameters=parameters), _environment(given))
        return Definition(
            DefinitionId(self.new_id()),
            given.template or stored.template,
            {**stored.files, **given.files},
            merged.as_map(),
        )


def _environment(given: Given) -> Environment:
    """Return the environment that is given, as one."""
    if not given.environment_files:
        return environment.merge([environment.read(given.environment)], parameters=given.parameters)
    missing = [name for name in given.environment_files if name not in given.files]
    if missing:
        raise TemplateInvalid(
            Problem(("environment_files", name), "is not among the files of the request", code="INVALID_ENVIRONMENT")
            for name in missing
        )
    texts = [(name, given.files[name]) for name in given.environment_files]
    read = [environment.read(text, source=name) for name, text in texts]
    return environment.merge_files(read, parameters=given.parameters)
