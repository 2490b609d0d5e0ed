"""The class that lifecycle plugins derive from: called before an action on a stack sets out, and when it has ended.

For what an operator wants to happen around every action on every stack, such as a scheduler that reserves room first
(engine.md §14.3). A plugin is a class that is made once, without arguments. It is found in the packages of the option
`plugin_packages`, and in the entry points of `isotherm.lifecycle`, which name a class or a module. To write one:

    class Reserve(LifecyclePlugin):
        def before(self, ctx: Operation) -> None:
            if not room_for(ctx.declared):
                raise RuntimeError("there is no room for this stack")

`runtime/lifecycle.py` calls them.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from types import ModuleType
from typing import ClassVar, Final

from engine.model.records import StackRecord
from engine.model.states import Action
from engine.plugin import discovery

log = logging.getLogger(__name__)

ENTRY_POINTS: Final = "isotherm.lifecycle"  # each names a class of plugins, or a module of them


@dataclass(frozen=True, slots=True)
class Operation:
    """An action on a stack, as plugins are told of it."""

    stack: StackRecord  # as the action began
    action: Action
    declared: Mapping[str, str] = field(default_factory=dict)  # resource → type: what it leads to; a delete: nothing
    there: Mapping[str, str] = field(default_factory=dict)  # resource → type: what was there; a create: nothing

    @property
    def resources(self) -> Mapping[str, str]:
        """Return all resources that the action is about, with their types; what is declared counts."""
        return {**self.there, **self.declared}


class LifecyclePlugin:
    """Acts around the actions on stacks, nested ones too. One object serves all calls, from many threads.

    Both methods may be called again for the same operation, after a crash of the engine, so each must be repeatable.
    No transaction is open while they are called, and the stack waits for them: whatever they call needs a time limit.
    """

    ordinal: ClassVar[int] = 100  # lower ones are called first

    def before(self, ctx: Operation) -> None:
        """Act before anything of the operation is done. What is raised fails the stack, with its text as the reason."""

    def after(self, ctx: Operation, *, failed: bool) -> None:
        """Act when the operation has ended, or could not begin. What is raised is logged."""


def discover(*packages: ModuleType) -> list[LifecyclePlugin]:
    """Return the plugins below the packages and of the entry points; a bad one is logged and left out."""
    found = [cls for package in packages for cls in _plugins_below(package)]
    for entry in metadata.entry_points(group=ENTRY_POINTS):
        try:
            found += _loaded(entry)
        except Exception:
            log.exception("the lifecycle plugin %s can't be loaded and is left out", entry.value)
    return list(_made(dict.fromkeys(found)))


def _plugins_below(package: ModuleType) -> Iterator[type[LifecyclePlugin]]:
    for module in discovery.modules_below(package):
        yield from discovery.classes_in(module, LifecyclePlugin)


def _loaded(entry: metadata.EntryPoint) -> list[type[LifecyclePlugin]]:
    loaded = entry.load()
    if isinstance(loaded, ModuleType):
        return list(_plugins_below(loaded))
    if inspect.isclass(loaded) and issubclass(loaded, LifecyclePlugin):
        return [loaded]
    raise TypeError(f"{entry.value} is neither a LifecyclePlugin nor a module of them")


def _made(classes: Iterable[type[LifecyclePlugin]]) -> Iterator[LifecyclePlugin]:
    for cls in classes:
        try:
            yield cls()
        except Exception:
            log.exception("the lifecycle plugin %s.%s can't be made and is left out", cls.__module__, cls.__qualname__)
