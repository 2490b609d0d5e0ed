"""Makes a target of a template, and finds everything that is wrong with it (templates.md §18).

Called by `target.build`. A list of passes, each over the whole template, none of which stops at a problem:
what can't be computed counts as not known and the next pass goes on. Nested templates are checked by the same
passes, one level deeper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from engine.model.errors import Code, EngineError, TemplateInvalid
from engine.model.problems import Path, Problem
from engine.schema import types
from engine.schema.type_schema import TypeSchema
from engine.schema.types import UNKNOWN
from engine.template import (
    cycles,
    environment,
    expressions,
    nested,
    parameters,
    parse,
    registry,
    resource_check,
    source,
)
from engine.template.declarations import PSEUDO_PARAMETERS, ResourceDecl, Template
from engine.template.environment import Environment
from engine.template.expressions import Expr, Findings, Reads
from engine.template.hints import Hints
from engine.template.scopes import Conditions, StaticScope
from engine.template.source import DEFAULT_LIMITS, Limits
from engine.template.wanted import Catalogue, Declaration, Target

MAX_PROBLEMS: Final = 1_000  # that are told at once
MAX_NAMES: Final = 100  # of one cycle that are told


@dataclass(slots=True)
class Session:
    """What all levels of one check share."""

    catalogue: Catalogue
    files: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = DEFAULT_LIMITS
    strict: bool = True
    templates: dict[str, Template | tuple[Problem, ...]] = field(default_factory=dict)  # by file, read once
    resources: int = 0  # counted so far, at all levels
    is_exhausted: bool = False  # a limit was passed: no level is entered any more
    hints: Hints = field(default_factory=Hints)


@dataclass(frozen=True, slots=True)
class Level:
    """Where one template stands among those that are nested."""

    pseudo: Mapping[str, Any] = field(default_factory=dict)
    chain: tuple[str, ...] = ()  # files, from the outermost; empty: the root

    def below(self, file: str) -> Level:
        """Return the level of a template that this one uses; its stack has no name and no id yet."""
        known = {"OS::project_id": self.pseudo.get("OS::project_id", UNKNOWN)}
        return Level({name: known.get(name, UNKNOWN) for name in self.pseudo}, (*self.chain, file))


class Checker:
    """Checks one template on one level."""

    def __init__(self, template: Template, env: Environment, session: Session, level: Level) -> None:
        self._template = template
        self._environment = env
        self._session = session
        self._level = level
        self._is_strict = session.strict and not level.chain
        self._nested: dict[str, tuple[str, Template]] = {}  # resource → file and template of its type
        self._targets: dict[str, Target] = {}
        self._reads: list[Reads] = []
        self._output_reads: set[str] = set()
        self.problems: list[Problem] = list(template.problems)

    def run(self) -> Target:
        """Return the target; it counts only if `problems` stays empty."""
        template, session = self._template, self._session
        values, wrong = parameters.resolve(template.parameters, self._given(), strict=self._is_strict)
        self.problems += wrong
        quiet = self._is_strict or bool(self._level.chain)  # a missing value was reported, or comes from above
        conditions = Conditions(template.conditions, values, session.files, strict=quiet)
        present = self._present(conditions)
        self._check_names(present)
        self._count(len(present))
        schemas = {name: self._type_of(decl) for name, decl in present.items()}
        disabled = frozenset(template.resources.keys() - present.keys())
        scope = StaticScope(values, session.files, conditions, schemas, disabled, session.hints)
        declarations = {name: self._declared(decl, schemas[name], scope) for name, decl in present.items()}
        self._check_cycles(declarations)
        self._check_outputs(scope)
        conditions.settle()
        return Target(
            template=template,
            parameters=values,
            environment=self._environment,
            files=session.files,
            conditions=conditions,
            declarations=declarations,
            attributes_needed=_needed(self._reads),
            output_reads=frozenset(self._output_reads),
            nested=self._targets,
        )

    def _problem(self, path: Path, summary: str, code: Code = Code.STACK_VALIDATION_FAILED) -> None:
        self.problems.append(self._template.document.problem(path, summary, code))

    def _given(self) -> parameters.Given:
        env = self._environment
        return parameters.Given(env.parameters, env.parameter_defaults, self._level.pseudo)

    def _present(self, conditions: Conditions) -> dict[str, ResourceDecl]:
        """Return the resources that are there: all but those whose condition is false."""
        return {
            name: decl
            for name, decl in self._template.resources.items()
            if self._holds(decl.condition, conditions) is not False
        }

    def _holds(self, condition: Expr | None, conditions: Conditions) -> Any:
        if condition is None:
            return True
        findings = Findings()
        found = expressions.explore(condition, conditions, findings)
        self.problems += chain(findings.shapes, findings.errors)
        if isinstance(found, bool) or found is UNKNOWN:
            return found
        self._problem((), f"{types.shown(found)} is not a condition")
        return UNKNOWN

    def _check_names(self, present: Mapping[str, ResourceDecl]) -> None:
        for name in present:
            if name in self._template.parameters or name in PSEUDO_PARAMETERS:
                self._problem(("resources", name), f'a parameter has the name "{name}" too')

    def _count(self, resources: int) -> None:
        session = self._session
        session.resources += resources
        most = session.limits.max_resources
        if 0 <= most < session.resources and not session.is_exhausted:
            session.is_exhausted = True
            have = f"the stack and those nested in it have {session.resources} resources or more"
            text = f"{have}; at most {most} are allowed"
            self._problem(("resources",), text, Code.REQUEST_LIMIT_EXCEEDED)

    def _type_of(self, decl: ResourceDecl) -> TypeSchema:
        """Return the interface of a resource's type; one that accepts all where there is none, to go on with."""
        anything = TypeSchema(decl.type, any_property=True, any_attribute=True)
        if not decl.type:  # reported by the parser
            return anything
        catalogue, path = self._session.catalogue, ("resources", decl.name, "type")
        try:
            found = registry.resolve_type(
                self._environment, decl.name, decl.type, is_known=lambda name: catalogue.find(name) is not None
            )
        except EngineError as error:
            self._problem(path, error.message, error.code)
            return anything
        if registry.is_template_file(found):
            template = self._template_of(found, path)
            if template is None:
                return anything
            self._nested[decl.name] = (found, template)
            return nested.interface_of(template, self._environment, decl.type)
        schema = catalogue.find(found)
        if schema is None:
            hint = self._session.hints.near(catalogue.names(), found)
            self._problem(path, f'there is no resource type "{found}"{hint}')
        return schema or anything

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
                self.problems += (problem.under(*path[:-1]) for problem in wrong)
        found = session.templates[file]
        return None if isinstance(found, tuple) else found

    def _declared(self, decl: ResourceDecl, schema: TypeSchema, scope: StaticScope) -> Declaration:
        checked = resource_check.check(decl, schema, scope, template=self._template)
        self.problems += checked.problems
        self._reads.append(checked.reads)
        file, inner = self._nested.get(decl.name, (None, None))
        print_ = ""
        if file is not None and inner is not None:
            passed = nested.parameters_for(schema.properties, checked.properties.values)
            env = environment.child_environment(self._environment, decl.name, decl.type, passed)
            self._check_nested(decl, (file, inner), env)
            print_ = nested.fingerprint(self._session.files[file], self._session.files, env)
        return Declaration(
            name=decl.name,
            type=decl.type,
            implementation=file or schema.type_name,
            schema=schema,
            properties=decl.properties,
            metadata=decl.metadata,
            update_policy=decl.update_policy,
            requires=checked.requires,
            deletion_policy=checked.deletion_policy,
            description=decl.description,
            template_file=file,
            fingerprint=print_,
            line=decl.line,
            settled=checked.properties if checked.is_settled else None,
        )

    def _check_nested(self, decl: ResourceDecl, inner: tuple[str, Template], env: Environment) -> None:
        file, template = inner
        session, level = self._session, self._level
        if session.is_exhausted:
            return
        if len(level.chain) >= session.limits.max_nested_depth:
            session.is_exhausted = True
            trail = " → ".join((*level.chain, file))
            text = f"templates are nested more than {session.limits.max_nested_depth} deep: {trail}"
            self._problem(("resources", decl.name, "type"), text, Code.REQUEST_LIMIT_EXCEEDED)
            return
        checker = Checker(template, env, session, level.below(file))
        self._targets[decl.name] = checker.run()
        place = ("resources", f"{decl.name}<{file}>")
        self.problems += (problem.under(*place) for problem in checker.problems)

    def _check_cycles(self, declarations: Mapping[str, Declaration]) -> None:
        for cycle in cycles.find({name: one.requires for name, one in declarations.items()}):
            way = " → ".join((*cycle[:MAX_NAMES], *("…" for _ in cycle[MAX_NAMES:][:1]), cycle[0]))
            text = f"the resources wait for each other in a circle: {way}"
            self._problem(("resources", cycle[0]), text, Code.CIRCULAR_DEPENDENCY)

    def _check_outputs(self, scope: StaticScope) -> None:
        for output in self._template.outputs.values():
            if self._holds(output.condition, scope.conditions) is False:
                continue
            self.problems += output.problems
            reads, findings = Reads(scope), Findings()
            expressions.explore(output.value, reads, findings)
            # Only get_attr is checked before the walk; other errors show in the output itself (templates.md
            # §10.1).
            self.problems += chain(findings.shapes, (one for one in findings.errors if one.path[-1] == "get_attr"))
            self._reads.append(reads)
            self._output_reads |= reads.references


def _read(file: str, session: Session) -> Template | tuple[Problem, ...]:
    try:
        return parse.parse(source.load(session.files[file], name=file, limits=session.limits))
    except TemplateInvalid as error:
        return error.problems
    except EngineError as error:
        return (Problem((), error.message, source=file, code=error.code),)


def _needed(reads: list[Reads]) -> dict[str, frozenset[tuple[str, tuple[Any, ...]]]]:
    found: dict[str, set[tuple[str, tuple[Any, ...]]]] = {}
    for resource, name, path in chain.from_iterable(one.attributes_read for one in reads):
        found.setdefault(resource, set()).add((name, path))
    return {resource: frozenset(attributes) for resource, attributes in found.items()}


def in_order(problems: list[Problem]) -> list[Problem]:
    """Return the problems in the order of the text, each once; at most `MAX_PROBLEMS`, and then how many more.

    A file that several resources use is as wrong for one as for all: its problems are told for the first.
    """
    distinct: dict[object, Problem] = {}
    for one in problems:
        distinct.setdefault((one.source, one.line, one.summary) if one.source else one, one)
    unique = sorted(distinct.values(), key=lambda one: (one.source, one.line or 0))
    more = len(unique) - MAX_PROBLEMS
    return unique if more <= 0 else [*unique[:MAX_PROBLEMS], Problem((), f"and {more} more problems")]
