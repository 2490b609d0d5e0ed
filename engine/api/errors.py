"""THE table: which code of the engine is which gRPC status; and an error as google.rpc.Status.

Called by the interceptors, once for every call that fails. Programs read the reason in ErrorInfo, people the message.
What a reader could not guess: the details travel in the trailing metadata, which many clients bound at 8 KB, with the
message in it a second time; so message and details are cut to fit, and a list of problems that is cut says how many
more there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]

from engine.model.errors import Code, EngineError, TemplateInvalid
from engine.model.problems import Problem

DOMAIN: Final = "isotherm"
_MESSAGE_BYTES: Final = 1_400  # of the message as it stands in the header: percent-encoded
_DETAILS_BYTES: Final = 4_500  # of the Status; in the header it is base64, a third longer
_FIELD_CHARACTERS: Final = 200  # of one value in the metadata of ErrorInfo
_TEXT_CHARACTERS: Final = 1_000  # of one violation

S = grpc.StatusCode


@dataclass(frozen=True, slots=True)
class Answer:
    """What a code becomes."""

    status: grpc.StatusCode
    retry_after: float | None = None  # seconds; None: trying again does not help
    is_quota: bool = False  # some limit is reached: told in a QuotaFailure


TABLE: Final[Mapping[Code, Answer]] = MappingProxyType(
    {
        Code.STACK_NOT_FOUND: Answer(S.NOT_FOUND),
        Code.ENTITY_NOT_FOUND: Answer(S.NOT_FOUND),
        Code.NOT_FOUND: Answer(S.NOT_FOUND),
        Code.RESOURCE_NOT_FOUND: Answer(S.NOT_FOUND),
        Code.RESOURCE_NOT_AVAILABLE: Answer(S.FAILED_PRECONDITION),
        Code.RESOURCE_TYPE_NOT_FOUND: Answer(S.NOT_FOUND),
        Code.PHYSICAL_RESOURCE_NOT_FOUND: Answer(S.NOT_FOUND),
        Code.PHYSICAL_RESOURCE_AMBIGUOUS: Answer(S.FAILED_PRECONDITION),
        Code.OUTPUT_NOT_FOUND: Answer(S.NOT_FOUND),
        Code.SNAPSHOT_NOT_FOUND: Answer(S.NOT_FOUND),
        Code.EVENT_NOT_FOUND: Answer(S.NOT_FOUND),
        Code.SOFTWARE_CONFIG_NOT_FOUND: Answer(S.NOT_FOUND),
        Code.SOFTWARE_DEPLOYMENT_NOT_FOUND: Answer(S.NOT_FOUND),
        Code.WATCH_RULE_NOT_FOUND: Answer(S.NOT_FOUND),
        Code.SERVICE_NOT_FOUND: Answer(S.NOT_FOUND),
        Code.TEMPLATE_NOT_FOUND: Answer(S.NOT_FOUND),
        Code.STACK_EXISTS: Answer(S.ALREADY_EXISTS),
        Code.STACK_ACTION_IN_PROGRESS: Answer(S.ABORTED, retry_after=5),
        Code.CONCURRENT_TRANSACTION: Answer(S.ABORTED, retry_after=0.2),
        Code.REQUEST_ID_REUSED: Answer(S.ABORTED),
        Code.STACK_VALIDATION_FAILED: Answer(S.INVALID_ARGUMENT),
        Code.INVALID_TEMPLATE_VERSION: Answer(S.INVALID_ARGUMENT),
        Code.INVALID_TEMPLATE_SECTION: Answer(S.INVALID_ARGUMENT),
        Code.INVALID_TEMPLATE_REFERENCE: Answer(S.INVALID_ARGUMENT),
        Code.INVALID_TEMPLATE_ATTRIBUTE: Answer(S.INVALID_ARGUMENT),
        Code.INVALID_TEMPLATE_PARAMETER: Answer(S.INVALID_ARGUMENT),
        Code.PARAMETER_MISSING: Answer(S.INVALID_ARGUMENT),
        Code.PARAMETER_UNKNOWN: Answer(S.INVALID_ARGUMENT),
        Code.IMMUTABLE_PARAMETER_MODIFIED: Answer(S.FAILED_PRECONDITION),
        Code.INVALID_SCHEMA: Answer(S.INVALID_ARGUMENT),
        Code.INVALID_RESOURCE_TYPE: Answer(S.INVALID_ARGUMENT),
        Code.INVALID_BREAKPOINT_HOOK: Answer(S.INVALID_ARGUMENT),
        Code.INVALID_RESTRICTED_ACTION: Answer(S.INVALID_ARGUMENT),
        Code.INVALID_EXTERNAL_DEPENDENCY: Answer(S.INVALID_ARGUMENT),
        Code.INVALID_ENVIRONMENT: Answer(S.INVALID_ARGUMENT),
        Code.INVALID_MERGE_STRATEGY: Answer(S.INVALID_ARGUMENT),
        Code.INVALID_ARGUMENT: Answer(S.INVALID_ARGUMENT),
        Code.CIRCULAR_DEPENDENCY: Answer(S.INVALID_ARGUMENT),
        Code.INVALID_STACK_STATE: Answer(S.FAILED_PRECONDITION),
        Code.INVALID_RESOURCE_STATE: Answer(S.FAILED_PRECONDITION),
        Code.INVALID_SNAPSHOT_STATE: Answer(S.FAILED_PRECONDITION),
        Code.HOOK_NOT_SET: Answer(S.FAILED_PRECONDITION),
        Code.SOFTWARE_CONFIG_IN_USE: Answer(S.FAILED_PRECONDITION),
        Code.FEATURE_DISABLED: Answer(S.UNIMPLEMENTED),
        Code.NOT_YET_IMPLEMENTED: Answer(S.UNIMPLEMENTED),
        Code.RESOURCE_TYPE_HIDDEN: Answer(S.FAILED_PRECONDITION),
        Code.RESOURCE_ACTION_NOT_SUPPORTED: Answer(S.FAILED_PRECONDITION),
        Code.RESOURCE_TYPE_UNAVAILABLE: Answer(S.FAILED_PRECONDITION),
        Code.REQUEST_LIMIT_EXCEEDED: Answer(S.RESOURCE_EXHAUSTED, is_quota=True),
        Code.DOWNLOAD_LIMIT_EXCEEDED: Answer(S.RESOURCE_EXHAUSTED, is_quota=True),
        Code.INVALID_TENANT: Answer(S.PERMISSION_DENIED),
        Code.FORBIDDEN: Answer(S.PERMISSION_DENIED),
        Code.NOT_AUTHENTICATED: Answer(S.UNAUTHENTICATED),
        Code.MISSING_CREDENTIAL: Answer(S.UNAUTHENTICATED),
        Code.SHUTTING_DOWN: Answer(S.UNAVAILABLE, retry_after=1),
        Code.STOP_ACTION_FAILED: Answer(S.UNAVAILABLE, retry_after=5),
        Code.EVENT_SEND_FAILED: Answer(S.UNAVAILABLE, retry_after=5),
        Code.WATCH_TOO_SLOW: Answer(S.RESOURCE_EXHAUSTED),
        Code.INVALID_ENCRYPTION_KEY: Answer(S.INTERNAL),
        Code.DATABASE_UNAVAILABLE: Answer(S.UNAVAILABLE, retry_after=2),
        Code.FENCED_OUT: Answer(S.ABORTED, retry_after=1),
        Code.DEADLINE_EXCEEDED: Answer(S.DEADLINE_EXCEEDED),
        Code.RESOURCE_FAILURE: Answer(S.INTERNAL),
        Code.INVALID_GLOBAL_RESOURCE: Answer(S.INTERNAL),
        Code.INTERNAL: Answer(S.INTERNAL),
    }
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error as it goes out: into `grpc-status`, `grpc-message` and `grpc-status-details-bin`."""

    status: grpc.StatusCode
    message: str
    details: bytes
    reason: str  # for the log; it stands in the details, too


def refusal(error: Exception, request_id: str) -> Refusal:
    """Return what the caller is told: of an error that nobody foresaw the request id, under which the log has it."""
    if not isinstance(error, EngineError) or error.code is Code.INTERNAL:
        error = EngineError(
            Code.INTERNAL,
            f"internal error; the engine's log has it under {request_id}",
            request_id=request_id,
        )
    answer = TABLE[error.code]
    message = _shortened(error.message)
    status = Status(code=answer.status.value[0], message=message)
    problems = error.problems if isinstance(error, TemplateInvalid) else ()
    _attach(status, _error_info(error, len(problems)))
    if answer.retry_after is not None:
        wait = details.RetryInfo()
        wait.retry_delay.FromTimedelta(timedelta(seconds=answer.retry_after))
        _attach(status, wait)
    if answer.is_quota:
        quota = details.QuotaFailure()
        quota.violations.add(subject=error.fields.get("subject", ""), description=message)
        _attach(status, quota)
    if problems:
        _attach(status, _all_that_fit(problems, _DETAILS_BYTES - status.ByteSize()))
    elif "field" in error.fields:
        _attach(status, _bad_request([(error.fields["field"], error.message[:_TEXT_CHARACTERS])]))
    return Refusal(answer.status, message, status.SerializeToString(), error.code.value)


def _error_info(error: EngineError, problems: int) -> details.ErrorInfo:
    info = details.ErrorInfo(reason=error.code.value, domain=DOMAIN)
    for name, text in error.fields.items():
        info.metadata[name] = str(text)[:_FIELD_CHARACTERS]
    if problems:
        info.metadata["problems"] = str(problems)
    return info


def _all_that_fit(problems: Sequence[Problem], budget: int) -> details.BadRequest:
    """Return the first problems, as many as the budget of bytes holds; the last entry counts those that are left."""
    left = budget - 150  # what packing costs, and the entry that counts the rest
    shown: list[tuple[str, str]] = []
    for problem in problems:
        field, text = problem.where(), _description(problem)
        left -= len(field.encode()) + len(text.encode()) + 8
        if left < 0:
            break
        shown.append((field, text))
    more = len(problems) - len(shown)
    if more:
        shown.append(("", f"and {more} more problem{'s' if more > 1 else ''}"))
    return _bad_request(shown)


def _description(problem: Problem) -> str:
    """Return the problem without its path, which stands beside it."""
    place = f"line {problem.line}: " if problem.line is not None else ""
    name = f"{problem.source}: " if problem.source else ""
    return f"{name}{place}{problem.summary}"[:_TEXT_CHARACTERS]


def _bad_request(violations: Sequence[tuple[str, str]]) -> details.BadRequest:
    message = details.BadRequest()
    for field, description in violations:
        message.field_violations.add(field=field[:_FIELD_CHARACTERS], description=description)
    return message


def _attach(status: Status, detail: Message) -> None:
    status.details.add().Pack(detail)


def _shortened(message: str) -> str:
    """Return the message, cut so that its percent-encoded form keeps within its part of the header."""
    text = message[:_MESSAGE_BYTES]
    while len(quote(text)) > _MESSAGE_BYTES:
        text = text[: len(text) * 9 // 10]
    return text if text == message else f"{text}…"
