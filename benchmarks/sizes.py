"""How much is measured: the sizes of the table, small ones for a first look, and the smallest that runs at all."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many of everything."""

    rounds: int = 3
    large: int = 1000  # resources of the large stack
    small: int = 100  # resources of the small stack, and steps of the chain
    stored: int = 10_000  # stacks that are there when stacks are read
    callers: int = 32
    seconds: float = 4.0  # of load per round
    commits: int = 300  # of the floor, per round
    starts: int = 7  # of an engine
    crowd: int = 100  # stacks that are created at once, and those that are watched
    watchers: int = 1000
    superseded: int = 200  # resources of a stack that is updated again and again


FULL = Sizes()
QUICK = Sizes(
    rounds=1,
    large=200,
    small=20,
    stored=500,
    seconds=1.0,
    commits=100,
    starts=3,
    crowd=20,
    watchers=100,
    superseded=40,
)
