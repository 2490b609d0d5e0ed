"""The states of stacks and of resources, and the literal tables of what may follow what.

The tables are the law: `advance` applies them and an event that a table does not name raises `IllegalTransition` and
changes nothing. The store writes states by compare-and-set, the documentation prints its diagram from these tables.
Who may move a state: a caller's request says `Began`, the walk that the request started says the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple


class Action(StrEnum):
    """What was asked for last; INIT is a resource that no walk has reached yet."""

    INIT = "INIT"
    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    ROLLBACK = "ROLLBACK"
    SUSPEND = "SUSPEND"
    RESUME = "RESUME"
    ADOPT = "ADOPT"
    SNAPSHOT = "SNAPSHOT"
    CHECK = "CHECK"
    RESTORE = "RESTORE"


class Status(StrEnum):
    """How far the last action came."""

    IN_PROGRESS = "IN_PROGRESS"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"


class State(NamedTuple):
    """An action and how far it came; written `CREATE_COMPLETE`."""

    action: Action
    status: Status

    def __str__(self) -> str:
        return f"{self.action}_{self.status}"


@dataclass(frozen=True, slots=True)
class Began:
    """A caller asked for `action`, or a visit starts it on a resource."""

    action: Action


@dataclass(frozen=True, slots=True)
class Finished:
    """The walk, or the visit, reached its end and all is as declared."""


@dataclass(frozen=True, slots=True)
class Broke:
    """The walk, or the visit, ended with a failure, a time-out or a cancel."""


StateEvent = Began | Finished | Broke

Table = Mapping[State, Mapping[StateEvent, State]]

A, S = Action, Status

# What is done to resources as they stand; the others lead a stack to something that is declared.
PERFORMED: Final = frozenset({Action.SUSPEND, Action.RESUME, Action.CHECK, Action.SNAPSHOT})

_STACK_ACTIONS: Final = (
    A.CREATE,
    A.ADOPT,
    A.UPDATE,
    A.DELETE,
    A.ROLLBACK,
    A.SUSPEND,
    A.RESUME,
    A.SNAPSHOT,
    A.CHECK,
    A.RESTORE,
)

# Which actions may begin, by the action that went before; whatever its status unless a second table narrows it. An
# update may begin on a running create, update or rollback: it supersedes the walk. A suspended or deleted stack takes
# no update (rpc.md §1.5). A delete may always begin, on a running delete too: the walk starts again.
_NEXT_STACK_ACTIONS: Final[Mapping[Action, tuple[Action, ...]]] = {
    A.CREATE: (A.UPDATE, A.DELETE, A.ROLLBACK, A.SUSPEND, A.RESUME, A.SNAPSHOT, A.CHECK, A.RESTORE),
    A.ADOPT: (A.UPDATE, A.DELETE, A.ROLLBACK, A.SUSPEND, A.RESUME, A.SNAPSHOT, A.CHECK, A.RESTORE),
    A.UPDATE: (A.UPDATE, A.DELETE, A.ROLLBACK, A.SUSPEND, A.RESUME, A.SNAPSHOT, A.CHECK, A.RESTORE),
    A.ROLLBACK: (A.UPDATE, A.DELETE, A.ROLLBACK, A.SUSPEND, A.RESUME, A.SNAPSHOT, A.CHECK, A.RESTORE),
    A.SUSPEND: (A.DELETE, A.SUSPEND, A.RESUME, A.SNAPSHOT, A.CHECK, A.RESTORE),
    A.RESUME: (A.UPDATE, A.DELETE, A.SUSPEND, A.RESUME, A.SNAPSHOT, A.CHECK, A.RESTORE),
    A.SNAPSHOT: (A.UPDATE, A.DELETE, A.SUSPEND, A.RESUME, A.SNAPSHOT, A.CHECK, A.RESTORE),
    A.CHECK: (A.UPDATE, A.DELETE, A.SUSPEND, A.RESUME, A.SNAPSHOT, A.CHECK, A.RESTORE),
    A.RESTORE: (A.UPDATE, A.DELETE, A.ROLLBACK, A.SUSPEND, A.RESUME, A.SNAPSHOT, A.CHECK, A.RESTORE),
    A.DELETE: (A.DELETE, A.SUSPEND, A.RESUME, A.SNAPSHOT, A.CHECK, A.RESTORE),
}

# A walk that is under way may only be superseded by these; the others wait until it has ended (ActionInProgress).
SUPERSEDING: Final = frozenset({A.UPDATE, A.DELETE, A.ROLLBACK})


def _stack_table() -> Table:
    table: dict[State, dict[StateEvent, State]] = {}
    for action in _STACK_ACTIONS:
        following = _NEXT_STACK_ACTIONS[action]
        begun: dict[StateEvent, State] = {Began(next_): State(next_, S.IN_PROGRESS) for next_ in following}
        running = {event: state for event, state in begun.items() if state.action in SUPERSEDING}
        ends: dict[StateEvent, State] = {
            Finished(): State(action, S.COMPLETE),
            Broke(): State(action, S.FAILED),
        }
        table[State(action, S.IN_PROGRESS)] = {**ends, **running}
        table[State(action, S.FAILED)] = dict(begun)
        table[State(action, S.COMPLETE)] = dict(begun)
    table[State(A.DELETE, S.COMPLETE)] = {}  # a deleted stack is gone: nothing follows
    return table


# Rows of resources: every row but a deleted one can be updated, deleted, checked, suspended, …; an operation that was
# cut short (its engine died, or a newer walk came) begins again from IN_PROGRESS.
_RESOURCE_ACTIONS: Final = (A.CREATE, A.ADOPT, A.UPDATE, A.DELETE, A.SUSPEND, A.RESUME, A.SNAPSHOT, A.CHECK)
_ON_A_BUILT_ROW: Final = (A.UPDATE, A.DELETE, A.SUSPEND, A.RESUME, A.SNAPSHOT, A.CHECK)


def _resource_table() -> Table:
    table: dict[State, dict[StateEvent, State]] = {
        State(A.INIT, S.COMPLETE): {
            Began(A.CREATE): State(A.CREATE, S.IN_PROGRESS),
            Began(A.ADOPT): State(A.ADOPT, S.IN_PROGRESS),
        }
    }
    for action in _RESOURCE_ACTIONS:
        following = (A.DELETE,) if action is A.DELETE else _ON_A_BUILT_ROW
        begun: dict[StateEvent, State] = {Began(next_): State(next_, S.IN_PROGRESS) for next_ in following}
        again: dict[StateEvent, State] = {Began(action): State(action, S.IN_PROGRESS)}
        if action is not A.DELETE:
            again |= {Began(newer): State(newer, S.IN_PROGRESS) for newer in (A.UPDATE, A.DELETE)}
        ends: dict[StateEvent, State] = {
            Finished(): State(action, S.COMPLETE),
            Broke(): State(action, S.FAILED),
        }
        table[State(action, S.IN_PROGRESS)] = {**ends, **again}
        table[State(action, S.COMPLETE)] = {} if action is A.DELETE else begun
        table[State(action, S.FAILED)] = begun
    return table


STACK: Final[Table] = _stack_table()
RESOURCE: Final[Table] = _resource_table()


class IllegalTransition(Exception):
    """The table does not name this event for this state; nothing has changed."""

    def __init__(self, state: State, event: StateEvent) -> None:
        super().__init__(f"{event} is not possible in {state}")
        self.state = state
        self.event = event


def advance(table: Table, state: State, event: StateEvent) -> State:
    """Return the state that follows, or raise `IllegalTransition`."""
    try:
        return table[state][event]
    except KeyError:
        raise IllegalTransition(state, event) from None


def as_diagram(table: Table) -> str:
    """Return a Mermaid state diagram: what each action leads to, and which actions may begin after it."""
    lines = ["stateDiagram-v2"]
    for action in dict.fromkeys(state.action for state in table):
        own = [state for state in table if state.action is action]
        ends = sorted({str(to.status) for state in own for to in table[state].values() if to.action is action})
        if State(action, Status.IN_PROGRESS) in table:
            lines += [f"    state {action} {{"]
            lines += [f"        {action}_IN_PROGRESS --> {action}_{end}" for end in ends if end != "IN_PROGRESS"]
            lines += ["    }"]
        following = dict.fromkeys(to.action for state in own for to in table[state].values() if to.action is not action)
        lines += [f"    {action} --> {next_}" for next_ in following]
    return "\n".join(lines) + "\n"


def as_markdown(table: Table) -> str:
    """Return a table for the documentation: a row a state, and what follows it."""
    lines = ["| state | when it ends well | when it breaks | what may begin |", "|---|---|---|---|"]
    for state, events in table.items():
        ends = (events.get(end) for end in (Finished(), Broke()))
        begun = ", ".join(event.action for event in events if isinstance(event, Began))
        cells = (str(state), *(str(end) if end else "" for end in ends), begun)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
