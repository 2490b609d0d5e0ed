"""The verdict on arrival: what a visit does, from what is wanted and what is there. Shared by runtime and previews.

`converge` looks at *all* rows of a name and keeps the best one that can become what is wanted without being replaced,
so a rollback finds the old row still there. Nothing here asks how things came to be as they are: a first create, an
update after a failure and a walk after a crash get their verdicts from the same lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from engine.model.ids import DefinitionId, ResourceId
from engine.model.records import Manner, ResourceRecord
from engine.model.states import Action, Status
from engine.schema import changes
from engine.schema.type_schema import TypeSchema

_EXTERNAL: Final = "external:"
_BUILDING: Final = frozenset({Action.CREATE, Action.ADOPT})


@dataclass(frozen=True, slots=True)
class Desired:
    """What a visit wants of one name, with every reference resolved."""

    name: str
    type: str
    implementation: str
    schema: TypeSchema
    properties: Mapping[str, Any]
    requires: frozenset[ResourceId]  # the rows that stand for what it requires
    metadata: Mapping[str, Any] = field(default_factory=dict)
    deletion_policy: str = "Delete"
    fingerprint: str = ""
    external_id: str | None = None  # of the thing that stands for it and is never built; None: it is built
    restricted_actions: frozenset[str] = frozenset()  # update, replace: what the environment forbids
    definition_id: DefinitionId | None = None
    adopts: bool = False  # True: what the stack takes over, and not builds


class Rules(Protocol):
    """What a resource type adds to its schema; every `ResourceType` satisfies it."""

    @property
    def keeps_failed(self) -> bool:
        """True: a failed one is updated in place, not replaced."""

    @property
    def supersedes(self) -> bool:
        """True: an update may begin while an operation on it is still waited for."""

    def must_replace(self, old: Mapping[str, Any], new: Mapping[str, Any], changed: frozenset[str]) -> bool:
        """Return whether this change needs a new thing although the schema would allow it in place."""


@dataclass(frozen=True, slots=True)
class Keep:
    """The row is as wanted. `moved`: what is remembered of it (requirements, metadata, …) has to be written."""

    row: ResourceRecord
    moved: bool


@dataclass(frozen=True, slots=True)
class Create:
    """Nothing there can become what is wanted: build a first one, or one beside the old."""

    instead_of: ResourceRecord | None = None  # what stood for the name; None: nothing
    blank: ResourceRecord | None = None  # the row that is there for it already, of nothing yet; None: there is none


@dataclass(frozen=True, slots=True)
class Adopt:
    """Take over what the row tells of; nothing is built."""

    row: ResourceRecord


@dataclass(frozen=True, slots=True)
class Update:
    """Change the row in place."""

    row: ResourceRecord
    changed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Finish:
    """An operation on the row was cut short, or is being waited for: bring it to its end, then decide again."""

    row: ResourceRecord


@dataclass(frozen=True, slots=True)
class Delete:
    """The row stands for nothing: take it away."""

    row: ResourceRecord
    policy: str  # Delete, Retain (forget it, and leave the thing itself alone) or Snapshot (save it first)


@dataclass(frozen=True, slots=True)
class Drop:
    """There is nothing behind the row: strike it off."""

    row: ResourceRecord


@dataclass(frozen=True, slots=True)
class Refuse:
    """A property changed that may never change."""

    row: ResourceRecord
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Restricted:
    """What would have to be done is forbidden by the environment (templates.md §13.6)."""

    row: ResourceRecord
    action: str  # update or replace


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is nothing to do: the row stands for its name, or is gone already."""


OnArrival = Keep | Create | Adopt | Update | Finish | Refuse | Restricted
OnClean = Delete | Drop | Nothing
Decision = OnArrival | OnClean


def converge(desired: Desired, rows: Sequence[ResourceRecord], rules: Rules) -> OnArrival:
    """Return what brings the name to what is desired; `rows` are all rows of that name."""
    fits = [fit for row in rows if (fit := _fit(desired, row, rules)) is not None]
    if not fits:
        return _begun(desired, rows)
    best = max(fits, key=lambda fit: fit.rank)
    row, changed = best.row, best.changed
    refused = changes.refused(changed, desired.schema.properties)
    if row.is_built and _external_id(row) != desired.external_id:
        refused = frozenset({"external_id"})  # what was built can't become what was not, nor the other way round
    if refused and row.is_built:
        return Refuse(row, refused)
    rebuilt = _origin(row) != desired.fingerprint
    may_begin = _is_repeatable(row) or (rules.supersedes and row.is_awaited and bool(changed or rebuilt))
    if row.status is Status.IN_PROGRESS and not may_begin:
        return Finish(row)
    if changed or rebuilt or not row.is_built:
        is_forbidden = row.is_built and "update" in desired.restricted_actions
        return Restricted(row, "update") if is_forbidden else Update(row, changed)
    return Keep(row, moved=_has_moved(desired, row))


def fingerprint(built_from: str, external_id: str | None) -> str:
    """Return what a row remembers of its origin: what it is built from, or the id of what it stands for unbuilt."""
    return built_from if external_id is None else f"{_EXTERNAL}{external_id}"


def is_external(fingerprint: str) -> bool:
    """Return whether a row of this fingerprint stands for a thing which was never built."""
    return fingerprint.startswith(_EXTERNAL)


def _external_id(row: ResourceRecord) -> str | None:
    return row.fingerprint.removeprefix(_EXTERNAL) if is_external(row.fingerprint) else None


def _origin(row: ResourceRecord) -> str:
    """Return what the row is built from, or is being built from."""
    if row.pending is not None and (row.action in _BUILDING or row.pending.token is not None):
        return row.pending.fingerprint
    return row.fingerprint


def _begun(desired: Desired, rows: Sequence[ResourceRecord]) -> OnArrival:
    """Return how a name begins: with a create, unless a thing is there to adopt, or may not be replaced."""
    instead_of = _newest(rows)
    blank = next((row for row in rows if row.action is Action.INIT), None)
    if blank is not None and (desired.adopts or blank.physical_id is not None or blank.data):
        return Adopt(blank)
    if instead_of is not None and instead_of.is_built and "replace" in desired.restricted_actions:
        return Restricted(instead_of, "replace")
    return Create(instead_of, blank)


def leave(rows: Sequence[ResourceRecord]) -> ResourceRecord | None:
    """Return the row that stands for a name which is left as it is (a rollback that skips it); None: nothing does."""
    return max(
        (row for row in rows if row.action not in (Action.DELETE, Action.INIT)),
        key=lambda row: (row.is_built, row.created_time, row.id),
        default=None,
    )


def clean(
    row: ResourceRecord | None,
    standing: ResourceId | None,
    manner: Manner = Manner(),  # noqa: B008  it is frozen
    *,
    undoes_adopt: bool = False,
) -> OnClean:
    """Return what becomes of a row; `standing` is the row that stands for its name now, None if nothing does.

    What was never built is never deleted: neither what stands outside (external_id), nor what a stack took over that
    it is now to give back (`undoes_adopt`).
    """
    if row is None or row.id == standing or row.name in manner.skip:
        return Nothing()
    if row.action is Action.INIT or row.state == (Action.DELETE, Status.COMPLETE):
        return Drop(row)
    is_foreign = is_external(_origin(row)) or (undoes_adopt and row.is_adopted)
    if manner.retain or is_foreign:
        return Delete(row, "Retain")
    if row.deletion_policy == "Snapshot" and row.physical_id is None:
        return Delete(row, "Delete")  # there is nothing to save
    return Delete(row, row.deletion_policy)


@dataclass(frozen=True, slots=True)
class _Fit:
    row: ResourceRecord
    changed: frozenset[str]

    @property
    def rank(self) -> tuple[bool, bool, Any, str]:
        """Order: nothing to change, then built well, then the newest; the id only makes the order total."""
        return (not self.changed, self.row.is_built, self.row.created_time, self.row.id)


def _fit(desired: Desired, row: ResourceRecord, rules: Rules) -> _Fit | None:
    """Return the row with what differs, or None if it can't become what is desired without being replaced."""
    if row.implementation != desired.implementation or row.action in (Action.DELETE, Action.INIT) or row.is_unhealthy:
        return None
    if row.status is Status.FAILED and not rules.keeps_failed:
        return None
    schemas = desired.schema.properties
    changed: frozenset[str] = frozenset()
    for basis in _may_be(row):
        differs = changes.changed(basis, desired.properties, schemas)
        if changes.must_replace(differs, schemas) or rules.must_replace(basis, desired.properties, differs):
            return None
        changed |= differs
    return _Fit(row, changed)


def _may_be(row: ResourceRecord) -> list[Mapping[str, Any]]:
    """Return the property sets that the thing may have: two if an update was cut short and either may hold."""
    if row.pending is None:
        return [row.properties]
    if row.action in _BUILDING or row.pending.token is not None:
        return [row.pending.properties]
    return [row.properties, row.pending.properties]


def _is_repeatable(row: ResourceRecord) -> bool:
    """Return whether the unfinished operation is an update that no plugin has answered: a new update covers it."""
    return row.action is Action.UPDATE and not row.is_awaited


def _has_moved(desired: Desired, row: ResourceRecord) -> bool:
    remembered = (row.requires, row.metadata, row.deletion_policy, row.type)
    wanted = (desired.requires, desired.metadata, desired.deletion_policy, desired.type)
    return remembered != wanted


def _newest(rows: Sequence[ResourceRecord]) -> ResourceRecord | None:
    alive = [row for row in rows if row.action not in (Action.DELETE, Action.INIT)]
    return max(alive, key=lambda row: (row.created_time, row.id), default=None)
