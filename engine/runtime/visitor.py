"""One visit in a pool thread: evaluate, decide, call the plugin, record.

Straight-line code: what it records is durable when the call returns, and no transaction is open while a plugin is
called. The same lines serve a first visit, the next poll and the visit after a crash, because `decide` looks only at
what is there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, assert_never

from engine.model.errors import Code, EngineError
from engine.model.ids import ResourceId
from engine.model.records import ResourceRecord, StackRecord
from engine.model.states import Action, Status
from engine.plan import advance, decide, reasons
from engine.plan.visits import Clean, Converge
from engine.plugin.context import Context
from engine.plugin.outcome import Done, Outcome, Poll, Replace
from engine.plugin.registry import Registry
from engine.plugin.resource_type import ResourceType, built_by
from engine.runtime.clock import Clock
from engine.runtime.jobs import Cleaned, Failed, Job, Lost, Result, Stands, Unrecorded, Visited, Waits
from engine.runtime.journal import Journal
from engine.runtime.logbook import Logbook
from engine.runtime.recorder import NotLanded, Recorder
from engine.schema.constraints import Custom
from engine.schema.properties import PropertyValues
from engine.template import target as targets

log = logging.getLogger(__name__)

# The database is away, or too busy after all tries of the store; a plugin's own errors never come this far.
_UNRECORDED: Final = frozenset({Code.DATABASE_UNAVAILABLE, Code.CONCURRENT_TRANSACTION})

PortsFor = Callable[[StackRecord, ResourceRecord, targets.Target], Mapping[str, Any]]


class NotSupported(Exception):
    """A change that the type does not allow."""


class ActionRestricted(Exception):
    """A change that the environment does not allow."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """What every visit works with."""

    journal: Journal
    registry: Registry
    clock: Clock
    logbook: Logbook
    new_id: Callable[[], str]
    ports_for: PortsFor
    custom_for: Callable[[str], Custom]  # project → the custom constraints as they are asked for it

    def visit(self, job: Job) -> Visited:
        """Make the visit. Never raises: what goes wrong is in the result."""
        recorder = Recorder(self.journal, self.logbook, job.plan, job.rows)
        errand = _Errand(self, job, recorder)
        try:
            result = errand.run()
        except NotLanded:
            result = Lost()
        except EngineError as error:
            result = Unrecorded() if error.code in _UNRECORDED else Failed(str(error))
        except Exception as error:  # a bug in the engine must fail one resource, visibly, and not hang its stack
            log.exception("visit %s of stack %s failed", job.visit, job.plan.stack.id)
            result = Failed(f"{type(error).__name__}: {error}")
        return Visited(job.visit, result, tuple(recorder.rows.values()), tuple(recorder.gone))


@dataclass(frozen=True, slots=True)
class _Errand:
    """One visit under way."""

    tools: Visitor
    job: Job
    recorder: Recorder

    def run(self) -> Result:
        match self.job.visit:
            case Converge(name):
                return self._converge(name)
            case Clean(row_id):
                return self._clean(row_id)
            case other:
                assert_never(other)

    def _converge(self, name: str) -> Result:
        try:
            desired = self._desired(name)
        except Exception as error:  # noqa: BLE001  whatever it is becomes the reason of the resource
            return self._could_not_evaluate(name, error)
        plugin = self.tools.registry.get(desired.implementation)
        while True:
            decision = decide.converge(desired, tuple(self.recorder.rows.values()), plugin)
            match decision:
                case decide.Keep(row, moved):
                    return Stands(self._keep(plugin, advance.kept(row, desired) if moved else row, moved))
                case decide.Finish(row):
                    finished = self._finish(plugin, row)
                    if not isinstance(finished, Stands):
                        return finished
                case decide.Update(row, changed):
                    updated = self._update(plugin, desired, row, changed)
                    return updated if updated is not None else self._replace(plugin, desired, row)
                case decide.Create():
                    return self._create(plugin, desired)
                case decide.Refuse() | decide.Restricted():
                    return _refused(self.recorder, decision)
                case other:
                    assert_never(other)

    def _clean(self, row_id: ResourceId) -> Result:
        row = self.job.rows.get(row_id)
        decision = decide.clean(row, self.job.standing.get(row.name) if row else None)
        match decision:
            case decide.Nothing():
                return Cleaned()
            case decide.Delete(row, retain):
                return self._delete(row, retain)
            case other:
                assert_never(other)

    def _desired(self, name: str) -> decide.Desired:
        plan, job = self.job.plan, self.job
        declaration = plan.target.declarations[name]
        scope = targets.scope_of(plan.target, job.values)
        external_id = targets.evaluate_external_id(declaration, scope)
        custom = self.tools.custom_for(plan.stack.project)
        resolved = targets.evaluate_properties(declaration, scope, custom)
        implementation = built_by(declaration.implementation, declaration.template_file)
        problems = resolved.problems
        if not problems and external_id is None:
            between = self.tools.registry.get(implementation).validate(resolved.values)
            problems = tuple(map(declaration.placed, between))
        if problems:
            raise targets.PropertiesInvalid(problems)
        return decide.Desired(
            name=name,
            type=declaration.type,
            implementation=implementation,
            schema=declaration.schema,
            properties=resolved.values,
            requires=frozenset(job.standing[other] for other in declaration.requires),
            metadata=targets.evaluate_metadata(declaration, scope),
            deletion_policy=declaration.deletion_policy,
            fingerprint=decide.fingerprint(targets.fingerprint_of(declaration, scope), external_id),
            external_id=external_id,
            restricted_actions=declaration.restricted_actions,
            definition_id=plan.stack.definition_id,
        )

    def _could_not_evaluate(self, name: str, error: Exception) -> Result:
        """Fail before anything is done: what stands stays as it is, and is not replaced for this failure later."""
        reason = reasons.of_resource(name, error)
        standing = next((row for row in self.recorder.rows.values() if row.is_built), None)
        if standing is not None:
            self.recorder.report(standing, reason)
            return Failed(reason)
        declaration = self.job.plan.target.declarations[name]
        nothing = decide.Desired(
            name=name,
            type=declaration.type,
            implementation=built_by(declaration.implementation, declaration.template_file),
            schema=declaration.schema,
            properties={},
            requires=frozenset(),
        )
        begun = self.recorder.start(_new_row(self, nothing))
        self.recorder.end(advance.broke(begun, reason))
        return Failed(reason)

    def _keep(self, plugin: ResourceType, row: ResourceRecord, moved: bool) -> ResourceRecord:
        complete = self._with_attributes(plugin, row)
        return self.recorder.note(complete) if moved or complete is not row else row

    def _finish(self, plugin: ResourceType, row: ResourceRecord) -> Result:
        """Bring an operation that was cut short, or is being waited for, one call further."""
        token = row.pending.token if row.pending else None
        if token is None:
            is_external = row.pending is not None and decide.is_external(row.pending.fingerprint)
            act = plugin.check if is_external else _find_or_create(plugin)
            return _expected(self._carry_out(plugin, act, row))
        return self._ask_again(plugin, row, previous=PropertyValues(row.properties))

    def _ask_again(self, plugin: ResourceType, row: ResourceRecord, **about: Any) -> Result:
        """Poll, but not before it is due: a walk that begins again in between must not cut a wait short."""
        pending = row.pending
        if pending is not None and pending.due is not None and not self.job.is_woken:
            early = (pending.due - self.tools.clock.now()).total_seconds()
            if early > 0:
                return Waits(early)
        token = pending.token if pending is not None else None
        return _expected(self._carry_out(plugin, plugin.poll, row, token=token, **about))

    def _update(
        self, plugin: ResourceType, desired: decide.Desired, row: ResourceRecord, changed: frozenset[str]
    ) -> Result | None:
        """Update in place; None: the plugin wants a new one."""
        begun = self.recorder.start(advance.updating(row, desired, self.tools.clock.now()))
        previous = PropertyValues(row.properties)
        return self._carry_out(plugin, plugin.update, begun, previous=previous, changed=changed)

    def _create(self, plugin: ResourceType, desired: decide.Desired) -> Result:
        begun = self.recorder.start(_new_row(self, desired))
        act = plugin.create if desired.external_id is None else plugin.check
        return _expected(self._carry_out(plugin, act, begun))

    def _replace(self, plugin: ResourceType, desired: decide.Desired, row: ResourceRecord) -> Result:
        """Build a new one because the plugin wants that, unless the environment forbids it."""
        if "replace" in desired.restricted_actions:
            current = self.recorder.rows[row.id]  # the update that asked for this has been recorded meanwhile
            return _refused(self.recorder, decide.Restricted(current, "replace"))
        return self._create(plugin, desired)

    def _delete(self, row: ResourceRecord, retain: bool) -> Result:
        now = self.tools.clock.now()
        if retain:
            self.recorder.forget(self.recorder.start(advance.deleting(row, now)))
            return Cleaned()
        plugin = self.tools.registry.get(row.implementation)
        token = row.pending.token if row.pending else None
        if token is not None and row.state == (Action.DELETE, Status.IN_PROGRESS):
            return self._ask_again(plugin, row)
        begun = self.recorder.start(advance.deleting(row, now))
        return _expected(self._carry_out(plugin, _find_and_delete(plugin, row), begun))

    def _carry_out(
        self, plugin: ResourceType, act: Callable[[Context], Outcome], row: ResourceRecord, **about: Any
    ) -> Result | None:
        """Call the plugin and record its answer; None: it wants the row replaced."""
        try:
            outcome = act(self._context(row, **about))
        except Exception as error:
            log.debug("%s of %s failed", row.action, row.name, exc_info=True)
            reason = reasons.of_resource(row.name, error)
            self.recorder.end(advance.broke(row, reason))
            return Failed(reason)
        match outcome:
            case Done() if row.action is Action.DELETE:
                self.recorder.forget(row)
                return Cleaned()
            case Done():
                return Stands(self.recorder.end(self._with_attributes(plugin, advance.finished(row, outcome))))
            case Poll():
                due = self.tools.clock.now() + timedelta(seconds=outcome.after)
                self.recorder.note(advance.waiting(row, outcome, due))
                return Waits(outcome.after)
            case Replace(reason):
                self.recorder.end(advance.replaced(row, reason))
                return None
            case other:
                assert_never(other)

    def _with_attributes(self, plugin: ResourceType, row: ResourceRecord) -> ResourceRecord:
        """Return the row with every attribute that other resources or outputs read."""
        needed = self.job.plan.target.attributes_needed.get(row.name, frozenset())
        values = dict(row.attributes)
        for name, path in needed:
            key = targets.attribute_key(name, path)
            if key not in values:
                try:
                    values[key] = plugin.attribute(self._context(row), name, path)
                except Exception:
                    log.warning("attribute %s of %s could not be read", name, row.name, exc_info=True)
        return row if len(values) == len(row.attributes) else replace(row, attributes=values)

    def _context(self, row: ResourceRecord, **about: Any) -> Context:
        plan = self.job.plan
        declaration = plan.target.declarations.get(row.name)
        wanted = row.pending.properties if row.pending else row.properties
        return Context(
            stack=plan.stack,
            record=row,
            action=row.action,
            properties=PropertyValues(wanted),
            seconds_left=None if plan.deadline is None else plan.deadline - self.tools.clock.monotonic(),
            files=plan.target.files,
            template_file=(declaration.template_file or "") if declaration else "",
            ports=self.tools.ports_for(plan.stack, row, plan.target),
            **about,
        )


def _refused(recorder: Recorder, decision: decide.Refuse | decide.Restricted) -> Result:
    """Refuse a change that may not be (templates.md §13.6, §14.7); the row stays as it is."""
    reason = reasons.of_resource(decision.row.name, _refusal(decision))
    recorder.report(decision.row, reason)
    return Failed(reason)


def _refusal(decision: decide.Refuse | decide.Restricted) -> Exception:
    row = decision.row
    if isinstance(decision, decide.Restricted):
        return ActionRestricted(f"{decision.action} is restricted for resource {row.name}")
    names = ", ".join(sorted(decision.names))
    return NotSupported(f"Update to properties {names} of {row.name} ({row.type}) is not supported")


def _new_row(errand: _Errand, desired: decide.Desired) -> ResourceRecord:
    """Return the row of a thing that the errand is about to build."""
    row_id, now = ResourceId(errand.tools.new_id()), errand.tools.clock.now()
    return advance.created(desired, row_id=row_id, stack_id=errand.job.plan.stack.id, now=now)


def _expected(result: Result | None) -> Result:
    """Return the result of an action that can't ask for a replacement; a plugin that does so is wrong."""
    return result if result is not None else Failed("the resource type asked for a replacement outside of an update")


def _find_or_create(plugin: ResourceType) -> Callable[[Context], Outcome]:
    """Return the create of a row that was cut short: look whether the thing exists before building it again."""

    def act(ctx: Context) -> Outcome:
        found = plugin.find(ctx)
        return plugin.create(ctx) if found is None else found

    return act


def _find_and_delete(plugin: ResourceType, before: ResourceRecord) -> Callable[[Context], Outcome]:
    """Return the delete of a row; one whose create never told a physical id may still have built something."""

    def act(ctx: Context) -> Outcome:
        if before.physical_id is None and before.action is Action.CREATE:
            found = plugin.find(ctx)
            if isinstance(found, Done | Poll) and found.physical_id is not None:
                lost = replace(ctx.record, physical_id=found.physical_id, data=found.data or ctx.record.data)
                return plugin.delete(replace(ctx, record=lost))
        return plugin.delete(ctx)

    return act
