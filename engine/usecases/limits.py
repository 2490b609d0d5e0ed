"""How much a caller may ask for, and what the names and options of a stack may be.

Each function returns nothing or raises; the values come from the configuration (rpc.md §8, §10).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from engine.model.errors import Code, EngineError, TemplateInvalid
from engine.model.problems import Problem
from engine.model.records import Caller, StackRecord
from engine.store import resources, stacks
from engine.store.database import Tx
from engine.store.stacks import StackQuery
from engine.template import parameters
from engine.template.parameters import ParameterValues
from engine.usecases.commands import Options
from engine.usecases.services import ADMIN

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,254}")
_LONGEST_TAG: Final = 80
_LONGEST_NAME: Final = 255  # of a snapshot
_MOST_MINUTES: Final = 2**31 // 60


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator allows; a number of -1 is no limit."""

    max_stacks_per_tenant: int = 512
    max_resources_per_stack: int = 1000  # in a whole tree of nested stacks
    max_nested_stack_depth: int = 5
    max_snapshots_per_stack: int = 32
    enable_stack_abandon: bool = False  # export, too
    enable_stack_adopt: bool = False


def check_name(name: str) -> None:
    """Raise STACK_VALIDATION_FAILED unless the name is one a root stack may have."""
    if not _NAME.fullmatch(name):
        text = (
            f"{name!r} is not a stack name: a letter, then up to 254 letters, digits, underscores, periods or hyphens"
        )
        raise TemplateInvalid([Problem(("stack_name",), text)])


def check_options(options: Options) -> None:
    """Raise INVALID_ARGUMENT for tags or a timeout that can't be."""
    minutes = options.timeout_mins
    if minutes is not None and not 0 <= minutes <= _MOST_MINUTES:
        text = f"timeout_mins is {minutes}; it must be from 0 (the engine's default) to {_MOST_MINUTES}"
        raise EngineError(Code.INVALID_ARGUMENT, text, field="timeout_mins")
    for tag in options.tags or ():
        if not tag or len(tag) > _LONGEST_TAG or "," in tag:
            text = f"{tag!r} is not a tag: 1 to {_LONGEST_TAG} characters without a comma"
            raise EngineError(Code.INVALID_ARGUMENT, text, field="tags")


def check_count(count: int, most: int, what: str) -> None:
    """Raise REQUEST_LIMIT_EXCEEDED if there would be more than are allowed."""
    if most >= 0 and count > most:
        text = f"that would be {count} {what}; the limit is {most}"
        raise EngineError(Code.REQUEST_LIMIT_EXCEEDED, text, limit=str(most), subject=what)


def check_enabled(is_enabled: bool, feature: str) -> None:
    """Raise FEATURE_DISABLED for what the operator has not switched on (rpc.md §6.3)."""
    if not is_enabled:
        raise EngineError(Code.FEATURE_DISABLED, f"{feature} is not supported: it is switched off", feature=feature)


def check_snapshot_name(name: str) -> None:
    """Raise INVALID_ARGUMENT for a name that can't be stored; "" is fine, and so is one that is taken."""
    if len(name) > _LONGEST_NAME or "\x00" in name:
        text = f"the name has {len(name)} characters; it may have {_LONGEST_NAME}, and none of them NUL"
        raise EngineError(Code.INVALID_ARGUMENT, text, field="name")


def check_stacks(tx: Tx, caller: Caller, most: int) -> None:
    """Raise REQUEST_LIMIT_EXCEEDED if the caller's project has all the stacks it may; not for administrators."""
    if most >= 0 and ADMIN not in caller.roles:
        count = stacks.count(tx, StackQuery(project=caller.project, show_hidden=True))
        check_count(count + 1, most, "stacks in one project")


def check_tree(tx: Tx, stack: StackRecord, declared: int, most: int) -> None:
    """Raise REQUEST_LIMIT_EXCEEDED if a tree of stacks had too many resources with so many declared in this stack."""
    if most >= 0:
        there = resources.count_in_tree(tx, stack.top_id, but=stack.id)
        check_count(there + declared, most, "resources in one tree of stacks")


def check_immutables(old: ParameterValues, new: ParameterValues) -> None:
    """Raise IMMUTABLE_PARAMETER_MODIFIED if an update changes a parameter that may never change."""
    names = parameters.modified_immutables(old, new)
    if names:
        text = f"The following parameters are immutable and may not be updated: {', '.join(names)}"
        raise EngineError(Code.IMMUTABLE_PARAMETER_MODIFIED, text, parameters=", ".join(names))
