"""What stacks are declared to be: definitions made into targets, and kept as long as they are in use.

A target depends only on the stored definition and on the stack's own names, so it is built once for a walk and for
all the reads after it. Targets are immutable: a race between two threads builds one twice and keeps either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from engine.model.errors import TemplateInvalid
from engine.model.ids import DefinitionId, StackId
from engine.model.problems import Problem
from engine.model.records import Definition, StackRecord
from engine.plugin.registry import Registry
from engine.store import templates
from engine.store.database import Tx
from engine.template import environment, parse, source, target
from engine.template.declarations import Template
from engine.template.source import Limits
from engine.template.target import EMPTY, Target

_KEPT: Final = 1024  # targets; those of a kind share their template
_KEPT_TEXTS: Final = 64  # parsed templates


class Declared:
    """Targets of stored stacks."""

    def __init__(self, registry: Registry, limits: Limits) -> None:
        self.registry = registry
        self.limits = limits
        self._targets: dict[tuple[StackId, DefinitionId], Target] = {}
        self._templates: dict[str, Template] = {}

    def walked(self, tx: Tx, stack: StackRecord) -> Target:
        """Return what the current or last walk of the stack leads to; nothing for a delete or an undone create."""
        return EMPTY if stack.target_id is None else self._get(tx, stack, stack.target_id)

    def stored(self, tx: Tx, stack: StackRecord) -> Target:
        """Return what the stack's definition declares, whether a walk leads there or not."""
        return self._get(tx, stack, stack.definition_id)

    def of(self, stack: StackRecord, definition: Definition) -> Target:
        """Return the target of a stored definition; raise TemplateInvalid if it is valid no more (a type is gone)."""
        key = (stack.id, definition.id)
        built = self._targets.get(key)
        if built is None:
            built = self._targets[key] = self.build(stack, definition)
            while len(self._targets) > _KEPT:
                self._targets.pop(next(iter(self._targets)), None)
        return built

    def _get(self, tx: Tx, stack: StackRecord, definition_id: DefinitionId) -> Target:
        known = self._targets.get((stack.id, definition_id))
        return known or self.of(stack, templates.load(tx, definition_id))

    def build(self, stack: StackRecord, definition: Definition, *, strict: bool = True) -> Target:
        """Return the target of a definition that may be new; raise TemplateInvalid with all its problems."""
        built = target.build(
            self._parsed(definition.template),
            environment=environment.from_map(definition.environment),
            files=definition.files,
            catalogue=self.registry,
            pseudo=pseudo_parameters(stack),
            strict=strict,
            limits=self.limits,
        )
        problems = list(self._type_problems(built))
        if problems:
            raise TemplateInvalid(problems)
        return built

    def _parsed(self, text: str) -> Template:
        """Return the template of a text; many stacks may have the same one."""
        parsed = self._templates.get(text)
        if parsed is None:
            parsed = self._templates[text] = parse.parse(source.load(text, limits=self.limits))
            while len(self._templates) > _KEPT_TEXTS:
                self._templates.pop(next(iter(self._templates)), None)
        return parsed

    def _type_problems(self, built: Target) -> Iterator[Problem]:
        """Yield what the types themselves find wrong between properties; what is not known yet reads UNKNOWN."""
        unknown = target.scope_of(built, dict.fromkeys(built.declarations, target.UNKNOWN_NODE))
        for declaration in built.declarations.values():
            if declaration.template_file is None:
                plugin = self.registry.get(declaration.implementation)
                values = target.evaluate_properties(declaration, unknown).values
                for problem in plugin.validate(values):
                    placed = problem.under("resources", declaration.name, "properties")
                    yield replace(placed, line=declaration.line)


def pseudo_parameters(stack: StackRecord) -> dict[str, str]:
    """Return the parameters that every template has (templates.md §8)."""
    return {"OS::stack_name": stack.name, "OS::stack_id": stack.id, "OS::project_id": stack.project}
