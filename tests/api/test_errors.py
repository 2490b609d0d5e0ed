from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import grpc
import pytest
from google.rpc import error_details_pb2 as details
from google.rpc.status_pb2 import Status

from engine.api import errors
from engine.model.errors import ActionInProgress, Code, EngineError, TemplateInvalid
from engine.model.problems import Problem

CLIENT_LIMIT = 8192  # bytes of metadata that many clients take


def detail(refusal: errors.Refusal, kind: type[Any]) -> Any:
    for packed in Status.FromString(refusal.details).details:
        message = kind()
        if packed.Unpack(message):
            return message
    return None


def test_every_code_has_its_row() -> None:
    assert set(errors.TABLE) == set(Code)


def test_no_code_is_a_success() -> None:
    assert all(answer.status is not grpc.StatusCode.OK for answer in errors.TABLE.values())


def test_what_can_be_tried_again_says_when() -> None:
    """All but one: another request under a used request id is aborted for good, and its reason says so."""
    table = {code: answer for code, answer in errors.TABLE.items() if code is not Code.REQUEST_ID_REUSED}
    hints = {answer.status for answer in table.values() if answer.retry_after is not None}
    without = {answer.status for answer in table.values() if answer.retry_after is None}

    assert errors.TABLE[Code.REQUEST_ID_REUSED].retry_after is None
    assert hints == {grpc.StatusCode.ABORTED, grpc.StatusCode.UNAVAILABLE}
    assert hints & without == set()


def test_an_error_carries_reason_domain_and_fields() -> None:
    refusal = errors.refusal(
        EngineError(Code.STACK_EXISTS, "The Stack (web) already exists.", stack_name="web"), "req-1"
    )

    assert refusal.status is grpc.StatusCode.ALREADY_EXISTS
    assert refusal.message == "The Stack (web) already exists."
    info = detail(refusal, details.ErrorInfo)
    assert (info.reason, info.domain, dict(info.metadata)) == (
        "STACK_EXISTS",
        "isotherm",
        {"stack_name": "web"},
    )


def test_an_action_in_progress_says_when_to_come_back() -> None:
    refusal = errors.refusal(ActionInProgress("web", "UPDATE"), "req-1")

    assert detail(refusal, details.RetryInfo).retry_delay.ToTimedelta().total_seconds() == 5


def test_a_limit_is_told_as_a_quota() -> None:
    error = EngineError(Code.REQUEST_LIMIT_EXCEEDED, "that would be 3 stacks", limit="2", subject="stacks")

    (violation,) = detail(errors.refusal(error, "req-1"), details.QuotaFailure).violations

    assert (violation.subject, violation.description) == ("stacks", "that would be 3 stacks")


def test_a_bad_field_is_named() -> None:
    error = EngineError(Code.INVALID_ARGUMENT, "limit: -1 is negative", field="limit")

    (violation,) = detail(errors.refusal(error, "req-1"), details.BadRequest).field_violations

    assert (violation.field, violation.description) == ("limit", "limit: -1 is negative")


def test_each_problem_is_a_violation_with_path_and_line() -> None:
    problems = [
        Problem(("resources", "web", "type"), "no such type", line=7),
        Problem(("outputs", "a", 0), "unknown", line=3, source="inner.yaml", code="INVALID_TEMPLATE_REFERENCE"),
    ]

    refusal = errors.refusal(TemplateInvalid(problems), "req-1")

    violations = detail(refusal, details.BadRequest).field_violations
    assert [(one.field, one.description) for one in violations] == [
        ("resources.web.type", "line 7: no such type"),
        ("outputs.a[0]", "inner.yaml: line 3: unknown"),
    ]
    assert detail(refusal, details.ErrorInfo).metadata["problems"] == "2"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x" * 90, id="plain"),
        pytest.param("ß" * 90, id="not ascii"),
        pytest.param("y" * 20_000, id="endless"),
    ],
)
def test_any_number_of_problems_keeps_within_what_clients_take(text: str) -> None:
    refusal = errors.refusal(TemplateInvalid(Problem(("resources", f"r{i}"), text) for i in range(5_000)), "req-1")

    header = len(quote(refusal.message)) + len(base64.b64encode(refusal.details))
    assert header < CLIENT_LIMIT - 600
    violations = detail(refusal, details.BadRequest).field_violations
    assert len(violations) >= 3
    assert violations[-1].description == f"and {5_000 - len(violations) + 1} more problems"


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(RuntimeError("password=hunter2"), id="nobody foresaw it"),
        pytest.param(EngineError(Code.INTERNAL, "password=hunter2", table="stack"), id="the engine's own"),
    ],
)
def test_an_internal_error_tells_its_request_id_and_nothing_else(error: Exception) -> None:
    refusal = errors.refusal(error, "req-77")

    assert refusal.status is grpc.StatusCode.INTERNAL
    assert b"hunter2" not in refusal.details
    assert "hunter2" not in refusal.message
    assert dict(detail(refusal, details.ErrorInfo).metadata) == {"request_id": "req-77"}
