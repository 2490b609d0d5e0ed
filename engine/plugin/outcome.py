"""What a resource type answers: it is done, ask again, or this needs a new one. Waiting is a value.

Plugins return these, the runtime acts on them. A failure is an exception, `ResourceFailed`; everything else that a
plugin raises is a failure too, with the class name in its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Done:
    """The action is finished. A field left None keeps what was remembered before."""

    physical_id: str | None = None
    reference: Any = None  # what get_resource yields; None: the physical id
    data: Mapping[str, Any] | None = None  # the plugin's memory, stored encrypted; replaces the old
    nested_stack_id: str | None = None


@dataclass(frozen=True, slots=True)
class Poll:
    """Not finished: call `poll` again. No thread is held meanwhile, and the token survives a crash of the engine."""

    after: float  # seconds until the next call
    token: Any  # JSON; comes back as `ctx.token`; must not be None
    physical_id: str | None = None  # tell it the moment it is known: a crash must not lose it
    data: Mapping[str, Any] | None = None
    nested_stack_id: str | None = None


@dataclass(frozen=True, slots=True)
class Replace:
    """The update can't be done in place: build a new one, then clean this one away."""

    reason: str = ""


Outcome = Done | Poll | Replace


@dataclass(frozen=True, slots=True)
class Observed:
    """What is really there, as far as it could be seen (engine.md §3.5).

    Of the properties only those count that an update can change in place: a difference never replaces.
    """

    properties: Mapping[str, Any] = field(default_factory=dict)  # as they really are; those left out are as remembered
    differs: bool = False  # something is not as it should be that properties don't show: update it
    is_gone: bool = False  # there is nothing: build a new one


class ResourceFailed(Exception):
    """The action failed; the text is what the user reads as the cause.

    `cause` is the reason of a resource deeper down (a nested stack's), whose path is then continued instead of covered.
    """

    def __init__(self, message: str, cause: str = "") -> None:
        super().__init__(message)
        self.cause = cause
