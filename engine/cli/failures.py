"""What went wrong in a stack, put in order: what failed of itself, what failed because of that, what was not reached.

Plain values; nothing is drawn or asked here. A failure lies where no other lies inside it: the stacks around it failed
because it did, and whatever waits for it is not reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from engine.cli.inventory import Inventory, Path, Resource
from engine.cli.progress import FAILED, IN_PROGRESS, ROLLBACK, STACK_TYPE, Progress

_USERS_FIRST: Final = ("DELETE", "SUSPEND")  # actions that come to a resource after what needs it, not before
_GOES_ON: Final = "CHECK"  # comes to every resource, whatever it finds; and may be a mark that somebody set


class Role(StrEnum):
    """The part that something has in what went wrong."""

    ROOT_CAUSE = "root cause"  # it failed first
    CONSEQUENCE = "consequence"  # it failed because something inside it did
    FAILED_TOO = "failed too"  # it failed of itself as well, later
    NOT_REACHED = "not reached"  # it waits for something that failed, or for nobody any more


@dataclass(frozen=True, slots=True)
class Told:
    """Something with its state."""

    path: Path
    type: str
    action: str
    status: str
    reason: str

    @property
    def state(self) -> str:
        """Return `CREATE_FAILED` and the like."""
        return f"{self.action}_{self.status}"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something and its part in what went wrong."""

    role: Role
    told: Told
    because_of: Path | None = None  # the failure that it comes from; None: it comes from nothing else


def findings(found: Inventory, seen: Progress) -> list[Finding]:
    """Return what went wrong, the root cause first; nothing, if nothing has failed.

    `seen` are the events since the last action began that is no rollback: they tell the order, and what a rollback has
    taken away since.
    """
    failed = _failed(found, seen)
    itself = _told_of_stack(found)
    leaves = [one for one in failed if not any(_is_inside(other.path, one.path) for other in failed)]
    if not leaves and itself.status == FAILED:
        leaves = [itself]
    told: dict[tuple[Path, str], Finding] = {}
    for number, leaf in enumerate(leaves):
        role = Role.FAILED_TOO if number else Role.ROOT_CAUSE
        told[leaf.path, leaf.action] = Finding(role, leaf)
        around = [one for one in failed if _is_inside(leaf.path, one.path)]
        if itself.status == FAILED:
            around.append(itself)
        for one in sorted(around, key=lambda one: -len(one.path)):
            told.setdefault((one.path, one.action), Finding(Role.CONSEQUENCE, one, leaf.path))
    return [*told.values(), *(_not_reached(found, failed, seen) if leaves else ())]


def _failed(found: Inventory, seen: Progress) -> list[Told]:
    """Return all failures: those that were seen, in the order of time, then older ones that still stand.

    What was seen to fail and stands well by now does not count, unless it was a rollback that put it right.
    """
    now = {one.path: one for one in found.resources}
    failed: dict[tuple[Path, str], Told] = {}
    for event in seen.failures():
        path = seen.names(event)
        told = Told(path, event.type, event.action, event.status, event.reason)
        standing = now.get(path)
        if standing is not None and (standing.action, standing.status) == (event.action, FAILED):
            told = _told_of(standing)  # with the whole reason; an event has only the beginning of a long one
        is_mended = standing is not None and standing.status != FAILED and event.action != "DELETE"
        if found.stack["stack_action"] == ROLLBACK or not is_mended:
            failed.setdefault((path, event.action), told)
    for one in found.resources:
        if one.status == FAILED:
            failed.setdefault((one.path, one.action), _told_of(one))
    return list(failed.values())


def _not_reached(found: Inventory, failed: Sequence[Told], seen: Progress) -> Iterator[Finding]:
    """Yield what waits for a failure, the nearest first; then what no action has come to for another reason."""
    now = {one.path: one for one in found.resources}
    reached = {seen.names(row.node.seen) for row in seen.rows()}
    told = {one.path for one in failed}
    for failure in failed:
        standing = now.get(failure.path)
        is_past = standing is None or standing.status != FAILED or failure.path not in reached
        if standing is None or is_past or failure.action == _GOES_ON:
            continue
        for one in _waiting_for(standing, found.inside(standing.path[:-1])):
            if one.path not in told and one.path not in reached:
                told.add(one.path)
                yield Finding(Role.NOT_REACHED, _told_of(one), failure.path)
    if found.stack["stack_status"] != IN_PROGRESS:
        rest = (one for one in found.resources if not one.is_reached and one.path not in told)
        yield from (Finding(Role.NOT_REACHED, _told_of(one)) for one in rest)


def _waiting_for(failure: Resource, beside: Iterable[Resource]) -> list[Resource]:
    """Return what an action comes to only after the resource, directly or not, in order of distance."""
    by_name = {one.name: one for one in beside}
    followers: dict[str, list[str]] = {name: [] for name in by_name}
    for one in by_name.values():
        for user in one.required_by:
            first, then = (user, one.name) if failure.action in _USERS_FIRST else (one.name, user)
            followers.setdefault(first, []).append(then)
    reached, order = {failure.name}, [failure.name]
    for name in order:
        new = [one for one in followers.get(name, ()) if one not in reached]
        reached.update(new)
        order += new
    return [by_name[name] for name in order[1:] if name in by_name]


def _is_inside(path: Path, other: Path) -> bool:
    return len(path) > len(other) and path[: len(other)] == other


def _told_of(one: Resource) -> Told:
    return Told(one.path, one.type, one.action, one.status, one.reason)


def _told_of_stack(found: Inventory) -> Told:
    stack = found.stack
    return Told((), STACK_TYPE, stack["stack_action"], stack["stack_status"], stack["stack_status_reason"])
