"""OS::Heat::Delay: holds up whoever depends on it (engine.md §13).

The length of a wait is drawn once, when the action begins, and the wait is one `Poll` of that length.
Updates never wait.
"""

from __future__ import annotations

import random

from engine.plugin import Context, Done, Outcome, Poll, ResourceFailed, ResourceType
from engine.schema.properties import OnChange, PropertyGroup, listing, number
from engine.schema.support import Support


class Delay(ResourceType):
    """Waits before it is complete."""

    type_name = "OS::Heat::Delay"
    support = Support(version="11.0.0")

    class Properties(PropertyGroup):
        """The wait is min_wait seconds, and up to max_jitter times jitter_multiplier seconds more."""

        min_wait = number("Seconds to wait at least.", default=0, between=(0, None), on_change=OnChange.UPDATE)
        max_jitter = number(
            "Largest jitter, in units of jitter_multiplier seconds.",
            default=0,
            between=(0, None),
            on_change=OnChange.UPDATE,
        )
        jitter_multiplier = number(
            "Seconds in a unit of jitter.", default=1.0, between=(0, None), on_change=OnChange.UPDATE
        )
        actions = listing(
            "Actions that wait.",
            default=["CREATE"],
            one_of=("CREATE", "DELETE", "SUSPEND", "RESUME"),
            on_change=OnChange.UPDATE,
        )

    def create(self, ctx: Context) -> Outcome:
        """Wait, if told to."""
        return _wait(ctx)

    def update(self, ctx: Context) -> Outcome:
        """Take over what the next action will do."""
        return Done()

    def delete(self, ctx: Context) -> Outcome:
        """Wait, if told to."""
        return _wait(ctx)

    def suspend(self, ctx: Context) -> Outcome:
        """Wait, if told to."""
        return _wait(ctx)

    def resume(self, ctx: Context) -> Outcome:
        """Wait, if told to."""
        return _wait(ctx)


def _wait(ctx: Context) -> Outcome:
    """Answer with the wait of the action, or fail at once where it might outlast the stack's timeout."""
    wanted = ctx.properties
    jitter = wanted.max_jitter * wanted.jitter_multiplier
    longest = wanted.min_wait + jitter
    if ctx.action not in wanted.actions or longest == 0:
        return Done()
    if ctx.seconds_left is not None and longest > ctx.seconds_left:
        left = f"the stack times out in {ctx.seconds_left:.0f} seconds"
        raise ResourceFailed(f"the wait may take {longest:g} seconds, but {left}")
    seconds = wanted.min_wait + random.SystemRandom().uniform(0, jitter)
    return Poll(after=seconds, token={"seconds": seconds})
