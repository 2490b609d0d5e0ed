"""A row of the table: what was measured, the floor beside it, and what was to be reached.

Made by the sections, shown by `__main__`. What a reader could not guess: a row keeps every round. The table
says the median and, behind it, the lowest and the highest round, so that a row that says little shows that it
does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Any

PERCENT = 100


class Unit(StrEnum):
    """What the numbers of a row count."""

    MILLISECONDS = "ms"
    SECONDS = "s"
    PER_SECOND = "calls/s"
    MEGABYTES = "MB"
    ROWS = "rows"


@dataclass(frozen=True, slots=True)
class Measured:
    """The rounds of one measurement, in the unit of its row."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.rounds)

    def shown(self) -> str:
        """Return the median, and the lowest and highest round if there were several."""
        if len(self.rounds) == 1:
            return _number(self.median)
        return f"{_number(self.median)} ({_number(min(self.rounds))} to {_number(max(self.rounds))})"


@dataclass(frozen=True, slots=True)
class Floor:
    """The same, done with nothing around it, measured between the rounds of the row."""

    name: str
    measured: Measured
    unit: Unit


@dataclass(frozen=True, slots=True)
class Goal:
    """A number to reach: of the value itself, or of its ratio to the floor."""

    bound: float
    of_ratio: bool = False
    at_least: bool = False  # False: at most

    def is_met(self, value: float, ratio: float | None) -> bool:
        number = ratio if self.of_ratio else value
        if number is None:
            return False
        return number >= self.bound if self.at_least else number <= self.bound


@dataclass(frozen=True, slots=True)
class Figure:
    """One row."""

    what: str
    unit: Unit
    measured: Measured
    floor: Floor | None = None
    reach: Goal | None = None
    aim: Goal | None = None
    note: str = ""  # what else was seen; where the number comes from if it was not measured here

    @property
    def ratio(self) -> float | None:
        """Return how many times the floor this is; None: it has none."""
        return self.measured.median / self.floor.measured.median if self.floor else None

    @property
    def verdict(self) -> str:
        value = self.measured.median
        if self.aim and self.aim.is_met(value, self.ratio):
            return "better than aimed"
        if self.reach:
            return "reached" if self.reach.is_met(value, self.ratio) else "MISSED"
        return ""

    def cells(self) -> tuple[str, ...]:
        """Return the row as the table has it."""
        floor = f"{self.floor.measured.shown()} {self.floor.unit}, {self.floor.name}" if self.floor else ""
        goals = [f"{self._goal(self.reach)}" if self.reach else "", f"aim {self._goal(self.aim)}" if self.aim else ""]
        return (
            self.what,
            f"{self.measured.shown()} {self.unit}",
            floor,
            self._ratio(self.ratio) if self.ratio is not None else "",
            ", ".join(filter(None, goals)),
            self.verdict,
            self.note,
        )

    def as_json(self) -> dict[str, Any]:
        """Return the row for a program."""
        return {
            "what": self.what,
            "unit": self.unit,
            "median": self.measured.median,
            "rounds": list(self.measured.rounds),
            "floor": {
                "name": self.floor.name,
                "unit": self.floor.unit,
                "median": self.floor.measured.median,
                "rounds": list(self.floor.measured.rounds),
            }
            if self.floor
            else None,
            "ratio": self.ratio,
            "verdict": self.verdict,
            "note": self.note,
        }

    def _goal(self, goal: Goal) -> str:
        sign = "≥" if goal.at_least else "≤"
        return f"{sign} {self._ratio(goal.bound)}" if goal.of_ratio else f"{sign} {goal.bound:g} {self.unit}"

    def _ratio(self, ratio: float) -> str:
        """Return a share for what should be high, a multiple for what should be low."""
        return f"{ratio * PERCENT:.0f} %" if self.unit is Unit.PER_SECOND else f"{_number(ratio)} x"


HEADINGS = ("what", "measured", "floor", "ratio", "to reach", "", "note")

Measure = Callable[[], float]


def in_turn(rounds: int, *measures: Measure) -> list[Measured]:
    """Return the rounds of each measure, taken in turn, so that what the machine does meanwhile meets all of them."""
    taken = [[measure() for measure in measures] for _ in range(rounds)]
    return [Measured(tuple(column)) for column in zip(*taken, strict=True)]


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that `percent` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / PERCENT) - 1)]


def markdown(figures: Sequence[Figure]) -> Iterator[str]:
    """Yield the lines of the table as README.md holds it."""
    for cells in (HEADINGS, tuple("---" for _ in HEADINGS), *(figure.cells() for figure in figures)):
        yield f"| {' | '.join(cells)} |"


def _number(value: float) -> str:
    """Return a number with three digits that matter."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"
