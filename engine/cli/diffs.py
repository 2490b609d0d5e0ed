"""What an update would change, as text: a line for each resource, and below it one for each property that differs.

Plain values in, lines out; nothing is asked here. A line comes with the change that it tells of, for whoever colors it.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from engine.cli import messages
from engine.cli.inventory import Path

CHANGES: Final = ("added", "updated", "replaced", "deleted", "unchanged")
_SIGNS: Final = {"added": "+", "updated": "~", "replaced": "-/+", "deleted": "-"}
_EFFECTS: Final = {"REPLACEMENT": "  (replaces it)", "REFUSED": "  (refused: it can never change)"}
_UNKNOWN: Final = "(known when it is built)"
_NOTHING: Final = "(no value)"
_LONG: Final = 60  # characters of JSON; what is longer is compared line by line
_CONTEXT: Final = 1  # lines around one that differs
_HEADINGS: Final = 2  # lines that would name two files

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Compared:
    """A resource, and what would become of it."""

    change: str  # one of CHANGES
    path: Path  # down to this one
    values: Values  # the message as plain data


def compared(answer: Mapping[str, Sequence[Values]], places: Mapping[str, Path]) -> list[Compared]:
    """Return every resource of a preview with its path, sorted by it: what is nested comes below what holds it.

    `places` are the paths of the stacks that are there, by name. One that is not there yet goes by the name of its
    holder's stack and that of its holder.
    """
    parents = {one["stack_name"]: one["parent_resource"] for found in answer.values() for one in found}

    def place(stack: str) -> Path:
        parent = parents.get(stack, "")
        above = stack.removesuffix(f"-{parent}")
        if stack in places or not parent or above == stack:
            return places.get(stack, (stack,))
        return (*place(above), parent)

    found = [
        Compared(change, (*place(one["stack_name"]), one["resource_name"]), one)
        for change in CHANGES
        for one in answer[change]
    ]
    return sorted(found, key=lambda one: (one.path, CHANGES.index(one.change)))


def counts(found: Iterable[Compared]) -> dict[str, int]:
    """Return how many resources there are of each change."""
    changes = [one.change for one in found]
    return {change: changes.count(change) for change in CHANGES}


def lines(found: Iterable[Compared]) -> Iterator[tuple[str, str]]:
    """Yield the lines of all resources that do not stay as they are, each with its change."""
    for one in found:
        if one.change in _SIGNS:
            yield from ((one.change, line) for line in _resource(one))


def summary(numbers: Mapping[str, int]) -> str:
    """Return the numbers in a line."""
    return ", ".join(f"{number} {change}" for change, number in numbers.items())


def _resource(one: Compared) -> Iterator[str]:
    values = one.values
    was = f" instead of {values['replaced_type']}" if values["replaced_type"] else ""
    yield f"{_SIGNS[one.change]} {'/'.join(one.path)} ({values['resource_type']}{was})"
    for change in values["changes"]:
        yield from (f"    {line}" for line in _property(change, is_new=one.change == "added"))
    if one.change in ("updated", "replaced") and not values["changes"]:
        yield f"    {_why(values)}"


def _why(values: Values) -> str:
    """Return why something changes although no property does."""
    if values["resource_status"] == "COMPLETE":
        return "(no property differs; what it is made from does)"
    return f"(no property differs; it is {messages.state(values, 'resource')})"


def _property(change: Values, *, is_new: bool) -> Iterator[str]:
    name, before, after = change["property_name"], change["before"], change["after"]
    if _are_long(before, after):
        yield f"{name}:{_EFFECTS.get(change['effect'], '')}"
        yield from (f"  {line}" for line in _line_by_line(before, after))
        return
    becomes = _UNKNOWN if change["after_is_unknown"] else _shown(after)
    told = becomes if is_new or change["effect"] == "" else f"{_shown(before)} -> {becomes}"
    yield f"{name}: {told}{_EFFECTS.get(change['effect'], '')}"


def _shown(value: Any) -> str:
    return _NOTHING if value is None else json.dumps(value, ensure_ascii=False)


def _are_long(before: Any, after: Any) -> bool:
    """Return whether two values are better compared line by line: long trees, or texts of several lines."""
    if isinstance(before, str) and isinstance(after, str):
        return "\n" in before or "\n" in after
    is_tree = isinstance(before, dict | list) and isinstance(after, dict | list)
    return is_tree and max(len(_shown(before)), len(_shown(after))) > _LONG


def _line_by_line(before: Any, after: Any) -> Iterator[str]:
    old, new = (value if isinstance(value, str) else _laid_out(value) for value in (before, after))
    told = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=_CONTEXT)
    yield from islice(told, _HEADINGS, None)


def _laid_out(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
