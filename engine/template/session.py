"""What one check of a template shares with the checks of those nested in it, and where each of them stands.

Made by `target.build`, used by `checker` and the checks beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from engine.model.problems import Problem
from engine.schema.constraints import ANY_CUSTOM, Custom
from engine.schema.hints import Hints
from engine.schema.types import UNKNOWN
from engine.template import nested
from engine.template.declarations import Template
from engine.template.expressions import Facade
from engine.template.facts import NO_LIMIT, NO_QUERIES, Meter, TimeLimit
from engine.template.queries import Queries
from engine.template.source import DEFAULT_LIMITS, Limits
from engine.template.wanted import Catalogue

SHARED_PSEUDO: Final = ("OS::project_id", "AWS::Region")  # the same in a nested stack as around it


@dataclass(slots=True)
class Session:
    """What all levels of one check share."""

    catalogue: Catalogue
    operator: Mapping[str, Any] = field(default_factory=dict)  # the operator's resource_registry
    files: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = DEFAULT_LIMITS
    strict: bool = True
    templates: dict[str, Template | tuple[Problem, ...]] = field(default_factory=dict)  # by file, read once
    resources: int = 0  # counted so far, at all levels
    is_exhausted: bool = False  # a limit was passed: no level is entered any more
    hints: Hints = field(default_factory=Hints)
    custom: Custom = field(default_factory=lambda: ANY_CUSTOM)
    queries: Queries = NO_QUERIES
    meter: Meter = field(default_factory=Meter)
    limit: TimeLimit = NO_LIMIT  # for what is evaluated after the check
    _files_print: str | None = None  # made once: every nested stack asks for it, and the files may be large

    def files_print(self) -> str:
        """Return the fingerprint of all files of the request."""
        if self._files_print is None:
            self._files_print = nested.fingerprint_of_files(self.files)
        return self._files_print

    def is_known(self, type_name: str) -> bool:
        """Return whether there is a registered type of that name."""
        return self.catalogue.find(type_name) is not None


@dataclass(frozen=True, slots=True)
class Level:
    """Where one template stands among those that are nested."""

    pseudo: Mapping[str, Any] = field(default_factory=dict)
    chain: tuple[str, ...] = ()  # files, from the outermost; empty: the root
    facade: Facade | None = None  # the resource that the template stands for; None: it is a root template

    def below(self, file: str, facade: Facade) -> Level:
        """Return the level of a template that this one uses; its stack has no name and no id yet."""
        known = {name: self.pseudo[name] for name in SHARED_PSEUDO if name in self.pseudo}
        return Level({name: known.get(name, UNKNOWN) for name in self.pseudo}, (*self.chain, file), facade)
