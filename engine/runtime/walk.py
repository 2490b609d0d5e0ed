"""What the conductor knows of one walk: where it stands, what it may do next.

Plain state without threads or time, owned by the conductor. Rows, values and standing are kept by name as visits come
back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import assert_never

from engine.graph.dag import Dag
from engine.graph.frontier import Frontier
from engine.model.ids import ResourceId
from engine.model.records import ResourceRecord
from engine.plan import build
from engine.plan.ending import Failure
from engine.plan.visits import Clean, Converge, Visit
from engine.runtime.jobs import Cleaned, Failed, Job, Lost, Plan, Result, Stands, Unrecorded, Visited, Waits
from engine.template.target import NodeValue


@dataclass(slots=True, eq=False)
class Walk:
    """One walk under way."""

    plan: Plan
    failures: list[Failure] = field(default_factory=list)
    lost: bool = False  # a write of ours was refused: nothing more may be started
    in_flight: dict[Visit, Job] = field(default_factory=dict)
    _frontier: Frontier[Visit] = field(init=False)
    _rows: dict[ResourceId, ResourceRecord] = field(init=False)
    _names: dict[str, set[ResourceId]] = field(init=False)
    _values: dict[str, NodeValue] = field(default_factory=dict)
    _standing: dict[str, ResourceId] = field(default_factory=dict)

    def __post_init__(self) -> None:
        requires = {name: wanted.requires for name, wanted in self.plan.target.declarations.items()}
        self._frontier = Frontier(Dag(build.build(requires, self.plan.rows)))
        self._rows = {}
        self._names = {}
        for row in self.plan.rows:
            self._keep(row)

    @property
    def is_over(self) -> bool:
        """Return whether nothing is left to visit and nothing is under way."""
        return self._frontier.is_over and not self.in_flight

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
            case Clean(row_id):
                row = self._rows.get(row_id)
                if row is None:
                    return Job(self.plan, visit, rows={})
                standing = self._standing.get(row.name)
                names = {row.name: standing} if standing else {}
                return Job(self.plan, visit, {row_id: row}, standing=names, is_woken=is_woken)
            case other:
                assert_never(other)

    def returned(self, visited: Visited) -> list[Visit]:
        """Take in how a visit ended; return the visits that it has made ready."""
        for row in visited.rows:
            self._keep(row)
        for row_id in visited.gone:
            self._drop(row_id)
        self.in_flight.pop(visited.visit, None)
        return self._next(visited.visit, visited.result)

    def concerns(self, visit: Visit, name: str) -> bool:
        """Return whether the visit goes to a resource of this name."""
        if isinstance(visit, Converge):
            return visit.name == name
        row = self._rows.get(visit.row)
        return row is not None and row.name == name

    def waiting_rows(self) -> list[ResourceRecord]:
        """Return the rows on which an operation is under way that no thread is working on."""
        return [row for row in self._rows.values() if row.pending is not None and row.pending.token is not None]

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
                self.lost = True
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
