"""What a watched stack looks like by now, told by its events. Plain values; nothing is drawn or asked here.

`waiting` feeds it, `drawing` reads it from another thread: so everything handed out is a new list, and a node
is replaced as a whole. Times of what is over are the engine's, of what goes on our own: two clocks never meet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, NamedTuple

IN_PROGRESS: Final = "IN_PROGRESS"
FAILED: Final = "FAILED"
ROLLBACK: Final = "ROLLBACK"
STACK_TYPE: Final = "OS::Heat::Stack"  # that events of a stack itself carry


@dataclass(frozen=True, slots=True)
class Seen:
    """What an event says."""

    event_id: str
    stack_id: str
    stack_name: str
    name: str
    type: str
    action: str
    status: str
    reason: str
    physical_id: str
    time: datetime

    @property
    def state(self) -> str:
        """Return `CREATE_COMPLETE` and the like."""
        return f"{self.action}_{self.status}"

    @property
    def is_of_stack(self) -> bool:
        """Return whether the event is of the stack itself and not of a resource in it."""
        return self.physical_id == self.stack_id and self.type == STACK_TYPE


class Key(NamedTuple):
    """Names a line of the tree."""

    stack_id: str
    name: str
    is_old: bool = False  # what an update deletes, beside what has taken its place


@dataclass(frozen=True, slots=True)
class Node:
    """A resource as it is by now."""

    seen: Seen  # its last event
    arrived: float  # when that event came, by our monotonic clock
    began: datetime | None = None  # of the action; None: its beginning was not seen

    @property
    def state(self) -> str:
        """Return `CREATE_COMPLETE` and the like."""
        return self.seen.state

    def seconds(self, now: float) -> float | None:
        """Return how long its action has taken, or takes so far at `now`; None: not known."""
        if self.seen.status == IN_PROGRESS:
            return now - self.arrived
        return (self.seen.time - self.began).total_seconds() if self.began else None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the tree: a node below its parents."""

    depth: int
    node: Node
    is_old: bool  # it is deleted because another one has taken its place


@dataclass(frozen=True, slots=True)
class Counts:
    """How far the current action has come, in resources."""

    active: int = 0
    failed: int = 0
    complete: int = 0
    total: int | None = None  # None: nobody knows yet how many it will be

    @property
    def ended(self) -> int:
        """Return how many are over, well or not."""
        return self.failed + self.complete


@dataclass(slots=True)
class Progress:
    """The tree of one stack."""

    root_id: str
    name: str
    expected: int | None = None  # resources that the action will touch in the root stack; None: not known
    state: str = ""
    began: float | None = None  # our clock
    _nodes: dict[Key, Node] = field(default_factory=dict)
    _touched: dict[Key, None] = field(default_factory=dict)  # by the current action, in order
    _failures: list[Seen] = field(default_factory=list)
    _stack_names: dict[str, str] = field(default_factory=dict)
    _by_name: dict[str, Key] = field(default_factory=dict)
    _by_physical_id: dict[str, Key] = field(default_factory=dict)
    _actions: dict[str, str] = field(default_factory=dict)  # by stack id

    def take(self, seen: Seen, now: float) -> Node | None:
        """Take an event; return the node that it changed, or None if it was of a stack."""
        self._stack_names[seen.stack_id] = seen.stack_name
        if self.began is None:
            self.began = now
        if seen.is_of_stack:
            self._take_stack(seen)
            return None
        is_old = seen.action == "DELETE" and self._actions.get(seen.stack_id) == "UPDATE"
        key = Key(seen.stack_id, seen.name, is_old)
        node = _next(self._nodes.get(key), Node(seen, now))
        self._nodes[key] = node
        self._touched[key] = None
        if seen.status == FAILED:
            self._failures.append(seen)
        self._by_name[f"{seen.stack_name}-{seen.name}"] = key
        if seen.physical_id:
            self._by_physical_id[seen.physical_id] = key
        return node

    def rows(self) -> list[Row]:
        """Return the tree in order of appearance, every resource below the one that its stack belongs to."""
        below: dict[Key | None, list[tuple[Key, Node]]] = {}
        for key, node in list(self._nodes.items()):
            below.setdefault(self._holder(key.stack_id), []).append((key, node))
        return [
            Row(depth, node, key.is_old and key._replace(is_old=False) in self._nodes)
            for depth, key, node in _walk(below)
        ]

    def counts(self) -> Counts:
        """Return the numbers of the current action."""
        nodes = [self._nodes[key] for key in list(self._touched)]
        statuses = [node.seen.status for node in nodes]
        active, failed = statuses.count(IN_PROGRESS), statuses.count(FAILED)
        nested = sum(node.seen.stack_id != self.root_id for node in nodes)
        total = None if self.expected is None else max(self.expected + nested, len(nodes))
        return Counts(active, failed, len(nodes) - active - failed, total)

    def path(self, seen: Seen) -> tuple[Seen, ...]:
        """Return the events of the resources that lead from the root stack down to this one."""
        way = [seen]
        while holder := self._holder(way[0].stack_id):
            way.insert(0, self._nodes[holder].seen)
        return tuple(way)

    def names(self, seen: Seen) -> tuple[str, ...]:
        """Return the names of the resources that lead from the root stack down to this one."""
        return tuple(step.name for step in self.path(seen))

    def failures(self) -> list[Seen]:
        """Return every failure that was seen, in the order in which they came."""
        return list(self._failures)

    def root_cause(self) -> Seen | None:
        """Return the failure that came first and is not the consequence of one further down.

        Of all failures that were seen: after a rollback nothing in the tree has failed any more.
        """
        ways = [self.path(seen) for seen in self._failures]
        holders = {(seen.stack_id, seen.name) for way in ways for seen in way[:-1]}
        leaves = (seen for seen in self._failures if (seen.stack_id, seen.name) not in holders)
        return min(leaves, key=lambda seen: seen.time, default=None)

    def _take_stack(self, seen: Seen) -> None:
        self._actions[seen.stack_id] = seen.action
        if seen.stack_id != self.root_id:
            return
        self.state = seen.state
        if seen.status == IN_PROGRESS and self._touched:
            # Another action begins on what is there, a rollback as a rule: it is counted anew.
            self._touched, self.expected = {}, None

    def _holder(self, stack_id: str) -> Key | None:
        """Return the resource that a nested stack belongs to; None: it is the root, or nobody knows yet.

        A resource carries the id of its stack only when that is done. Until then the name of the stack tells:
        it is that of the parent stack, that of the resource, and something random.
        """
        if stack_id == self.root_id:
            return None
        name = self._stack_names[stack_id].rpartition("-")[0]
        holder = self._by_physical_id.get(stack_id) or self._by_name.get(name)
        return holder if holder is None or holder.stack_id != stack_id else None


def _next(before: Node | None, node: Node) -> Node:
    """Return the node with what its earlier event knew."""
    seen = node.seen
    if seen.status == IN_PROGRESS:
        return replace(node, began=seen.time)
    if before is None or before.seen.action != seen.action:
        return node
    return replace(node, began=before.began)


def _walk(below: Mapping[Key | None, list[tuple[Key, Node]]]) -> Iterator[tuple[int, Key, Node]]:
    """Yield each node with its depth, before those that are below it."""
    waiting = [(0, key, node) for key, node in reversed(below.get(None, []))]
    while waiting:
        depth, key, node = waiting.pop()
        yield depth, key, node
        waiting += [(depth + 1, inner, child) for inner, child in reversed(below.get(key, []))]
