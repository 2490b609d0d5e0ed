"""What expressions can read that no resource yields, and what they may spend.

Made by `checker` for each template; every scope in `scopes` answers from it. The values of resources come on top
there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from engine.schema.hints import Hints
from engine.template.expressions import BadArgument, Facade, NoSuchParameter, Overspent
from engine.template.parameters import ParameterValues
from engine.template.queries import Queries
from engine.template.source import DEFAULT_LIMITS

NO_CLOUD_ZONES: Final = ("nova",)  # what Fn::GetAZs yields without a cloud to ask (templates.md §7)


class NoQueries:
    """Stands where nobody computes yaql."""

    def check(self, expression: str) -> None:
        """Refuse."""
        raise BadArgument(f"nobody here computes yaql expressions such as {expression[:40]!r}")

    def run(self, expression: str, data: Any) -> Any:
        """Refuse."""
        self.check(expression)


NO_QUERIES: Final = NoQueries()


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """How long one computation may take, by a clock that counts what is spent on it."""

    seconds: float
    clock: Callable[[], float]


NO_LIMIT: Final = TimeLimit(math.inf, lambda: 0.0)


class Meter:
    """What the functions of one template have made so far. Whoever uses it up gets nothing more computed."""

    __slots__ = ("_allowance", "_clock", "_end", "_left")

    def __init__(self, allowance: int = DEFAULT_LIMITS.max_growth, limit: TimeLimit = NO_LIMIT) -> None:
        self._allowance = self._left = allowance
        self._clock = limit.clock
        self._end = limit.clock() + limit.seconds

    @property
    def spent(self) -> int:
        """What was made so far: about as many bytes as it takes."""
        return self._allowance - self._left

    def spend(self, amount: int) -> None:
        """Take an amount off; raise `Overspent` where the allowance or the time is used up."""
        self._left -= amount
        if self._left < 0:
            raise Overspent("this template makes more values and text than one template may have")
        if self._clock() > self._end:
            raise Overspent("this template takes longer to compute than one template may")


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of one template. Without resources in them, they are the same before a walk and on it."""

    parameters: ParameterValues
    files: Mapping[str, str] = field(default_factory=dict)
    mappings: Mapping[str, Any] = field(default_factory=dict)
    facade: Facade | None = None  # the resource that the template stands for; None: it is a root template
    queries: Queries = field(default_factory=NoQueries)
    meter: Meter = field(default_factory=Meter)
    hints: Hints = field(default_factory=Hints)
    allowance: int = DEFAULT_LIMITS.max_growth  # of one evaluation that comes later
    limit: TimeLimit = NO_LIMIT  # as above

    def renewed(self) -> Facts:
        """Return the same facts with a whole allowance and stock of hints, and all its time from now on."""
        return replace(self, meter=Meter(self.allowance, self.limit), hints=Hints())

    def parameter(self, name: str) -> Any:
        """Return the value of a parameter; `BadArgument` if there is none of that name."""
        try:
            return self.parameters.values[name]
        except KeyError:
            hint = self.hints.near(self.parameters.values, name)
            raise NoSuchParameter(f'there is no parameter "{name}"{hint}') from None

    def file(self, name: str) -> str:
        """Return the text of a file of the request; `BadArgument` where there is none."""
        text = self.files.get(name)
        if text is None:
            hint = self.hints.near(self.files, name)
            raise BadArgument(f'the file "{name}" is not among the files of the request{hint}')
        return text

    def mapping(self, name: str) -> Any:
        """Return a mapping of the template; `BadArgument` where there is none."""
        try:
            return self.mappings[name]
        except KeyError:
            hint = self.hints.near(self.mappings, name)
            raise BadArgument(f'there is no mapping "{name}"{hint}') from None

    def facade_part(self, part: str) -> Any:
        """Return a field of the facade; `BadArgument` in a template that stands for no resource."""
        if self.facade is None:
            raise BadArgument("only a template that is used as a resource type has a resource that it stands for")
        return getattr(self.facade, part)
