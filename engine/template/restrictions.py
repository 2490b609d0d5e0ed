"""What an environment says of single resources: where to pause, and what must not happen to them (§13.5, §13.6).

Called by `target` and by runtime. Names are shell patterns, case sensitive; all that match count together. Both are
read from the environment of the stack that the resource is in: `child_environment` has drilled it down.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from typing import Any

from engine.template.environment import RESOURCES, Environment


def hooks_of(environment: Environment, resource_name: str) -> frozenset[str]:
    """Return the hooks that a resource pauses at: any of `environment_check.HOOKS`."""
    return frozenset(_words(environment, resource_name, "hooks"))


def restricted_actions_of(environment: Environment, resource_name: str) -> frozenset[str]:
    """Return what must not be done to a resource: update, replace, both or nothing."""
    return frozenset(_words(environment, resource_name, "restricted_actions"))


def _words(environment: Environment, resource_name: str, key: str) -> Iterator[str]:
    entries: Mapping[str, Any] = environment.resource_registry.get(RESOURCES) or {}
    for pattern, value in entries.items():
        if isinstance(value, Mapping) and (pattern == resource_name or fnmatch.fnmatchcase(resource_name, pattern)):
            found = value.get(key) or ()
            yield from (found,) if isinstance(found, str) else found
