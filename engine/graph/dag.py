"""A directed graph given as "this node requires those": its order, its cycles, who depends on whom.

Called by plan, which builds graphs of visits, and by `frontier`. Nothing here recurses, so that a chain of
any length is walked; every answer follows the order in which the nodes were given, so that equal inputs give
equal plans.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

N = TypeVar("N", bound=Hashable)


class CycleError(ValueError):
    """The graph has a cycle, so there is no order; `Dag.cycle` names it."""


class Dag(Generic[N]):
    """Nodes and what each requires. Immutable. `KeyError` for a node that is required but not given."""

    __slots__ = ("_dependants", "_requires")

    def __init__(self, requires: Mapping[N, Iterable[N]]) -> None:
        self._requires: dict[N, tuple[N, ...]] = {node: tuple(dict.fromkeys(needs)) for node, needs in requires.items()}
        dependants: dict[N, list[N]] = {node: [] for node in self._requires}
        for node, needs in self._requires.items():
            for need in needs:
                dependants[need].append(node)
        self._dependants: dict[N, tuple[N, ...]] = {node: tuple(users) for node, users in dependants.items()}

    def __len__(self) -> int:
        return len(self._requires)

    def __iter__(self) -> Iterator[N]:
        return iter(self._requires)

    def __contains__(self, node: object) -> bool:
        return node in self._requires

    def requires(self, node: N) -> tuple[N, ...]:
        """Return what the node directly requires."""
        return self._requires[node]

    def dependants(self, node: N) -> tuple[N, ...]:
        """Return the nodes that directly require this one."""
        return self._dependants[node]

    def reversed(self) -> Dag[N]:
        """Return the graph in which every edge points the other way."""
        return Dag(self._dependants)

    def order(self) -> list[N]:
        """Return the nodes, each after what it requires, else as given; raise `CycleError` if none can be."""
        found = self._ordered()
        if len(found) < len(self._requires):
            raise CycleError("the graph has a cycle")
        return found

    def cycle(self) -> list[N] | None:
        """Return one cycle, each node requiring the next and the last the first; None: there is none."""
        settled = set(self._ordered())
        node = next((node for node in self._requires if node not in settled), None)
        if node is None:
            return None
        # Whatever could not be ordered requires something else that could not: following that must come
        # around.
        seen: dict[N, int] = {}
        trail: list[N] = []
        while node not in seen:
            seen[node] = len(trail)
            trail.append(node)
            node = next(need for need in self._requires[node] if need not in settled)
        return trail[seen[node] :]

    def _ordered(self) -> list[N]:
        """Return what can be ordered: everything, unless there is a cycle."""
        missing = {node: len(needs) for node, needs in self._requires.items()}
        ready = deque(node for node, count in missing.items() if count == 0)
        found = []
        while ready:
            node = ready.popleft()
            found.append(node)
            for user in self._dependants[node]:
                missing[user] -= 1
                if missing[user] == 0:
                    ready.append(user)
        return found
