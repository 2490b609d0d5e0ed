"""A visit to a declared name: bring its resource to what is declared."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Final, assert_never

from engine.model.ids import ResourceId
from engine.model.records import ResourceRecord
from engine.model.states import Action, Status
from engine.plan import advance, breakpoints, decide, reasons
from engine.plugin.resource_type import ResourceType, built_by
from engine.runtime.errand import Errand, expected
from engine.runtime.jobs import Failed, Result, Stands
from engine.runtime.recorder import Recorder
from engine.schema import changes
from engine.schema.properties import PropertyValues
from engine.template import target as targets

log = logging.getLogger(__name__)

_OBSERVING: Final = frozenset({Action.UPDATE, Action.ROLLBACK, Action.RESTORE})  # what is there may differ by then
_DIFFERS: Final = "differs"  # no fingerprint that is ever computed


class NotSupported(Exception):
    """A change that the type does not allow."""


class ResourceActionRestricted(Exception):
    """A change that the environment does not allow."""


class NothingToLeave(Exception):
    """What was to be left as it is does not exist."""


@dataclass(frozen=True, slots=True)
class Converging:
    """One visit to a name."""

    errand: Errand
    name: str

    def run(self) -> Result:
        """Make the visit."""
        errand, name = self.errand, self.name
        errand.refresh(name)
        if name in errand.stack.manner.skip:
            return self._leave()
        try:
            desired = self._desired()
        except Exception as error:  # noqa: BLE001  whatever it is becomes the reason of the resource
            return self._could_not_evaluate(error)
        plugin = errand.plugin(desired.implementation)
        return self._stop_before_update() or self._converge(plugin, desired)

    def _converge(self, plugin: ResourceType, desired: decide.Desired) -> Result:
        """Decide what to do next as often as needed, until something has to be waited for."""
        errand = self.errand
        seen = self._observed(plugin, desired)
        while True:
            rows = tuple(seen.pop(row.id, row) for row in errand.recorder.rows.values())
            match decide.converge(desired, rows, plugin):
                case decide.Keep(row, moved):
                    return self._keep(plugin, advance.kept(row, desired) if moved else row, moved)
                case decide.Finish(row):
                    finished = errand.finish(plugin, row)
                    is_of_old = isinstance(finished, Failed) and row.definition_id != errand.stack.target_id
                    if not (isinstance(finished, Stands) or is_of_old):  # what an earlier walk began may fail
                        return finished
                case decide.Update(row, changed):
                    updated = self._update(plugin, desired, row, changed)
                    return updated if updated is not None else self._replace(plugin, desired, row)
                case decide.Create(instead_of, blank):
                    return self._create(plugin, desired, blank or self._blank(desired, instead_of))
                case decide.Adopt(row):
                    begun = errand.recorder.start(advance.adopting(row, desired))
                    return expected(errand.carry_out(plugin, plugin.adopt, begun))
                case decide.Refuse() | decide.Restricted() as refusal:
                    return _refused(errand.recorder, refusal)
                case other:
                    assert_never(other)

    def _leave(self) -> Result:
        """Let the name stand as it is: whoever rolls back has asked for that."""
        row = decide.leave(tuple(self.errand.recorder.rows.values()))
        if row is not None:
            return Stands(row)
        return Failed(reasons.of_resource(self.name, NothingToLeave("there is nothing to leave as it is")))

    def _desired(self) -> decide.Desired:
        tools, job, name = self.errand.tools, self.errand.job, self.name
        plan = job.plan
        declaration = plan.target.declarations[name]
        scope = targets.scope_of(plan.target, job.values)
        external_id = targets.evaluate_external_id(declaration, scope)
        resolved = targets.evaluate_properties(declaration, scope, tools.custom_for(plan.stack.project))
        implementation = built_by(declaration.implementation, declaration.template_file)
        plugin = tools.registry.get(implementation)
        problems = resolved.problems
        if not problems and external_id is None:
            problems = tuple(map(declaration.placed, plugin.validate(resolved.values)))
        if problems:
            raise targets.PropertiesInvalid(problems)
        saved = plan.target.restored.get(name, {}).get("resource_data")
        return decide.Desired(
            name=name,
            type=declaration.type,
            implementation=implementation,
            schema=declaration.schema,
            properties=resolved.values if saved is None else plugin.restored(resolved.values, saved),
            requires=frozenset(job.standing[other] for other in declaration.requires),
            metadata=targets.evaluate_metadata(declaration, scope),
            deletion_policy=declaration.deletion_policy,
            fingerprint=decide.fingerprint(targets.fingerprint_of(declaration, scope), external_id),
            external_id=external_id,
            restricted_actions=declaration.restricted_actions,
            definition_id=plan.stack.target_id,
            adopts=plan.stack.action is Action.ADOPT,
        )

    def _could_not_evaluate(self, error: Exception) -> Result:
        """Fail before anything is done: what stands stays as it is, and is not replaced for this failure later."""
        errand = self.errand
        reason = reasons.of_resource(self.name, error)
        rows = errand.recorder.rows.values()
        standing = next((row for row in rows if row.is_built), None)
        if standing is not None:
            errand.recorder.report(standing, reason)
            return Failed(reason)
        declaration = errand.job.plan.target.declarations[self.name]
        nothing = decide.Desired(
            name=self.name,
            type=declaration.type,
            implementation=built_by(declaration.implementation, declaration.template_file),
            schema=declaration.schema,
            properties={},
            requires=frozenset(),
        )
        blank = next((row for row in rows if row.action is Action.INIT), None) or errand.blank(nothing)
        begun = errand.recorder.start(advance.created(blank, nothing))
        errand.recorder.end(advance.broke(begun, reason))
        return Failed(reason)

    def _observed(self, plugin: ResourceType, desired: decide.Desired) -> dict[ResourceId, ResourceRecord]:
        """Return the rows that stand, as what they stand for really is; those that can't be looked at are left out."""
        stack = self.errand.stack
        wanted = stack.action in _OBSERVING and (stack.manner.observe or plugin.always_observes)
        if not wanted or desired.external_id is not None:
            return {}
        # What this walk has built or changed is what it was to be; looking again could find work for ever.
        there = [row for row in self.errand.recorder.rows.values() if row.definition_id != stack.target_id]
        rows = [row for row in there if row.status is not Status.IN_PROGRESS]
        return {row.id: seen for row in rows if (seen := self._look_at(plugin, row)) is not None}

    def _look_at(self, plugin: ResourceType, row: ResourceRecord) -> ResourceRecord | None:
        if row.implementation != plugin.type_name or row.action in (Action.DELETE, Action.INIT):
            return None
        try:
            there = plugin.observe(self.errand.context(row))
        except Exception:
            log.warning("what %s really is could not be seen", row.name, exc_info=True)
            return None
        if there is None:
            return None
        properties = {**row.properties, **changes.in_place(there.properties, plugin.Properties.schemas)}
        fingerprint = _DIFFERS if there.differs else row.fingerprint
        return replace(
            row, properties=properties, fingerprint=fingerprint, is_unhealthy=row.is_unhealthy or there.is_gone
        )

    def _stop_before_update(self) -> Result | None:
        """Stop at pre-update, whatever the update will come to: no change and a replacement too (engine.md §3.11)."""
        standing = decide.leave(tuple(self.errand.recorder.rows.values()))
        if standing is None or standing.status is Status.IN_PROGRESS:
            return None
        return self.errand.stop_at(breakpoints.PRE, Action.UPDATE, standing)

    def _keep(self, plugin: ResourceType, row: ResourceRecord, moved: bool) -> Result:
        errand = self.errand
        complete = errand.with_attributes(plugin, row)
        kept = errand.recorder.note(complete) if moved or complete is not row else row
        if self._stands_behind(kept):
            return errand.stop_at(breakpoints.POST, kept.action, kept) or Stands(kept)
        return Stands(kept)

    def _stands_behind(self, row: ResourceRecord) -> bool:
        """Return whether it was this walk that has brought the row here, which now stops behind that."""
        hook, traversal = row.hook, self.errand.stack.traversal
        return hook is not None and hook.traversal == traversal and hook.point.startswith(breakpoints.POST)

    def _update(
        self, plugin: ResourceType, desired: decide.Desired, row: ResourceRecord, changed: frozenset[str]
    ) -> Result | None:
        """Update in place; None: the plugin wants a new one."""
        errand = self.errand
        begun = errand.recorder.start(advance.updating(row, desired, errand.tools.clock.now()))
        previous = PropertyValues(row.properties)
        return errand.carry_out(plugin, plugin.update, begun, previous=previous, changed=changed)

    def _blank(self, desired: decide.Desired, instead_of: ResourceRecord | None) -> ResourceRecord:
        """Return the row of what is to be built; it has passed the breakpoints of what it stands in for."""
        return replace(self.errand.blank(desired), hook=instead_of.hook if instead_of is not None else None)

    def _create(self, plugin: ResourceType, desired: decide.Desired, row: ResourceRecord) -> Result:
        errand = self.errand
        stop = errand.stop_at(breakpoints.PRE, Action.CREATE, row)
        if stop is not None:
            return stop
        begun = errand.recorder.start(advance.created(row, desired))
        act = plugin.create if desired.external_id is None else plugin.check
        return expected(errand.carry_out(plugin, act, begun))

    def _replace(self, plugin: ResourceType, desired: decide.Desired, row: ResourceRecord) -> Result:
        """Build a new one because the plugin wants that, unless the environment forbids it."""
        if "replace" in desired.restricted_actions:
            current = self.errand.recorder.rows[row.id]  # the update that asked for this has been recorded meanwhile
            return _refused(self.errand.recorder, decide.Restricted(current, "replace"))
        return self._create(plugin, desired, self._blank(desired, row))


def _refused(recorder: Recorder, decision: decide.Refuse | decide.Restricted) -> Result:
    """Refuse a change that may not be (templates.md §13.6, §14.7); the row stays as it is."""
    reason = reasons.of_resource(decision.row.name, _refusal(decision))
    recorder.report(decision.row, reason)
    return Failed(reason)


def _refusal(decision: decide.Refuse | decide.Restricted) -> Exception:
    row = decision.row
    if isinstance(decision, decide.Restricted):
        return ResourceActionRestricted(f"{decision.action} is restricted for resource.")
    names = ", ".join(sorted(decision.names))
    return NotSupported(f"Update to properties {names} of {row.name} ({row.type}) is not supported")
