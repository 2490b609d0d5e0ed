"""What the conductor knows of one walk: where it stands, what it may do next.

Plain state without threads or time, owned by the conductor. Rows, values and standing are kept by name as visits come
back. Only `is_halted` is read by other threads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import assert_never

from engine.graph.dag import Dag
from engine.graph.frontier import Frontier
from engine.model.ids import ResourceId
from engine.model.records import ResourceRecord
from engine.model.states import Action, Status
from engine.plan import advance, build, reasons
from engine.plan.ending import Failure
from engine.plan.visits import Clean, Converge, Discard, Perform, Settle, Visit
from engine.runtime.jobs import Cleaned, Failed, Job, Lost, Plan, Result, Stands, Unrecorded, Visited, Waits
from engine.template.target import NodeValue


@dataclass(slots=True, eq=False)
class Walk:
    """One walk under way."""

    plan: Plan
    failures: list[Failure] = field(default_factory=list)
    is_halted: bool = False  # nothing more may be started: a newer walk has come, or a write was refused
    _frontier: Frontier[Visit] = field(init=False)
    _rows: dict[ResourceId, ResourceRecord] = field(init=False)
    _names: dict[str, set[ResourceId]] = field(init=False)
    _values: dict[str, NodeValue] = field(default_factory=dict)
    _standing: dict[str, ResourceId] = field(default_factory=dict)

    def __post_init__(self) -> None:
        requires = {name: wanted.requires for name, wanted in self.plan.target.declarations.items()}
        visits = build.of_walk(self.plan.stack, requires, self.plan.rows, self.plan.snapshots)
        self._frontier = Frontier(Dag(visits))
        self._rows = {}
        self._names = {}
        for row in self.plan.rows:
            self._keep(row)
        if self.plan.stack.state == (Action.CHECK, Status.IN_PROGRESS):
            self.failures += [_unbuilt(name) for name in requires if name not in self._names]

    @property
    def is_over(self) -> bool:
        """Return whether every visit has ended, or never will begin."""
        return self._frontier.is_over

    @property
    def has_come_to_all(self) -> bool:
        """Return whether nothing is under way that the walk, now that it is over, did not come to."""
        return not any(row.status is Status.IN_PROGRESS for row in self._rows.values())

    @property
    def all_checked(self) -> bool:
        """Return whether no resource was only passed over, because its type has no check."""
        if self.plan.stack.action is not Action.CHECK:
            return True
        checked = (row.reason for row in self._rows.values() if row.action is Action.CHECK)
        return not any(reason.startswith(advance.UNCHECKED) for reason in checked)

    def ready(self) -> list[Visit]:
        """Return the visits that wait for nothing, each once."""
        return list(self._frontier.ready())

    def job(self, visit: Visit, *, is_woken: bool = False) -> Job:
        """Return the visit with all that it needs to know."""
        match visit:
            case Converge(name):
                required = self.plan.target.declarations[name].requires
                return Job(
                    self.plan,
                    visit,
                    rows={id_: self._rows[id_] for id_ in self._names.get(name, ())},
                    values={other: self._values[other] for other in required},
                    standing={other: self._standing[other] for other in required},
                    is_woken=is_woken,
                )
            case Clean(row_id) | Perform(row_id) | Settle(row_id):
                row = self._rows.get(row_id)
                if row is None:
                    return Job(self.plan, visit, rows={})
                standing = self._standing.get(row.name)
                names = {row.name: standing} if standing else {}
                return Job(self.plan, visit, {row_id: row}, standing=names, is_woken=is_woken)
            case Discard():
                return Job(self.plan, visit, rows={})
            case other:
                assert_never(other)

    def returned(self, visited: Visited) -> list[Visit]:
        """Take in how a visit ended; return the visits that it has made ready."""
        self.learn(visited)
        return self._next(visited.visit, visited.result)

    def learn(self, visited: Visited) -> None:
        """Take in what a visit has written, of this walk or of one before it; what is known to be newer stays."""
        for row in visited.rows:
            known = self._rows.get(row.id)
            if known is None or known.version < row.version:
                self._keep(row)
        for row_id in visited.gone:
            self._drop(row_id)

    def name_of(self, visit: Visit) -> str:
        """Return the name of the resource that a visit goes to; "": it goes to none."""
        match visit:
            case Converge(name):
                return name
            case Clean(row_id) | Perform(row_id) | Settle(row_id):
                row = self._rows.get(row_id)
                return row.name if row is not None else ""
            case Discard():
                return ""
            case other:
                assert_never(other)

    def waiting_rows(self) -> list[ResourceRecord]:
        """Return the rows on which an operation is awaited, or that stand at a breakpoint of this walk."""
        return [row for row in self._rows.values() if row.is_awaited or self._stands_still(row)]

    def _stands_still(self, row: ResourceRecord) -> bool:
        hook = row.hook
        return hook is not None and not hook.is_cleared and hook.traversal == self.plan.stack.traversal

    def _next(self, visit: Visit, result: Result) -> list[Visit]:
        match result:
            case Stands(row):
                self._standing[row.name] = row.id
                self._values[row.name] = NodeValue(row.reference_id, row.attributes)
                return list(self._frontier.done(visit))
            case Cleaned():
                return list(self._frontier.done(visit))
            case Failed(reason):
                self.failures.append(Failure(visit, reason))
                self._frontier.blocked(visit)
                return []
            case Lost():
                self.is_halted = True
                return []
            case Waits() | Unrecorded():
                return []
            case other:
                assert_never(other)

    def _keep(self, row: ResourceRecord) -> None:
        self._rows[row.id] = row
        self._names.setdefault(row.name, set()).add(row.id)

    def _drop(self, row_id: ResourceId) -> None:
        row = self._rows.pop(row_id, None)
        if row is not None:
            self._names[row.name].discard(row_id)


def _unbuilt(name: str) -> Failure:
    """Return why a check fails of what is declared and was never built."""
    return Failure(Converge(name), reasons.of_resource(name, NotCreatedError("it is not created yet")))


class NotCreatedError(Exception):
    """What was to be checked is not there."""
