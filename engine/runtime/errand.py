"""What every visit does in the same way: call a plugin and record its answer, poll, stop at a breakpoint."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, assert_never

from engine.model.ids import ResourceId, SnapshotId, StackId
from engine.model.records import ResourceRecord, StackRecord
from engine.model.states import PERFORMED, Action
from engine.plan import advance, breakpoints, decide, reasons
from engine.plan.breakpoints import Arrival
from engine.plugin.context import Context
from engine.plugin.outcome import Done, Outcome, Poll, Replace
from engine.plugin.registry import Registry
from engine.plugin.resource_type import ResourceType
from engine.runtime.clock import Clock
from engine.runtime.jobs import Cleaned, Failed, Job, Result, Stands, Waits
from engine.runtime.journal import Journal
from engine.runtime.logbook import Logbook
from engine.runtime.recorder import Recorder
from engine.schema.constraints import Custom
from engine.schema.properties import PropertyValues
from engine.template import target as targets

log = logging.getLogger(__name__)

_STANDING_STILL: Final = 5.0  # seconds between two looks whether a breakpoint was cleared; who clears it says so, too

PortsFor = Callable[[StackRecord, ResourceRecord, targets.Target], Mapping[str, Any]]
Act = Callable[[Context], Outcome]


@dataclass(frozen=True, slots=True)
class Workshop:
    """What every visit works with."""

    journal: Journal
    registry: Registry
    clock: Clock
    logbook: Logbook
    new_id: Callable[[], str]
    ports_for: PortsFor
    custom_for: Callable[[str], Custom]  # project → the custom constraints as they are asked for it
    read_rows: Callable[[StackId, str], list[ResourceRecord]]  # of a name, as they are stored now
    remove_snapshot: Callable[[StackRecord, SnapshotId], None]  # with what the resources have saved for it


@dataclass(frozen=True, slots=True)
class Errand:
    """One visit under way."""

    tools: Workshop
    job: Job
    recorder: Recorder

    @property
    def stack(self) -> StackRecord:
        """Return the stack as the walk set out with it."""
        return self.job.plan.stack

    def plugin(self, implementation: str) -> ResourceType:
        """Return the type that builds a resource; raise RESOURCE_TYPE_NOT_FOUND."""
        return self.tools.registry.get(implementation)

    def refresh(self, name: str) -> None:
        """Read the rows of a name again where others may have written to them: at a breakpoint, or when woken."""
        stands_still = any(row.hook is not None and not row.hook.is_cleared for row in self.job.rows.values())
        if self.job.is_woken or stands_still:
            known = self.recorder.rows
            for row in self.tools.read_rows(self.stack.id, name):
                if row.id in known:
                    known[row.id] = row

    def carry_out(self, plugin: ResourceType, act: Act, row: ResourceRecord, **about: Any) -> Result | None:
        """Call the plugin and record its answer; None: it wants the row replaced."""
        try:
            outcome = act(self.context(row, **about))
        except Exception as error:
            log.debug("%s of %s failed", row.action, row.name, exc_info=True)
            reason = reasons.of_resource(row.name, error)
            self.recorder.end(advance.broke(row, reason))
            return Failed(reason)
        match outcome:
            case Done() if row.action is Action.DELETE:
                return self._deleted(row)
            case Done():
                return self._done(plugin, advance.finished(row, outcome))
            case Poll():
                due = self.tools.clock.now() + timedelta(seconds=outcome.after)
                self.recorder.note(advance.waiting(row, outcome, due))
                return Waits(outcome.after)
            case Replace(reason):
                self.recorder.end(advance.replaced(row, reason))
                return None
            case other:
                assert_never(other)

    def finish(self, plugin: ResourceType, row: ResourceRecord) -> Result:
        """Bring an operation that was cut short, or is being waited for, one call further."""
        if row.is_awaited:
            return self.ask_again(plugin, row, previous=PropertyValues(row.properties))
        act = getattr(plugin, row.action.lower()) if row.action in PERFORMED else _again(plugin, row)
        return expected(self.carry_out(plugin, act, row))

    def ask_again(self, plugin: ResourceType, row: ResourceRecord, **about: Any) -> Result:
        """Poll, but not before it is due: a walk that begins again in between must not cut a wait short."""
        pending = row.pending
        if pending is not None and pending.due is not None and not self.job.is_woken:
            early = (pending.due - self.tools.clock.now()).total_seconds()
            if early > 0:
                return Waits(early)
        token = pending.token if pending is not None else None
        return expected(self.carry_out(plugin, plugin.poll, row, token=token, **about))

    def stop_at(self, when: str, action: Action, row: ResourceRecord) -> Result | None:
        """Return a wait if the resource has to stop at a breakpoint, which is recorded; None: it goes on."""
        name = breakpoints.point(when, action, self.stack.action)
        wanted = self.job.plan.hooks.get(row.name, frozenset())
        arrival = breakpoints.arrive(wanted, name, row.hook, self.stack.traversal)
        if arrival is Arrival.OPEN:
            return None
        if arrival is Arrival.REACHED:
            self.recorder.pause(advance.paused(row, name, self.stack.traversal), breakpoints.paused(name))
        return Waits(_STANDING_STILL)

    def with_attributes(self, plugin: ResourceType, row: ResourceRecord) -> ResourceRecord:
        """Return the row with every attribute that other resources or outputs read."""
        needed = self.job.plan.target.attributes_needed.get(row.name, frozenset())
        values = dict(row.attributes)
        for name, path in needed:
            key = targets.attribute_key(name, path)
            if key not in values:
                try:
                    values[key] = plugin.attribute(self.context(row), name, path)
                except Exception:
                    log.warning("attribute %s of %s could not be read", name, row.name, exc_info=True)
        return row if len(values) == len(row.attributes) else replace(row, attributes=values)

    def context(self, row: ResourceRecord, **about: Any) -> Context:
        """Return what a call of the plugin about a row is given."""
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

    def blank(self, desired: decide.Desired) -> ResourceRecord:
        """Return a row for a thing that nothing has been done about."""
        row_id, now = ResourceId(self.tools.new_id()), self.tools.clock.now()
        return advance.announced(desired, row_id=row_id, stack_id=self.stack.id, now=now)

    def _done(self, plugin: ResourceType, finished: ResourceRecord) -> Result:
        """Record an end, and in the same write that the resource stands at the breakpoint behind it, if it does."""
        row, action = self.with_attributes(plugin, finished), finished.action
        name = breakpoints.point(breakpoints.POST, action, self.stack.action)
        if name not in self.job.plan.hooks.get(row.name, ()):
            return Stands(self.recorder.end(row))
        held = self.recorder.end(advance.paused(row, name, self.stack.traversal))
        self.recorder.pause(held, breakpoints.paused(name))
        return Waits(_STANDING_STILL)

    def _deleted(self, row: ResourceRecord) -> Result:
        """Record that a thing is gone; its row stays while it stands at the breakpoint behind that."""
        name = breakpoints.point(breakpoints.POST, Action.DELETE, self.stack.action)
        if name not in self.job.plan.hooks.get(row.name, ()):
            self.recorder.forget(row)
            return Cleaned()
        gone = replace(advance.finished(row, Done()), hook=advance.paused(row, name, self.stack.traversal).hook)
        self.recorder.pause(self.recorder.end(gone), breakpoints.paused(name))
        return Waits(_STANDING_STILL)


def expected(result: Result | None) -> Result:
    """Return the result of an action that can't ask for a replacement; a plugin that does so is wrong."""
    return result if result is not None else Failed("the resource type asked for a replacement outside of an update")


def _again(plugin: ResourceType, row: ResourceRecord) -> Act:
    """Return what brings a create or an adopt to its end that was cut short: look before building again."""
    if row.action is Action.ADOPT:
        return plugin.adopt
    if row.pending is not None and decide.is_external(row.pending.fingerprint):
        return plugin.check

    def find_or_create(ctx: Context) -> Outcome:
        found = plugin.find(ctx)
        return plugin.create(ctx) if found is None else found

    return find_or_create
