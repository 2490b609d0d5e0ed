"""Definitions from what callers give: environments merged, and for an update in part, what is stored kept.

Nothing is stored here; a definition is a value until the transaction that stores it together with its stack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.model.errors import Code, EngineError, TemplateInvalid
from engine.model.ids import DefinitionId
from engine.model.problems import Problem
from engine.model.records import Definition
from engine.plan.export import Adopted
from engine.schema.hints import Hints
from engine.template import environment, environment_files
from engine.template.declarations import Template
from engine.template.environment import Environment
from engine.template.environment_check import Sinks
from engine.template.source import DEFAULT_LIMITS, Document, Limits
from engine.usecases.commands import Given


@dataclass(frozen=True, slots=True)
class Definitions:
    """Makes definitions."""

    new_id: Callable[[], str]
    parsed: Callable[[str], Template]  # the template of a text; it may remember
    sinks: Sinks = field(default_factory=dict)  # the event sinks that this engine knows
    limits: Limits = DEFAULT_LIMITS

    def of(self, given: Given) -> Definition:
        """Return what is given as a definition of its own; raise TemplateInvalid where it can't be read."""
        if not given.template:
            raise _no_template()
        environment_ = self._environment(given, given.template, given.files)
        return Definition(DefinitionId(self.new_id()), given.template, dict(given.files), environment_.as_map())

    def upon(self, stored: Definition, given: Given, clear_parameters: Sequence[str]) -> Definition:
        """Return the stored definition with what is given laid over it (an update with `existing`, rpc.md §3.3).

        Stored parameters that a new template does not have are dropped (templates.md §12.5).
        """
        kept = environment.from_map(stored.environment)
        dropped = {*clear_parameters, *self._undeclared(kept.parameters, given.template)}
        parameters = {name: value for name, value in kept.parameters.items() if name not in dropped}
        template, files = given.template or stored.template, {**stored.files, **given.files}
        above = self._environment(given, template, files)
        merged = environment.overlay(replace(kept, parameters=parameters), above)
        restored = {} if given.template else stored.restored
        return Definition(DefinitionId(self.new_id()), template, files, merged.as_map(), restored=restored)

    def around(self, adopted: Adopted, given: Given) -> Definition:
        """Return what is given laid over what the stack was made of whose resources are taken over (rpc.md §3.2).

        So everything may come from there: template, files, environment. Parameters that a template of the caller's
        does not have are dropped.
        """
        if not (given.template or adopted.template):
            raise _no_template()
        environment.from_document(Document(dict(adopted.environment)), sinks=self.sinks)  # its sinks have to be ours
        was = Definition(DefinitionId(""), adopted.template, adopted.files, adopted.environment)
        return self.upon(was, given, ())

    def _undeclared(self, names: Iterable[str], new_template: str) -> set[str]:
        """Return the names that a new template has no parameter for; "": the template stays, and so do all names."""
        template = self._template(new_template) if new_template else None
        return set() if template is None else {name for name in names if name not in template.parameters}

    def _environment(self, given: Given, template: str, files: Mapping[str, str]) -> Environment:
        """Return the environment that is given, as one."""
        if not given.environment_files:
            one = environment.read(given.environment, limits=self.limits, sinks=self.sinks)
            return environment.with_parameters(one, given.parameters)
        read = self._read_files(given)
        types = {}
        if environment_files.has_strategies(one for _, one in read):
            texts = (*files.values(), template)  # the root's parameters come last, and count
            types = environment_files.parameter_types(filter(None, map(self._template, texts)))
        return environment_files.merge_files(read, parameters=given.parameters, types=types)

    def _read_files(self, given: Given) -> list[tuple[str, Environment]]:
        """Return the environments of all files; raise TemplateInvalid with the problems of all of them."""
        read: list[tuple[str, Environment]] = []
        problems: list[Problem] = []
        hints = Hints()
        for name in given.environment_files:
            if name not in given.files:
                hint = hints.near(given.files, name)
                text = f"is not among the files of the request{hint}"
                problems.append(Problem(("environment_files", name), text, code=Code.INVALID_ENVIRONMENT))
                continue
            try:
                one = environment.read(given.files[name], source=name, limits=self.limits, sinks=self.sinks)
            except TemplateInvalid as error:
                problems += error.problems
            else:
                read.append((name, one))
        if problems:
            raise TemplateInvalid(problems)
        return read

    def _template(self, text: str) -> Template | None:
        """Return the template of a text; None: it is none, which is told when its stack is looked at."""
        try:
            return self.parsed(text)
        except EngineError:
            return None


def _no_template() -> EngineError:
    return EngineError(Code.INVALID_ARGUMENT, "no template was given", field="template")
