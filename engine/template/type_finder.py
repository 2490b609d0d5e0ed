"""Finds what stands behind the types of a template's resources: registered types, and template files of the request.

Called by `checker`. What is wrong is noted, and a type that accepts everything takes the place of one that there is
not, so that the check can go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from engine.model.errors import Code, EngineError, TemplateInvalid
from engine.model.problems import Path, Problem
from engine.schema.type_schema import TypeSchema
from engine.template import aliases, environment, facade_check, nested, parse, registry, restrictions, source
from engine.template.declarations import ResourceDecl, Template
from engine.template.environment import RESOURCES, Environment
from engine.template.expressions import OutOfBudget, Overspent
from engine.template.session import Session


class TypeFinder:
    """Finds the types of one template on one level."""

    def __init__(self, template: Template, env: Environment, session: Session, problems: list[Problem]) -> None:
        self.nested: dict[str, tuple[str, Template]] = {}  # resource → file and template of its type
        self._document = template.document
        self._words = template.dialect.words
        self._environment = env
        self._session = session
        self._problems = problems
        known, spend = session.is_known, session.meter.spend
        self._search = registry.search_of(env, is_known=known, operator=session.operator, spend=spend)
        self._search_of_user = registry.search_of(env, is_known=known, spend=spend)

    def type_of(self, decl: ResourceDecl) -> TypeSchema:
        """Return the interface of a resource's type; one that accepts all where there is none, to go on with."""
        with self._within_budget(decl):
            return self._type_of(decl)

    def restrictions_of(self, decl: ResourceDecl) -> tuple[frozenset[str], frozenset[str]]:
        """Return the hooks of a resource, and what must not be done to it."""
        env, name = self._environment, decl.name
        with self._within_budget(decl):
            self._session.meter.spend(len(env.resource_registry.get(RESOURCES) or {}))  # each of them is looked at
            return restrictions.hooks_of(env, name), restrictions.restricted_actions_of(env, name)

    def environment_of(self, decl: ResourceDecl, parameters: Mapping[str, Any]) -> Environment:
        """Return the environment of the stack that is nested in a resource."""
        with self._within_budget(decl):
            self._session.meter.spend(len(self._environment.resource_registry))  # most of which is copied
            return environment.child_environment(
                self._environment, decl.name, decl.type, parameters, search=self._search_of_user
            )

    def _type_of(self, decl: ResourceDecl) -> TypeSchema:
        anything = TypeSchema(decl.type, any_property=True, any_attribute=True)
        if not decl.type:  # reported by the parser
            return anything
        session, path = self._session, (*decl.path, self._words.type)
        try:
            found = registry.resolve_type(self._search, decl.name, decl.type)
        except EngineError as error:
            self._problem(path, error.message, error.code)
            return anything
        if aliases.is_template_file(found):
            template = self._template_of(found, path)
            if template is None:
                return anything
            self.nested[decl.name] = (found, template)
            interface = nested.interface_of(template, self._environment, decl.type, strict=session.strict)
            self._check_provider(decl, interface, path)
            return interface
        schema = session.catalogue.find(found)
        if schema is None:
            hint = session.hints.near(session.catalogue.names(), found)
            self._problem(path, f'there is no resource type "{found}"{hint}')
        return schema or anything

    def _check_provider(self, decl: ResourceDecl, interface: TypeSchema, path: Path) -> None:
        """Check that a template that stands for a type can be used as what would stand for it otherwise."""
        try:
            entry = self._search_of_user.template_entry(decl.name, decl.type)
            if entry is None:
                return
            real = registry.resolve_type(self._search, decl.name, decl.type, without=entry)
        except EngineError:  # without the template there would be no such type
            return
        schema = self._session.catalogue.find(real)
        if schema is not None:
            for text in facade_check.problems(schema, interface):
                self._problem(path, text)

    def _template_of(self, file: str, path: Path) -> Template | None:
        """Return the template in a file of the request; a file that is wrong is reported where it is first used."""
        session = self._session
        if file not in session.files:
            hint = session.hints.near(session.files, file)
            self._problem(path, f'the template "{file}" is not among the files of the request{hint}')
            return None
        if file not in session.templates:
            session.templates[file] = _read(file, session)
            if isinstance(wrong := session.templates[file], tuple):
                place = (*path[:-2], f"{path[-2]}<{file}>")
                self._problems += (problem.under(*place) for problem in wrong)
        found = session.templates[file]
        return None if isinstance(found, tuple) else found

    @contextmanager
    def _within_budget(self, decl: ResourceDecl) -> Iterator[None]:
        try:
            yield
        except Overspent as error:
            place = (*decl.path, self._words.type)
            raise OutOfBudget(self._document.problem(place, str(error), error.code)) from None

    def _problem(self, path: Path, summary: str, code: Code = Code.STACK_VALIDATION_FAILED) -> None:
        self._problems.append(self._document.problem(path, summary, code))


def _read(file: str, session: Session) -> Template | tuple[Problem, ...]:
    try:
        return parse.parse(source.load(session.files[file], name=file, limits=session.limits), hints=session.hints)
    except TemplateInvalid as error:
        return error.problems
    except EngineError as error:
        return (Problem((), error.message, source=file, code=error.code),)
