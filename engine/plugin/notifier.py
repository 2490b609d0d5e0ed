"""Notifications: what an operator's other systems are told when an action on a stack begins and ends.

Which notifiers are on is the operator's choice (option `notifications`), for all stacks of the engine; a stack's own
environment names event sinks instead. To write one, name a class, called without arguments, in the entry points of
`isotherm.notifiers`: the name of the entry point is the name in the option. Made by `service.py`, called by
`runtime/outlets.py`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Final, Protocol

from engine.model.records import EventRecord, StackRecord
from engine.model.states import Status

ENTRY_POINTS: Final = "isotherm.notifiers"  # each names a class of notifiers
_PHASES: Final = {Status.IN_PROGRESS: "start", Status.COMPLETE: "end", Status.FAILED: "error"}

log = logging.getLogger("isotherm.notifications")


class Notifier(Protocol):
    """Tells another system. Called on one thread of its own, in order for each stack; no walk waits for it.

    Each notification comes at most once. What is raised is logged, and the next comes all the same.
    """

    def notify(self, event_type: str, body: Mapping[str, Any], *, is_error: bool) -> None:
        """Tell that `orchestration.stack.<action>.<start|end|error>` has happened; the body is fit for JSON."""


class UnknownNotifier(Exception):
    """The configuration names a notifier that there is not, or that can't be loaded."""


class LogNotifier:
    """Writes each notification to the logger isotherm.notifications, as one line; an error as an error."""

    def notify(self, event_type: str, body: Mapping[str, Any], *, is_error: bool) -> None:
        """Write one line."""
        log.log(logging.ERROR if is_error else logging.INFO, "%s %s", event_type, json.dumps(body))


@dataclass(frozen=True, slots=True)
class Notification:
    """One thing to tell."""

    event_type: str
    body: Mapping[str, Any]
    is_error: bool


def notification(stack: StackRecord, event: EventRecord) -> Notification:
    """Return what is told of an event of a stack itself (engine.md §14.2, rpc.md §1.4); the state is the event's."""
    return Notification(
        f"orchestration.stack.{event.action.lower()}.{_PHASES[event.status]}",
        {
            "tenant_id": stack.project,
            "user_id": stack.username,  # the name, as it has always been
            "user_identity": stack.username,  # no other identity of a user is kept
            "username": stack.username,
            "stack_identity": stack.id,
            "stack_name": stack.name,
            "state": f"{event.action}_{event.status}",
            "state_reason": event.reason,
            "create_at": stack.created_time.isoformat(),
            "updated_at": stack.updated_time.isoformat() if stack.updated_time else None,
            "description": stack.description,
            "tags": list(stack.tags),
        },
        is_error=event.status is Status.FAILED,
    )


def named(names: Iterable[str]) -> dict[str, Notifier]:
    """Return the notifiers of these names; raise UnknownNotifier, with what there is."""
    others = {entry.name: entry for entry in metadata.entry_points(group=ENTRY_POINTS)}
    return {name: _made(name, others) for name in names}


def _made(name: str, others: Mapping[str, metadata.EntryPoint]) -> Notifier:
    if name == "log":
        return LogNotifier()
    if name not in others:
        known = ", ".join(sorted({"log", *others}))
        raise UnknownNotifier(f'there is no notifier "{name}"; there are: {known}')
    try:
        made: Notifier = others[name].load()()
    except Exception as error:
        raise UnknownNotifier(f'the notifier "{name}" can\'t be loaded: {type(error).__name__}: {error}') from error
    return made
