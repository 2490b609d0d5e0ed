"""A cloud that only knows what there is: things by kind, for what asks whether one exists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from engine.plugin.ports import LookupFailed


@dataclass
class FakeLookups:
    """A `Lookups` over sets of names and ids; it counts how often each kind was asked for, and fails when told to."""

    things: Mapping[str, Set[str]] = field(default_factory=dict)  # kind → names and ids
    reason: str = ""  # of the failure of every lookup; "": they succeed
    asked: Counter[str] = field(default_factory=Counter)  # kind → lookups, failed ones too

    def find(self, kind: str, wanted: str) -> bool:
        self.asked[kind] += 1
        if self.reason:
            raise LookupFailed(self.reason)
        return wanted in self.things.get(kind, ())
