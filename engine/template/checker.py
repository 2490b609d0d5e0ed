"""Makes a target of a template, and finds everything that is wrong with it (templates.md §18).

Called by `target.build`. A list of passes, each over the whole template, none of which stops at a problem:
what can't be computed counts as not known and the next pass goes on. Nested templates are checked by the same
passes, one level deeper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from typing import Any, Final

from engine.model.errors import Code
from engine.model.problems import Path, Problem
from engine.schema import types
from engine.schema.constraints import ANY_CUSTOM
from engine.schema.hints import without_hint
from engine.schema.properties import OnChange
from engine.schema.type_schema import TypeSchema
from engine.schema.types import UNKNOWN
from engine.template import (
    cycles,
    expressions,
    nested,
    parameters,
    resource_check,
)
from engine.template.declarations import OutputDecl, ResourceDecl, Template
from engine.template.environment import Environment
from engine.template.expressions import Call, Expr, Facade, Findings, Literal, Reads
from engine.template.facts import Facts
from engine.template.scopes import Conditions, StaticScope
from engine.template.session import Level, Session
from engine.template.type_finder import TypeFinder
from engine.template.wanted import Declaration, Target

MAX_PROBLEMS: Final = 1_000  # that are told at once
MAX_NAMES: Final = 100  # of one cycle that are told


class Checker:
    """Checks one template on one level."""

    def __init__(self, template: Template, env: Environment, session: Session, level: Level) -> None:
        self._template = template
        self._environment = env
        self._session = session
        self._level = level
        self._words = template.dialect.words
        # What a nested stack refers to by name may be built before it: it is asked for when that stack is.
        self._custom = ANY_CUSTOM if level.chain else session.custom
        self._targets: dict[str, Target] = {}
        self._reads: list[Reads] = []
        self._output_reads: set[str] = set()
        self.problems: list[Problem] = list(template.problems)
        self._types = TypeFinder(template, env, session, self.problems)

    def run(self) -> Target:
        """Return the target; it counts only if `problems` stays empty."""
        template, session = self._template, self._session
        given, custom = self._given(), self._custom
        values, wrong = parameters.resolve(
            template.parameters, given, strict=session.strict, custom=custom, hints=session.hints
        )
        self.problems += (replace(problem, source=template.document.name) for problem in wrong)
        quiet = session.strict or bool(self._level.chain)  # a missing value was reported, or comes from above
        facts = Facts(
            parameters=values,
            files=session.files,
            mappings=template.mappings,
            facade=self._level.facade,
            queries=session.queries,
            meter=session.meter,
            hints=session.hints,
            allowance=session.limits.max_growth,
            limit=session.limit,
        )
        conditions = Conditions(template.conditions, facts, strict=quiet)
        present = self._present(conditions)
        self._check_names(present)
        self._count(len(present))
        schemas = {name: self._types.type_of(decl) for name, decl in present.items()}
        disabled = frozenset(template.resources.keys() - present.keys())
        scope = StaticScope(facts, conditions, schemas, disabled)
        declarations = {name: self._declared(decl, schemas[name], scope) for name, decl in present.items()}
        self._check_cycles(declarations)
        self._check_outputs(scope)
        conditions.settle()
        return Target(
            template=template,
            facts=facts,
            environment=self._environment,
            conditions=conditions,
            declarations=declarations,
            attributes_needed=_needed(self._reads),
            output_reads=frozenset(self._output_reads),
            nested=self._targets,
        )

    def _problem(self, path: Path, summary: str, code: Code = Code.STACK_VALIDATION_FAILED) -> None:
        self.problems.append(self._template.document.problem(path, summary, code))

    def _place(self, name: str) -> Path:
        return (self._words.resources, name)

    def _given(self) -> parameters.Given:
        env = self._environment
        known = self._template.dialect.pseudo_parameters
        pseudo = {name: value for name, value in self._level.pseudo.items() if name in known}
        return parameters.Given(env.parameters, env.parameter_defaults, pseudo, is_passed=bool(self._level.chain))

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
        if isinstance(condition, Call):  # names and literals are one or the other
            self.problems.append(condition.place.problem(f"{types.shown(found)} is neither true nor false"))
        return UNKNOWN

    def _check_names(self, present: Mapping[str, ResourceDecl]) -> None:
        for name in present:
            if name in self._template.parameters or name in self._template.dialect.pseudo_parameters:
                self._problem(self._place(name), f'a parameter has the name "{name}" too')

    def _count(self, resources: int) -> None:
        session = self._session
        session.resources += resources
        most = session.limits.max_resources
        if 0 <= most < session.resources and not session.is_exhausted:
            session.is_exhausted = True
            have = f"the stack and those nested in it have {session.resources} resources or more"
            text = f"{have}; at most {most} are allowed"
            self._problem((self._words.resources,), text, Code.REQUEST_LIMIT_EXCEEDED)

    def _declared(self, decl: ResourceDecl, schema: TypeSchema, scope: StaticScope) -> Declaration:
        decl = _with_description(decl, schema)
        checked = resource_check.check(decl, schema, scope, template=self._template, custom=self._custom)
        self.problems += checked.problems
        self._reads.append(checked.reads)
        file, inner = self._types.nested.get(decl.name, (None, None))
        facade, print_ = None, ""
        if file is not None and inner is not None:
            passed = nested.parameters_for(schema.properties, checked.properties.values)
            env = self._types.environment_of(decl, passed)
            self._check_nested(decl, (file, inner), env, facade=checked.facade)
            print_ = nested.fingerprint(file, self._session.files_print(), env)
            facade = checked.facade if nested.asks_for_facade(inner) else None
        hooks, restricted_actions = self._types.restrictions_of(decl)
        return Declaration(
            name=decl.name,
            type=decl.type,
            implementation=file or schema.type_name,
            schema=schema,
            properties=decl.properties if decl.external_id is None else {},
            metadata=decl.metadata,
            update_policy=decl.update_policy,
            requires=checked.requires,
            deletion_policy=checked.facade.deletion_policy,
            description=decl.description,
            template_file=file,
            fingerprint=print_,
            line=decl.line,
            place=(*decl.path, self._words.properties),
            external_id=decl.external_id,
            facade=facade,
            hooks=hooks,
            restricted_actions=restricted_actions,
            explored=checked.properties,
            is_settled=checked.is_settled,
        )

    def _check_nested(
        self, decl: ResourceDecl, inner: tuple[str, Template], env: Environment, *, facade: Facade
    ) -> None:
        file, template = inner
        session, level = self._session, self._level
        if session.is_exhausted:
            return
        if len(level.chain) >= session.limits.max_nested_depth:
            session.is_exhausted = True
            trail = " → ".join((*level.chain, file))
            text = f"templates are nested more than {session.limits.max_nested_depth} deep: {trail}"
            self._problem((*decl.path, self._words.type), text, Code.REQUEST_LIMIT_EXCEEDED)
            return
        checker = Checker(template, env, session, level.below(file, facade))
        self._targets[decl.name] = checker.run()
        place = (self._words.resources, f"{decl.name}<{file}>")
        self.problems += (problem.under(*place) for problem in checker.problems)

    def _check_cycles(self, declarations: Mapping[str, Declaration]) -> None:
        for cycle in cycles.find({name: one.requires for name, one in declarations.items()}):
            way = " → ".join((*cycle[:MAX_NAMES], *("…" for _ in cycle[MAX_NAMES:][:1]), cycle[0]))
            text = f"the resources wait for each other in a circle: {way}"
            self._problem(self._place(cycle[0]), text, Code.CIRCULAR_DEPENDENCY)

    def _check_outputs(self, scope: StaticScope) -> None:
        for output in self._template.outputs.values():
            if self._holds(output.condition, scope.conditions) is False:
                continue
            self.problems += output.problems
            if self._level.chain:
                self._check_output_keys(output)
            reads, findings = Reads(scope), Findings()
            expressions.explore(output.value, reads, findings)
            # Only attributes are checked before the walk; other errors show in the output itself (templates.md §10.1).
            read = (one for one in findings.errors if one.path[-1] in resource_check.READ_ATTRIBUTES)
            self.problems += chain(findings.shapes, read)
            self._reads.append(reads)
            self._output_reads |= reads.references

    def _check_output_keys(self, output: OutputDecl) -> None:
        """Refuse in a nested template what is passed over in a root one (templates.md §10.1)."""
        for key in output.strange_keys:
            self._problem((self._words.outputs, output.name, key), f'"{key}" is not a keyword of an output')


def _with_description(decl: ResourceDecl, schema: TypeSchema) -> ResourceDecl:
    """Return the resource with its description as the property of that name, where the type has one (§14.2)."""
    known = schema.properties.get("description")
    if known is None or known.on_change is not OnChange.UPDATE or schema.is_template:
        return decl
    if not decl.description or "description" in decl.properties:
        return decl
    return replace(decl, properties={**decl.properties, "description": Literal(decl.description)})


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
        distinct.setdefault((one.source, one.line, without_hint(one.summary)) if one.source else one, one)
    unique = sorted(distinct.values(), key=lambda one: (one.source, one.line or 0))
    more = len(unique) - MAX_PROBLEMS
    return unique if more <= 0 else [*unique[:MAX_PROBLEMS], Problem((), f"and {more} more problems")]
