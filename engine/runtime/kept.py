"""What is kept in memory because making it again takes long: the latest used, up to a size and not to a number.

Used by `declared`, and by the use cases for whole answers. Threads share one; two that miss at the same time both
make the thing, and either is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

from cachetools import LRUCache

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """The latest used things, as many as fit."""

    def __init__(self, room: float, size_of: Callable[[V], float]) -> None:
        self._things: LRUCache[K, V] = LRUCache(room, size_of)
        self._size_of = size_of
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        """Return what is kept under the key; None: nothing is."""
        with self._lock:
            return self._things.get(key)

    def drop(self, key: K) -> None:
        """Keep nothing under the key any more."""
        with self._lock:
            self._things.pop(key, None)

    def put(self, key: K, thing: V) -> V:
        """Keep a thing, unless it alone is larger than the room; return it."""
        if self._size_of(thing) <= self._things.maxsize:
            with self._lock:
                self._things[key] = thing
        return thing
