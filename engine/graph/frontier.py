"""The edge of a walk over a graph: which nodes may start now, and which never will.

Called by runtime, and by plan for previews. The walker tells how each node ended: `done` frees what waited
only for it, `blocked` shuts out everything that depends on it and nothing else. All calls of one walk
together take time in proportion to the edges.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from engine.graph.dag import Dag

N = TypeVar("N", bound=Hashable)


class Frontier(Generic[N]):
    """One walk. Not shared between threads: the conductor owns it."""

    __slots__ = ("_dag", "_missing", "_never", "_open", "_running")

    def __init__(self, dag: Dag[N]) -> None:
        self._dag = dag
        self._missing = {node: len(dag.requires(node)) for node in dag}
        self._open = dict.fromkeys(node for node, count in self._missing.items() if count == 0)  # ready, not handed out
        self._running: set[N] = set()
        self._never: dict[N, None] = {}  # shut out by a node that was blocked; in the order of discovery

    def ready(self) -> list[N]:
        """Return the nodes that may start and were not returned before."""
        nodes = list(self._open)
        self._running.update(nodes)
        self._open.clear()
        return nodes

    def done(self, node: N) -> list[N]:
        """Record that a node ended well; return the nodes that may start because of it."""
        self._end(node)
        freed = []
        for user in self._dag.dependants(node):
            self._missing[user] -= 1
            if self._missing[user] == 0 and user not in self._never:
                freed.append(user)
        self._running.update(freed)
        return freed

    def blocked(self, node: N) -> list[N]:
        """Record that a node failed; return what depends on it, directly or not, and now will never start."""
        self._end(node)
        shut_out: list[N] = []
        waiting = [node]
        while waiting:
            for user in self._dag.dependants(waiting.pop()):
                if user not in self._never:
                    self._never[user] = None
                    shut_out.append(user)
                    waiting.append(user)
        return shut_out

    @property
    def never(self) -> tuple[N, ...]:
        """Return everything that was shut out so far."""
        return tuple(self._never)

    @property
    def remaining(self) -> int:
        """Return how many nodes are still to end: those under way, ready or waiting."""
        return len(self._missing) - len(self._never)

    @property
    def is_over(self) -> bool:
        """Return whether every node has ended or never will start."""
        return self.remaining == 0

    def _end(self, node: N) -> None:
        if node not in self._running:
            raise ValueError(f"{node!r} is not under way")
        self._running.remove(node)
        del self._missing[node]
