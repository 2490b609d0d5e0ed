"""Visits that take something away: a row that stands for nothing, or a snapshot of a stack that is deleted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never

from engine.model.ids import ResourceId, SnapshotId
from engine.model.records import ResourceRecord
from engine.model.states import Action, Status
from engine.plan import advance, breakpoints, decide
from engine.plugin.context import Context
from engine.plugin.outcome import Done, Outcome, Poll
from engine.plugin.resource_type import ResourceType
from engine.runtime.errand import Act, Errand, expected
from engine.runtime.jobs import Cleaned, Result


@dataclass(frozen=True, slots=True)
class Cleaning:
    """One visit that takes something away."""

    errand: Errand

    def clean(self, row_id: ResourceId) -> Result:
        """Take a row away unless it stands for its name."""
        errand = self.errand
        known = errand.job.rows.get(row_id)
        if known is not None:
            errand.refresh(known.name)
        row = errand.recorder.rows.get(row_id)
        stack = errand.stack
        undoes = stack.action is Action.ROLLBACK and stack.complete_definition_id is None
        standing = errand.job.standing.get(row.name) if row else None
        match decide.clean(row, standing, stack.manner, undoes_adopt=undoes):
            case decide.Nothing():
                return Cleaned()
            case decide.Drop(row):
                return self._drop(row)
            case decide.Delete(row, policy):
                return self._delete(row, policy)
            case other:
                assert_never(other)

    def discard(self, snapshot: SnapshotId) -> Result:
        """Remove a snapshot, with what the resources have saved for it."""
        self.errand.tools.remove_snapshot(self.errand.stack, snapshot)
        return Cleaned()

    def _drop(self, row: ResourceRecord) -> Result:
        """Strike off a row with nothing behind it; one that was deleted may stand at the breakpoint behind that."""
        stop = self.errand.stop_at(breakpoints.POST, Action.DELETE, row) if row.action is Action.DELETE else None
        if stop is not None:
            return stop
        self.errand.recorder.drop(row)
        return Cleaned()

    def _delete(self, row: ResourceRecord, policy: str) -> Result:
        errand = self.errand
        is_under_way = row.state == (Action.DELETE, Status.IN_PROGRESS)
        stop = None if is_under_way else errand.stop_at(breakpoints.PRE, Action.DELETE, row)
        if stop is not None:
            return stop
        plugin = errand.plugin(row.implementation)
        if is_under_way and row.is_awaited:
            return errand.ask_again(plugin, row)
        begun = errand.recorder.start(advance.deleting(row, errand.tools.clock.now()))
        return expected(errand.carry_out(plugin, _farewell(plugin, policy, row), begun))


def _farewell(plugin: ResourceType, policy: str, before: ResourceRecord) -> Act:
    match policy:
        case "Retain":
            return plugin.forget
        case "Snapshot":
            return plugin.delete_keeping_snapshot
        case _:
            return _find_and_delete(plugin, before)


def _find_and_delete(plugin: ResourceType, before: ResourceRecord) -> Callable[[Context], Outcome]:
    """Return the delete of a row; one whose create never told a physical id may still have built something."""

    def act(ctx: Context) -> Outcome:
        if before.physical_id is None:
            found = plugin.find(ctx)
            if isinstance(found, Done | Poll) and found.physical_id is not None:
                lost = replace(ctx.record, physical_id=found.physical_id, data=found.data or ctx.record.data)
                return plugin.delete(replace(ctx, record=lost))
        return plugin.delete(ctx)

    return act
