"""What can go wrong, as the caller is told.

    EngineError                    code + message + fields; the only exception that crosses floors on purpose
    ├── TemplateInvalid            carries every `Problem` of an input
    ├── ActionInProgress           another walk holds the stack; retry later
    └── FencedOut                  this engine no longer owns the walk: its write did not land

One class with a code is enough for everything that no one handles by type. `api/errors.py` maps each code to a gRPC
status and a reason; a test shows that the map is total.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from engine.model.problems import Problem, summarise


class Code(StrEnum):
    """Reasons that clients can rely on (rpc.md §6); the value is the reason on the wire."""

    STACK_NOT_FOUND = "STACK_NOT_FOUND"
    ENTITY_NOT_FOUND = "ENTITY_NOT_FOUND"
    NOT_FOUND = "NOT_FOUND"
    RESOURCE_NOT_FOUND = "RESOURCE_NOT_FOUND"
    RESOURCE_NOT_AVAILABLE = "RESOURCE_NOT_AVAILABLE"
    RESOURCE_TYPE_NOT_FOUND = "RESOURCE_TYPE_NOT_FOUND"
    PHYSICAL_RESOURCE_NOT_FOUND = "PHYSICAL_RESOURCE_NOT_FOUND"
    PHYSICAL_RESOURCE_AMBIGUOUS = "PHYSICAL_RESOURCE_AMBIGUOUS"
    OUTPUT_NOT_FOUND = "OUTPUT_NOT_FOUND"
    SNAPSHOT_NOT_FOUND = "SNAPSHOT_NOT_FOUND"
    EVENT_NOT_FOUND = "EVENT_NOT_FOUND"
    SOFTWARE_CONFIG_NOT_FOUND = "SOFTWARE_CONFIG_NOT_FOUND"
    SOFTWARE_DEPLOYMENT_NOT_FOUND = "SOFTWARE_DEPLOYMENT_NOT_FOUND"
    WATCH_RULE_NOT_FOUND = "WATCH_RULE_NOT_FOUND"
    SERVICE_NOT_FOUND = "SERVICE_NOT_FOUND"
    TEMPLATE_NOT_FOUND = "TEMPLATE_NOT_FOUND"
    STACK_EXISTS = "STACK_EXISTS"
    STACK_ACTION_IN_PROGRESS = "STACK_ACTION_IN_PROGRESS"
    CONCURRENT_TRANSACTION = "CONCURRENT_TRANSACTION"
    REQUEST_ID_REUSED = "REQUEST_ID_REUSED"
    STACK_VALIDATION_FAILED = "STACK_VALIDATION_FAILED"
    INVALID_TEMPLATE_VERSION = "INVALID_TEMPLATE_VERSION"
    INVALID_TEMPLATE_SECTION = "INVALID_TEMPLATE_SECTION"
    INVALID_TEMPLATE_REFERENCE = "INVALID_TEMPLATE_REFERENCE"
    INVALID_TEMPLATE_ATTRIBUTE = "INVALID_TEMPLATE_ATTRIBUTE"
    INVALID_TEMPLATE_PARAMETER = "INVALID_TEMPLATE_PARAMETER"
    PARAMETER_MISSING = "PARAMETER_MISSING"
    PARAMETER_UNKNOWN = "PARAMETER_UNKNOWN"
    IMMUTABLE_PARAMETER_MODIFIED = "IMMUTABLE_PARAMETER_MODIFIED"
    INVALID_SCHEMA = "INVALID_SCHEMA"
    INVALID_RESOURCE_TYPE = "INVALID_RESOURCE_TYPE"
    INVALID_BREAKPOINT_HOOK = "INVALID_BREAKPOINT_HOOK"
    INVALID_RESTRICTED_ACTION = "INVALID_RESTRICTED_ACTION"
    INVALID_EXTERNAL_DEPENDENCY = "INVALID_EXTERNAL_DEPENDENCY"
    INVALID_ENVIRONMENT = "INVALID_ENVIRONMENT"
    INVALID_MERGE_STRATEGY = "INVALID_MERGE_STRATEGY"
    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    CIRCULAR_DEPENDENCY = "CIRCULAR_DEPENDENCY"
    INVALID_STACK_STATE = "INVALID_STACK_STATE"
    INVALID_RESOURCE_STATE = "INVALID_RESOURCE_STATE"
    INVALID_SNAPSHOT_STATE = "INVALID_SNAPSHOT_STATE"
    HOOK_NOT_SET = "HOOK_NOT_SET"
    SOFTWARE_CONFIG_IN_USE = "SOFTWARE_CONFIG_IN_USE"
    FEATURE_DISABLED = "FEATURE_DISABLED"
    NOT_YET_IMPLEMENTED = "NOT_YET_IMPLEMENTED"
    RESOURCE_TYPE_HIDDEN = "RESOURCE_TYPE_HIDDEN"
    RESOURCE_ACTION_NOT_SUPPORTED = "RESOURCE_ACTION_NOT_SUPPORTED"
    RESOURCE_TYPE_UNAVAILABLE = "RESOURCE_TYPE_UNAVAILABLE"
    REQUEST_LIMIT_EXCEEDED = "REQUEST_LIMIT_EXCEEDED"
    DOWNLOAD_LIMIT_EXCEEDED = "DOWNLOAD_LIMIT_EXCEEDED"
    INVALID_TENANT = "INVALID_TENANT"
    FORBIDDEN = "FORBIDDEN"
    NOT_AUTHENTICATED = "NOT_AUTHENTICATED"
    MISSING_CREDENTIAL = "MISSING_CREDENTIAL"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    STOP_ACTION_FAILED = "STOP_ACTION_FAILED"
    EVENT_SEND_FAILED = "EVENT_SEND_FAILED"
    WATCH_TOO_SLOW = "WATCH_TOO_SLOW"
    INVALID_ENCRYPTION_KEY = "INVALID_ENCRYPTION_KEY"
    DATABASE_UNAVAILABLE = "DATABASE_UNAVAILABLE"
    FENCED_OUT = "FENCED_OUT"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    RESOURCE_FAILURE = "RESOURCE_FAILURE"
    INVALID_GLOBAL_RESOURCE = "INVALID_GLOBAL_RESOURCE"
    INTERNAL = "INTERNAL"


class EngineError(Exception):
    """A refusal or failure with a code, a text for people and named fields for programs."""

    def __init__(self, code: Code, message: str, **fields: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fields: Mapping[str, str] = fields


class TemplateInvalid(EngineError):
    """An input is wrong; `problems` says everything that is, in the order of the text."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        code = Code(self.problems[0].code) if self.problems else Code.STACK_VALIDATION_FAILED
        super().__init__(code, summarise(self.problems))


class ActionInProgress(EngineError):
    """Another walk holds the stack."""

    def __init__(self, stack_name: str, action: str) -> None:
        super().__init__(
            Code.STACK_ACTION_IN_PROGRESS,
            f'Stack "{stack_name}" already has an action ({action}) in progress.',
            stack_name=stack_name,
            action=action,
        )


class FencedOut(EngineError):
    """The fence number or the traversal has moved on: a newer owner or a newer walk is at work."""

    def __init__(self, stack_id: str) -> None:
        super().__init__(Code.FENCED_OUT, f"the walk of stack {stack_id} is no longer ours", stack_id=stack_id)


def stack_not_found(name: str) -> EngineError:
    """Return the error for a stack that is absent, or not the caller's to see (rpc.md §1.3)."""
    return EngineError(Code.STACK_NOT_FOUND, f"The stack ({name}) could not be found.", stack_name=name)
