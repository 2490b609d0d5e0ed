"""Committed events on their way to whoever watches.

The database calls `publish` after each commit, on the thread that committed; subscribers get the events of their
stack tree on that thread and must only note them down.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from engine.model.ids import StackId
from engine.model.records import EventRecord

Subscriber = Callable[[Sequence[EventRecord]], None]


class Bus:
    """Hands committed events to the subscribers of a stack tree, by the id of its outermost stack.

    Only the loop's thread subscribes and unsubscribes. Subscriptions are tuples that are replaced as a whole, so a
    publisher on another thread always sees a complete one.
    """

    def __init__(self) -> None:
        self._subscribers: dict[StackId | None, tuple[Subscriber, ...]] = {}

    def subscribe(self, root_id: StackId | None, subscriber: Subscriber) -> None:
        """Hand the subscriber every event of the tree, or with None of all trees, from now on."""
        self._subscribers[root_id] = (*self._subscribers.get(root_id, ()), subscriber)

    def unsubscribe(self, root_id: StackId | None, subscriber: Subscriber) -> None:
        """Hand the subscriber nothing more; one that is not subscribed is ignored."""
        rest = tuple(other for other in self._subscribers.get(root_id, ()) if other != subscriber)
        if rest:
            self._subscribers[root_id] = rest
        else:
            self._subscribers.pop(root_id, None)

    def publish(self, events: Sequence[EventRecord]) -> None:
        """Hand the events to who watches their trees."""
        if not self._subscribers:
            return
        by_tree: dict[StackId, list[EventRecord]] = defaultdict(list)
        for event in events:
            by_tree[event.root_id].append(event)
        for subscriber in self._subscribers.get(None, ()):
            subscriber(events)
        for root_id, batch in by_tree.items():
            for subscriber in self._subscribers.get(root_id, ()):
                subscriber(batch)
