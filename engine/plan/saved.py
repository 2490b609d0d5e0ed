"""What the resources of a stack have saved for one snapshot, and so what goes with it. Pure.

A snapshot that was taken to its end holds of every resource what that has saved for it. One that was not may hold of a
resource what an earlier snapshot had it save: such a thing belongs to the earlier one, and stays with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.model.records import SnapshotRecord
from engine.model.states import Action, Status
from engine.plan import export

Way = tuple[str, ...]  # names of resources, from the outermost stack down to one


@dataclass(frozen=True, slots=True, repr=False)
class Saved:
    """What one resource has saved. Without a `repr`: it may be secret."""

    way: Way  # to the resource
    stack: Mapping[str, Any]  # the data of the stack that it is in
    entry: Mapping[str, Any]  # its own

    @property
    def name(self) -> str:
        """Return the name of the resource in its stack."""
        return self.way[-1]

    @property
    def data(self) -> Mapping[str, Any]:
        """Return the plugin's memory as it was."""
        return self.entry.get("resource_data") or {}


def is_whole(snapshot: SnapshotRecord) -> bool:
    """Return whether the walk that took the snapshot came to its end, as its data say whatever became of it since."""
    return snapshot.data is not None and snapshot.data["status"] == Status.COMPLETE


def of_snapshot(snapshot: SnapshotRecord, others: Iterable[SnapshotRecord]) -> list[Saved]:
    """Return what goes with a snapshot; `others` are the other snapshots of the same stack."""
    found = list(_saved((), snapshot.data or {}))
    if is_whole(snapshot):
        return found
    elsewhere = [{one.way: one.entry for one in _saved((), other.data or {})} for other in others]
    return [one for one in found if _is_fresh(one, elsewhere)]


def by_name(data: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return what the data of a snapshot keep of each resource, as a definition that leads back to it holds that.

    The plugin's memory is in every entry: of a resource that is a stack it is empty, and its own entries lie below.
    """
    return {name: _kept(entry) for name, entry in data["resources"].items()}


def _kept(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    if export.is_stack(entry):
        return {**entry, "resources": by_name(entry), "resource_data": {}}
    return entry or {"resource_data": {}}


def _saved(way: Way, data: Mapping[str, Any]) -> Iterator[Saved]:
    for name, entry in data.get("resources", {}).items():
        if export.is_stack(entry):
            yield from _saved((*way, name), entry)
        elif entry:
            yield Saved((*way, name), data, entry)


def _is_fresh(saved: Saved, elsewhere: Sequence[Mapping[Way, Mapping[str, Any]]]) -> bool:
    """Return whether a resource had come to its end when the snapshot did not, and what it saved is in no other."""
    entry = saved.entry
    if (entry["action"], entry["status"]) != (Action.SNAPSHOT, Status.COMPLETE):
        return False
    return not any(_same(entry, other.get(saved.way)) for other in elsewhere)


def _same(entry: Mapping[str, Any], other: Mapping[str, Any] | None) -> bool:
    keys = ("resource_id", "resource_data")
    return other is not None and all(entry[key] == other[key] for key in keys)
