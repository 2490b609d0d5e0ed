"""Where plugins are looked for: every module below a package, and in a module what it declares itself.

Called by what finds a kind of plugin: `registry`, `lifecycle`.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import TypeVar

C = TypeVar("C")


def modules_below(package: ModuleType) -> Iterator[ModuleType]:
    """Yield the module and, of a package, all that is below it; what an import raises is raised."""
    yield package
    for info in pkgutil.walk_packages(getattr(package, "__path__", ()), package.__name__ + "."):
        yield importlib.import_module(info.name)


def classes_in(module: ModuleType, base: type[C]) -> Iterator[type[C]]:
    """Yield the classes of this base that this very module declares; imported ones belong to where they come from."""
    for _, cls in inspect.getmembers(module, inspect.isclass):
        if issubclass(cls, base) and cls.__module__ == module.__name__:
            yield cls
