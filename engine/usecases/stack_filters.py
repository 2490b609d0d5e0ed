"""What callers filter stacks by, translated to what is stored (rpc.md §3.1). Pure.

Both list and count use it, so that a count always agrees with its list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Final

from engine.model.states import Status

_COLUMNS: Final[Mapping[str, str]] = {
    "id": "id",
    "name": "name",
    "stack_name": "name",
    "action": "action",
    "stack_action": "action",
    "status": "status",
    "stack_status": "status",
    "stack_status_reason": "reason",
    "disable_rollback": "disable_rollback",
    "timeout_mins": "timeout_mins",
    "stack_owner": "username",
    "username": "username",
    "parent": "owner_id",
    "owner_id": "owner_id",
    "tenant": "project",
    "stack_user_project_id": "user_project_id",
}


def translate(filters: Mapping[str, Sequence[object]]) -> dict[str, list[object]]:
    """Return the columns to compare and the values of which one must match.

    A status written `CREATE_FAILED` counts for the status and for the action, which makes a cross product of several; a
    value that names no status matches nothing.
    """
    translated: dict[str, list[object]] = {}
    for name, values in filters.items():
        column = _COLUMNS.get(name)
        if column is None or not values:
            continue
        if column == "status":
            _add_states(translated, [str(value) for value in values])
        else:
            translated.setdefault(column, []).extend(values)
    return translated


def _add_states(translated: dict[str, list[object]], values: Iterable[str]) -> None:
    statuses = translated.setdefault("status", [])
    for value, status in product(values, Status):
        before, found, after = value.upper().rpartition(status.value)
        if not found or after:
            continue
        statuses.append(status.value)
        if action := before.strip("_"):
            translated.setdefault("action", []).append(action)
    if not statuses:
        statuses.append("")
