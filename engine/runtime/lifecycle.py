"""The lifecycle plugins of this engine, around each action on a stack (engine.md §14.3).

A course calls `before` in the pool when the walk of a new action sets out, and `after` when it has ended. After a
crash of the engine both may be called again for the same action. An engine without plugins is spared even the way to
the pool: such a `Lifecycle` is false.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from engine.model.records import ResourceRecord, StackRecord
from engine.plugin.lifecycle import LifecyclePlugin, Operation
from engine.template.target import Target

log = logging.getLogger(__name__)


class NotReady(Exception):
    """A plugin does not let the operation begin; the text is the reason of the stack."""


def operation(stack: StackRecord, target: Target, rows: Iterable[ResourceRecord]) -> Operation:
    """Return what plugins are told of a walk that sets out from these rows."""
    declared = {name: one.type for name, one in target.declarations.items()}
    return Operation(stack, stack.action, declared, {row.name: row.type for row in rows})


class Lifecycle:
    """Calls the plugins in their order: by ordinal, then by the name of the class."""

    def __init__(self, plugins: Iterable[LifecyclePlugin] = ()) -> None:
        self._plugins = sorted(plugins, key=lambda one: (one.ordinal, type(one).__name__))

    def __bool__(self) -> bool:
        """Return whether there is anything to call."""
        return bool(self._plugins)

    def before(self, operation: Operation) -> None:
        """Call all plugins before an operation; raise NotReady if one of them raises.

        Those that were called before it are then told that the operation has failed, the last of them first.
        """
        called: list[LifecyclePlugin] = []
        for plugin in self._plugins:
            try:
                plugin.before(operation)
            except Exception as error:
                log.info("stack %s: %s", operation.stack.id, _named(plugin), exc_info=error)
                _tell(reversed(called), operation, failed=True)
                raise NotReady(_reason(error)) from error
            called.append(plugin)

    def after(self, operation: Operation, *, failed: bool) -> None:
        """Call all plugins after an operation; what they raise is logged and otherwise ignored."""
        _tell(self._plugins, operation, failed=failed)


def _tell(plugins: Iterable[LifecyclePlugin], operation: Operation, *, failed: bool) -> None:
    for plugin in plugins:
        try:
            plugin.after(operation, failed=failed)
        except Exception:
            log.exception("stack %s: %s failed after %s", operation.stack.id, _named(plugin), operation.action)


def _reason(error: Exception) -> str:
    text = str(error.args[0]) if error.args else ""
    return text or f"Failed stack pre-ops: {type(error).__name__}"


def _named(plugin: LifecyclePlugin) -> str:
    return f"the lifecycle plugin {type(plugin).__module__}.{type(plugin).__qualname__}"
