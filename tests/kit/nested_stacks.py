"""Stacks inside stacks, in memory, for the type that asks for them: tests decide how and when a walk ends."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from engine.model.states import Action, State, Status
from engine.plugin import NestedRequest, NestedStack


@dataclass
class FakeStacks:
    """A `NestedStacks` whose walks do nothing until the test says how they end."""

    stacks: dict[str, NestedStack] = field(default_factory=dict)
    requests: dict[str, NestedRequest] = field(default_factory=dict)  # by stack: the last one
    outputs: dict[str, Any] = field(default_factory=dict)  # the same for all stacks
    tokens: dict[str, str] = field(default_factory=dict)  # → stack, of creates and updates alike
    walks: list[str] = field(default_factory=list)  # what was started: "CREATE 0"
    ends: list[Status] = field(default_factory=list)  # of the next walks; empty: they all end well, at the first look
    reason: str = ""  # of the walks that fail

    def create(self, token: str, request: NestedRequest) -> NestedStack:
        if token not in self.tokens:
            self.tokens[token] = stack_id = f"stack-{len(self.stacks)}"
            self.stacks[stack_id] = NestedStack(
                stack_id, State(Action.CREATE, Status.IN_PROGRESS), "", f"arn:{stack_id}"
            )
            self._start(Action.CREATE, stack_id)
            self.requests[stack_id] = request
        return self.stacks[self.tokens[token]]

    def find(self, token: str) -> NestedStack | None:
        return self.stacks.get(self.tokens.get(token, ""))

    def update(self, stack_id: str, token: str, request: NestedRequest) -> NestedStack:
        if token not in self.tokens:
            self.tokens[token] = stack_id
            self._start(Action.UPDATE, stack_id)
            self.requests[stack_id] = request
        return self.stacks[stack_id]

    def delete(self, stack_id: str) -> NestedStack | None:
        if stack_id not in self.stacks:
            return None
        self._start(Action.DELETE, stack_id)
        return self.stacks[stack_id]

    def get(self, stack_id: str) -> NestedStack | None:
        """Return the stack; a look is what brings its walk to the end that the test wants."""
        stack = self.stacks.get(stack_id)
        if stack is None or stack.state.status is not Status.IN_PROGRESS:
            return stack
        status = self.ends.pop(0) if self.ends else Status.COMPLETE
        if stack.state.action is Action.DELETE and status is Status.COMPLETE:
            del self.stacks[stack_id]
            return None
        reason = self.reason if status is Status.FAILED else ""
        self.stacks[stack_id] = replace(stack, state=State(stack.state.action, status), reason=reason)
        return self.stacks[stack_id]

    def output(self, stack_id: str, key: str) -> Any:
        return self.outputs[key]

    def inner(self, stack_id: str, resource: str, path: tuple[str | int, ...]) -> Any:
        return [stack_id, resource, *path]

    def _start(self, action: Action, stack_id: str) -> None:
        self.walks.append(f"{action} {stack_id}")
        self.stacks[stack_id] = replace(self.stacks[stack_id], state=State(action, Status.IN_PROGRESS))
