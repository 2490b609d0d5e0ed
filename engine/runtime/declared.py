"""What stacks are declared to be: definitions made into targets, and kept as long as they are in use.

A target depends only on the stored definition and on the stack's own names, so it is built once for a walk and for
all the reads after it. Targets are immutable: a race between two threads builds one twice and keeps either.

A definition is checked in full once, when it comes (`check`): with the custom constraints, which may ask a cloud, and
within a limit of time. Built again later (`of`) it is only read: what has passed must not fail because a day went by.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from engine.model.errors import TemplateInvalid
from engine.model.ids import DefinitionId, StackId
from engine.model.problems import Problem
from engine.model.records import Definition, StackRecord
from engine.plugin.ports import Lookups, NoCloud
from engine.plugin.registry import Registry
from engine.runtime.kept import Kept
from engine.schema.constraints import ANY_CUSTOM, Custom
from engine.store import templates
from engine.store.database import Tx
from engine.template import environment, parameters, parse, registry, source, target
from engine.template.declarations import Template
from engine.template.expressions import Facade
from engine.template.facts import NO_LIMIT, NO_QUERIES, TimeLimit
from engine.template.functions import growth
from engine.template.parameters import ParameterValues
from engine.template.queries import Queries
from engine.template.source import Limits
from engine.template.target import EMPTY, Target

# What is kept is bounded by about the bytes that it takes. A target shares its text and expressions with the template,
# and takes as much again; what its functions made and the files of its request come on top.
_KEPT_TARGETS: Final = 320_000_000
_KEPT_TEMPLATES: Final = 80_000_000
_BYTES_OF_A_CHARACTER: Final = 20  # of the text of a template
_LEAST: Final = 20_000  # what the smallest of them counts as


def _no_cloud(_: str) -> Lookups:
    return NoCloud()


@dataclass(frozen=True, slots=True)
class Outside:
    """What templates are checked with beside the types."""

    queries: Queries = NO_QUERIES  # who computes yaql
    lookups_for: Callable[[str], Lookups] = _no_cloud  # project → where custom constraints look things up
    operator: Mapping[str, Any] = field(default_factory=dict)  # the operator's resource_registry
    files: Mapping[str, str] = field(default_factory=dict)  # the operator's templates, by the names in it
    # How long checking a new template may take, a resource on a walk, or the outputs of a stack.
    limit: TimeLimit = field(default_factory=lambda: TimeLimit(1.0, time.thread_time))


class Declared:
    """Targets of stored stacks, and of definitions that are new."""

    def __init__(self, types: Registry, limits: Limits, outside: Outside | None = None) -> None:
        self.registry = types
        self.limits = limits
        self.outside = outside or Outside()
        self._targets: Kept[tuple[StackId, DefinitionId], Target] = Kept(_KEPT_TARGETS, _target_size)
        self._templates: Kept[str, Template] = Kept(_KEPT_TEMPLATES, _template_size)

    def walked(self, tx: Tx, stack: StackRecord) -> Target:
        """Return what the current or last walk of the stack leads to; nothing for a delete or an undone create."""
        return EMPTY if stack.target_id is None else self._get(tx, stack, stack.target_id)

    def stored(self, tx: Tx, stack: StackRecord) -> Target:
        """Return what the stack's definition declares, whether a walk leads there or not."""
        return self._get(tx, stack, stack.definition_id)

    def of(self, stack: StackRecord, definition: Definition) -> Target:
        """Return the target of a stored definition; raise TemplateInvalid if it is valid no more (a type is gone)."""
        key = (stack.id, definition.id)
        return self._targets.get(key) or self._targets.put(key, self._build(stack, definition, strict=True))

    def check(self, stack: StackRecord, definition: Definition) -> Target:
        """Return the target of a new definition; raise TemplateInvalid with all its problems."""
        custom = self.custom(stack.project)
        built = self._build(stack, definition, strict=True, custom=custom, check_limit=self.outside.limit)
        return self._targets.put((stack.id, definition.id), built)

    def pinned(self, stack: StackRecord, definition: Definition, built: Target) -> Definition:
        """Return the definition with what the operator's environment says of its types (templates.md §13.4).

        So it means the same for as long as it is stored, whatever the operator maps to what by then.
        """
        if not self.outside.operator:
            return definition
        given = environment.from_map(definition.environment)
        uses = [(one.name, one.type) for one in built.declarations.values()]
        found = registry.pinned(given, uses, is_known=self._is_known, operator=self.outside.operator)
        operated = self.outside.files
        used = {file: operated[file] for file in _template_files(built) if file in operated}
        if found == given and not used:
            return definition
        self._targets.drop((stack.id, definition.id))  # it was built of what was not pinned
        return replace(definition, environment=found.as_map(), files={**used, **definition.files})

    def validate(self, stack: StackRecord, definition: Definition) -> Target:
        """Return the target of a definition whose parameters need no values; raise TemplateInvalid."""
        return self._build(stack, definition, strict=False, check_limit=self.outside.limit)

    def parameters(self, stack: StackRecord, definition: Definition) -> ParameterValues:
        """Return the values of the parameters alone: they are there even if the definition is valid no more."""
        given = environment.from_map(definition.environment)
        values = parameters.Given(given.parameters, given.parameter_defaults, pseudo_parameters(stack))
        return parameters.resolve(self.template(definition.template).parameters, values, strict=False)[0]

    def custom(self, project: str) -> Custom:
        """Return the custom constraints, as they are asked for a project."""
        return self.registry.custom(self.outside.lookups_for(project))

    def template(self, text: str) -> Template:
        """Return the template of a text; many stacks may have the same one."""
        found = self._templates.get(text)
        return found or self._templates.put(text, parse.parse(source.load(text, limits=self.limits)))

    def _get(self, tx: Tx, stack: StackRecord, definition_id: DefinitionId) -> Target:
        known = self._targets.get((stack.id, definition_id))
        return known or self.of(stack, templates.load(tx, definition_id))

    def _is_known(self, type_name: str) -> bool:
        return self.registry.find(type_name) is not None

    def _build(
        self,
        stack: StackRecord,
        definition: Definition,
        *,
        strict: bool,
        custom: Custom = ANY_CUSTOM,
        check_limit: TimeLimit = NO_LIMIT,
    ) -> Target:
        built = target.build(
            self.template(definition.template),
            environment=environment.from_map(definition.environment),
            operator=self.outside.operator,
            files={**self.outside.files, **definition.files},
            catalogue=self.registry,
            pseudo=pseudo_parameters(stack),
            facade=None if definition.facade is None else Facade(**definition.facade),
            strict=strict,
            limits=self.limits,
            custom=custom,
            queries=self.outside.queries,
            check_limit=check_limit,
            limit=self.outside.limit,
        )
        problems = list(self._type_problems(built))
        if problems:
            raise TemplateInvalid(problems)
        return replace(built, restored=definition.restored) if definition.restored else built

    def _type_problems(self, built: Target) -> Iterator[Problem]:
        """Yield what the types themselves find wrong between properties; what is not known yet reads UNKNOWN."""
        for declaration in built.declarations.values():
            if declaration.template_file is None and declaration.external_id is None:
                plugin = self.registry.get(declaration.implementation)
                yield from map(declaration.placed, plugin.validate(declaration.explored.values))


def _template_files(built: Target) -> Iterator[str]:
    yield from (one.template_file for one in built.declarations.values() if one.template_file is not None)
    for inner in built.nested.values():
        yield from _template_files(inner)


def _target_size(built: Target) -> int:
    """Return what a target takes. All levels share one meter and the files."""
    values, characters = growth.measure(built.environment.as_map())
    given = growth.VALUE * values + characters + sum(map(len, built.files.values()))
    return sum(map(_template_size, _templates(built))) + built.facts.meter.spent + given


def _templates(built: Target) -> Iterator[Template]:
    yield built.template
    for inner in built.nested.values():
        yield from _templates(inner)


def _template_size(template: Template) -> int:
    return _LEAST + _BYTES_OF_A_CHARACTER * len(template.document.text)


def pseudo_parameters(stack: StackRecord) -> dict[str, str]:
    """Return the parameters that every template has, for both families of the language (templates.md §8)."""
    return {
        "OS::stack_name": stack.name,
        "OS::stack_id": stack.id,
        "OS::project_id": stack.project,
        "AWS::StackName": stack.name,
        "AWS::StackId": stack.identity.arn(),
        "AWS::Region": "ap-southeast-1",  # what templates have always read, wherever they run
    }
