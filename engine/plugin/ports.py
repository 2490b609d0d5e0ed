"""What a plugin may ask of the engine and of a cloud, as protocols; `service.py` passes the working parts in.

A plugin sees nothing of the store or the runtime. What it needs beyond its properties comes through these.
`NoCloud` is here and not with the clients, because it is the absence of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.model.states import Action, State


@dataclass(frozen=True, slots=True)
class NestedStack:
    """A nested stack as its parent resource sees it."""

    id: str
    state: State
    reason: str
    arn: str
    is_settled: bool = True  # False: something in it, or further down, is not as declared


@dataclass(frozen=True, slots=True)
class NestedRequest:
    """What a nested stack is to become."""

    template: str  # text
    template_file: str  # name of the file that the text came from; "": it was given inline
    parameters: Mapping[str, Any] = field(default_factory=dict)
    adopted: Mapping[str, Any] | None = None  # a create: what to take over, as exported (rpc.md §2.8); None: build


class NestedStacks(Protocol):
    """Stacks inside stacks: they are walked like any other, by any engine; the parent resource only asks and polls.

    `token` makes every call repeatable: a second create with the same token answers with the stack of the first.
    """

    def create(self, token: str, request: NestedRequest) -> NestedStack:
        """Store the nested stack and start its walk; its parent is the resource whose context this came with."""

    def find(self, token: str) -> NestedStack | None:
        """Return the nested stack that was created with this token, or None."""

    def update(self, stack_id: str, token: str, request: NestedRequest) -> NestedStack:
        """Start an update of the nested stack; with a token that was used before, answer with the stack as it is."""

    def act(self, stack_id: str, token: str, action: Action) -> NestedStack:
        """Start to suspend, resume, check or snapshot the nested stack; with a token used before, answer with it."""

    def delete(self, stack_id: str, *, retain: bool = False) -> NestedStack | None:
        """Start the deletion, with `retain` of the stack alone; return None where it is gone already."""

    def get(self, stack_id: str) -> NestedStack | None:
        """Return the nested stack; None: there is none, or it is deleted."""

    def output(self, stack_id: str, key: str) -> Any:
        """Return the value of an output; KeyError where there is none of that name."""

    def inner(self, stack_id: str, resource: str, path: tuple[str | int, ...]) -> Any:
        """Return the reference id of an inner resource, or with a path one of its attributes."""


class LookupFailed(Exception):
    """The cloud could not be asked; the text is the reason, as the user reads it."""


class Lookups(Protocol):
    """What there is in the caller's cloud, by name or id; asked by custom constraints (templates.md §12.8)."""

    def find(self, kind: str, wanted: str) -> bool:
        """Return whether there is a thing of this kind (`nova.flavor`) by this name or id.

        Raise LookupFailed where that can't be told: no answer, no access, several things of that name.
        """


class NoCloud:
    """The lookups of an engine that is connected to no cloud: none can be made."""

    def find(self, kind: str, wanted: str) -> bool:
        """Raise LookupFailed."""
        raise LookupFailed(f"this engine is connected to no cloud, so {kind} can't be checked")
