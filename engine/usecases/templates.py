"""Templates: those of stacks, those that are only to be checked, and their language (rpc.md §3.7, §4.2)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from engine.model.errors import Code, EngineError
from engine.model.ids import NO_STACK, ContentHash, DefinitionId, StackIdentity
from engine.model.records import Caller, Definition, StackRecord
from engine.model.states import Action, Status
from engine.runtime.declared import Declared
from engine.runtime.kept import Kept
from engine.store import templates
from engine.store.database import Database
from engine.template import coercion, dialects, generate, validate
from engine.template.dialects import VersionInfo
from engine.template.expressions import Function
from engine.template.target import Target
from engine.usecases import access
from engine.usecases.commands import Given
from engine.usecases.definitions import Definitions
from engine.usecases.resource_types import ResourceTypes

IGNORABLE: Final = ("99001",)  # the service of a resource type is not available: without services, never found wrong
_KEPT_REPORTS: Final = 4_000_000  # characters, as JSON
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_INTERNAL_SECTION: Final = "encrypted_param_names"  # a note of the engine to itself
_SECRET_SECTIONS: Final = ("parameters", "parameter_defaults")


@dataclass(frozen=True, slots=True)
class Templates:
    """The use cases of templates."""

    db: Database
    declared: Declared
    definitions: Definitions
    reports: Kept[ContentHash, Mapping[str, Any]] = field(default_factory=lambda: Kept(_KEPT_REPORTS, _size))

    def get(self, caller: Caller, identity: StackIdentity) -> str:
        """Return the template of a stack, deleted ones too, exactly as it was written."""
        return self._definition(caller, identity)[1].template

    def get_files(self, caller: Caller, identity: StackIdentity) -> Mapping[str, str]:
        """Return the files of a stack, deleted ones too."""
        return self._definition(caller, identity)[1].files

    def get_environment(self, caller: Caller, identity: StackIdentity) -> dict[str, Any]:
        """Return the merged environment of a stack, deleted ones too, with the values of hidden parameters masked."""
        stack, definition = self._definition(caller, identity)
        hidden = self._hidden(stack, definition)
        return {
            section: _masked(value, hidden) if section in _SECRET_SECTIONS else value
            for section, value in definition.environment.items()
            if section != _INTERNAL_SECTION
        }

    def validate(
        self, caller: Caller, given: Given, *, show_nested: bool = False, ignorable_errors: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        """Return what `template.validate` reports of a template; raise TemplateInvalid with all problems.

        What was found in order is kept by a hash over all that it hangs on; what was not is looked at each time.
        """
        unknown = [code for code in ignorable_errors if code not in IGNORABLE]
        if unknown:
            text = f"ignorable_errors: {unknown[0]} is not known; known: {', '.join(IGNORABLE)}"
            raise EngineError(Code.INVALID_ARGUMENT, text, field="ignorable_errors")
        key = _content(caller.project, given, show_nested)
        return self.reports.get(key) or self.reports.put(key, self._report(caller, given, show_nested))

    def _report(self, caller: Caller, given: Given, show_nested: bool) -> Mapping[str, Any]:
        definition = self.definitions.of(given)
        target = self.declared.validate(_nobody(caller, definition.id), definition)
        return validate.report(target, show_nested=show_nested)

    def generate(self, type_name: str, form: generate.Form) -> str:
        """Return a template to begin with, for one resource of a type; refuse a type as `ResourceTypes.schema` does."""
        return generate.text(ResourceTypes(self.declared.registry).schema(type_name), form)

    def versions(self) -> Sequence[VersionInfo]:
        """Return the versions of the language that there are, sorted by their text."""
        return sorted(dialects.versions(), key=lambda one: one.version)

    def functions(self, template_version: str, *, with_condition: bool = False) -> Sequence[Function]:
        """Return the functions of a version, sorted by name; raise NOT_FOUND for a version that there is not."""
        return dialects.functions_of(template_version, with_condition=with_condition)

    def _definition(self, caller: Caller, identity: StackIdentity) -> tuple[StackRecord, Definition]:
        """Return the definition that the stack has: what it walks to, or of a stack that goes away, what it had."""
        with self.db.read() as tx:
            stack = access.resolve(tx, caller, identity, show_deleted=True)
            return stack, templates.load(tx, stack.target_id or stack.definition_id)

    def _hidden(self, stack: StackRecord, definition: Definition) -> frozenset[str] | None:
        """Return the names of the hidden parameters; None: they can't be told any more, so that every one counts."""
        try:
            return frozenset(_hidden_in(self.declared.of(stack, definition)))
        except EngineError:
            return None


def _content(project: str, given: Given, show_nested: bool) -> ContentHash:
    """Return a hash over a whole request; the project counts, because a template may read it."""
    return ContentHash(sha256(repr((project, show_nested, given)).encode()).hexdigest())


def _size(report: Mapping[str, Any]) -> int:
    return len(json.dumps(report, default=repr))


def _hidden_in(target: Target) -> Iterator[str]:
    """Yield the names of hidden parameters, those of nested templates too: an environment reaches into them."""
    yield from (name for name, schema in target.template.parameters.items() if schema.hidden)
    for inner in target.nested.values():
        yield from _hidden_in(inner)


def _masked(values: Mapping[str, Any], hidden: frozenset[str] | None) -> dict[str, Any]:
    return {name: coercion.HIDDEN if hidden is None or name in hidden else value for name, value in values.items()}


def _nobody(caller: Caller, definition_id: DefinitionId) -> StackRecord:
    """Return a stack that is not there, for a template that belongs to none."""
    return StackRecord(
        id=NO_STACK,
        name="None",
        project=caller.project,
        action=Action.CREATE,
        status=Status.IN_PROGRESS,
        reason="",
        definition_id=definition_id,
        created_time=_EPOCH,
    )
