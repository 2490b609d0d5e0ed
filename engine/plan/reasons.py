"""The texts that say why: of resources, of stacks, and of resources deep down in nested stacks.

Clients read these strings (engine.md §2.1, §3.2): a resource says `Class: resources.<name>: text`, its stack says
`Resource <ACTION> failed: ` before that, and a nested stack's path is continued, so that the root cause reads whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from engine.model.states import Action

_STACK_FAILED: Final = re.compile(r"Resource [A-Z]+ failed: (?P<cause>.*)", re.DOTALL)
_CAUSE: Final = re.compile(r"(?P<kind>\w+): (?P<path>resources\.\S+): (?P<text>.*)", re.DOTALL)

NOT_ALL_CHECKED: Final = ". 'CHECK' not fully supported (see resources)"  # ends the reason of a stack's check


def of_resource(name: str, error: BaseException) -> str:
    """Return why a resource failed; an error that carries the reason of a nested stack continues its path."""
    inner = getattr(error, "cause", "")
    if inner and (found := _CAUSE.fullmatch(_without_stack(inner))):
        return f"{found['kind']}: resources.{name}.{found['path']}: {found['text']}"
    return f"{type(error).__name__}: resources.{name}: {error}"


def of_failed_stack(action: Action, resource_reasons: Sequence[str]) -> str:
    """Return why a stack failed: from why its first failed resource did, for a check from all of them."""
    told = "; ".join(resource_reasons) if action is Action.CHECK else resource_reasons[0]
    return f"Resource {action} failed: {told}"


def started(action: Action) -> str:
    """Return the reason of a stack whose action has begun."""
    return f"Stack {action} started"


def completed(action: Action) -> str:
    """Return the reason of a stack whose action has ended well."""
    return f"Stack {action} completed successfully"


def cancelled(action: Action) -> str:
    """Return the reason of a stack whose action was cancelled, and is not rolled back."""
    return f"Stack {action} cancelled"


def aborted(action: Action, why: str) -> str:
    """Return the reason of a resource whose operation was given up."""
    return f"{action} aborted ({why})"


def _without_stack(reason: str) -> str:
    found = _STACK_FAILED.fullmatch(reason)
    return found["cause"] if found else reason
