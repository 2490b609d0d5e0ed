"""The actions of a resource type: what is done to the thing that it stands for.

Every action may be called again for the same context after a crash, so each must be repeatable: look before building
(`find`), treat "gone already" as deleted. An action that takes time answers with a `Poll` and goes on in `poll`.
"""

from __future__ import annotations

from engine.plugin.context import Context
from engine.plugin.outcome import Done, Outcome, Replace, ResourceFailed


class Actions:
    """What every type can be asked to do; a type writes those that need something done."""

    def create(self, ctx: Context) -> Outcome:
        """Build the thing."""
        return Done()

    def update(self, ctx: Context) -> Outcome:
        """Change the thing in place from `ctx.previous` to `ctx.properties`; called only if some property differs."""
        return Replace()

    def delete(self, ctx: Context) -> Outcome:
        """Take the thing away; one that is gone already is `Done`."""
        return Done()

    def check(self, ctx: Context) -> Outcome:
        """Look at the thing: `Done` if it is there and as it should be; raise ResourceFailed where it is not."""
        return Done()

    def poll(self, ctx: Context) -> Outcome:
        """Continue the action whose last answer was a `Poll`; `ctx.action` and `ctx.token` say where it stands."""
        return Done()

    def adopt(self, ctx: Context) -> Outcome:
        """Take over the thing of `ctx.physical_id`, with `ctx.data` and metadata as another engine gave them away."""
        if ctx.physical_id is None:
            raise ResourceFailed("Resource ID was not provided.")
        return Done()

    def suspend(self, ctx: Context) -> Outcome:
        """Put the thing to rest."""
        return Done()

    def resume(self, ctx: Context) -> Outcome:
        """Wake the thing."""
        return Done()

    def snapshot(self, ctx: Context) -> Outcome:
        """Save the thing; what `restored` and `delete_snapshot` need to find it again goes into `Done.data`."""
        return Done()

    def delete_keeping_snapshot(self, ctx: Context) -> Outcome:
        """Save the thing, then take it away: a delete under the policy Snapshot (`snapshots_on_delete`)."""
        return self.delete(ctx)

    def forget(self, ctx: Context) -> Outcome:
        """Leave the thing as it is: a delete under the policy Retain, or an abandon."""
        return Done()

    def find(self, ctx: Context) -> Outcome | None:
        """Return what an interrupted create left behind, found by `ctx.idempotency_token`; None: nothing was built."""
        return None
