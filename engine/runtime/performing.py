"""Visits that lead to nothing new: suspend, resume, check or save a row, or wait for what was begun on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, assert_never

from engine.model.ids import ResourceId
from engine.model.states import Status
from engine.plan import advance, reasons
from engine.plan import perform as plan
from engine.plan.decide import Finish, Nothing
from engine.runtime.errand import Act, Errand, expected
from engine.runtime.jobs import Cleaned, Failed, Result, Stands

_CUT_SHORT: Final = "its engine is gone"


class ResourceFailure(Exception):
    """The state of the resource does not allow what is to be done with it (engine.md §3.8)."""


@dataclass(frozen=True, slots=True)
class Performing:
    """One visit to a row as it stands."""

    errand: Errand

    def perform(self, row_id: ResourceId) -> Result:
        """Do with the row what is done with its stack."""
        errand, action = self.errand, self.errand.stack.action
        row = errand.job.rows.get(row_id)
        if row is None:
            return Cleaned()
        errand.refresh(row.name)
        while True:
            row = errand.recorder.rows[row_id]
            plugin = errand.plugin(row.implementation)
            match plan.perform(errand.stack, row, can_check=plugin.can_check, keeps_failed=plugin.keeps_failed):
                case Nothing():
                    return Stands(row)
                case plan.Invalid(row, text):
                    return Failed(reasons.of_resource(row.name, ResourceFailure(text)))
                case plan.Pass(row):
                    return Stands(errand.recorder.end(advance.passed(row)))
                case Finish(row):
                    finished = errand.finish(plugin, row)
                    if not isinstance(finished, Stands) or errand.recorder.rows[row_id].action is action:
                        return finished
                case plan.Act(row):
                    now, traversal = errand.tools.clock.now(), errand.stack.traversal
                    begun = errand.recorder.start(advance.performing(row, action, now, traversal))
                    act: Act = getattr(plugin, action.lower())
                    return expected(errand.carry_out(plugin, act, begun))
                case other:
                    assert_never(other)

    def settle(self, row_id: ResourceId) -> Result:
        """Wait for what was begun on the row; a failure is the row's, for what becomes of the stack is said already.

        What no plugin has answered was cut short with its engine: nobody knows how far it came.
        """
        row = self.errand.job.rows.get(row_id)
        if row is None or row.status is not Status.IN_PROGRESS:
            return Cleaned()
        if row.is_awaited:
            return self.errand.finish(self.errand.plugin(row.implementation), row)
        return Stands(self.errand.recorder.end(advance.broke(row, reasons.aborted(row.action, _CUT_SHORT))))
