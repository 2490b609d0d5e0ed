"""What an engine says no with, put before people: the summary first, then every problem with its place.

Reads the rich status (ErrorInfo, BadRequest) that the engine sends along; without one, the bare gRPC error.
"""

from __future__ import annotations

import re
from typing import Final

import grpc
from google.rpc import error_details_pb2  # type: ignore[import-untyped]
from grpc_status import rpc_status  # type: ignore[import-untyped]

from engine.cli.exits import ExitCode, Failed

_EXITS: Final = {
    grpc.StatusCode.NOT_FOUND: ExitCode.NOT_FOUND,
    grpc.StatusCode.UNAVAILABLE: ExitCode.UNREACHABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: ExitCode.TIMED_OUT,
    grpc.StatusCode.CANCELLED: ExitCode.TIMED_OUT,
    grpc.StatusCode.INTERNAL: ExitCode.ENGINE_ERROR,
    grpc.StatusCode.UNKNOWN: ExitCode.ENGINE_ERROR,
    grpc.StatusCode.DATA_LOSS: ExitCode.ENGINE_ERROR,
}
_PLACE: Final = re.compile(r"(?P<place>(?:[^:]*: )?line \d+): (?P<text>.*)", re.DOTALL)


def refusal(error: grpc.RpcError, endpoint: str) -> Failed:
    """Return what to tell the user about a call that failed."""
    code, text = error.code(), error.details() or ""
    reason, count, problems = _details(error)
    exit_code = _EXITS.get(code, ExitCode.REFUSED)
    if exit_code is ExitCode.UNREACHABLE and not reason:
        hint = "`isotherm serve` starts one; --endpoint says where it is"
        return Failed(exit_code, f"no engine answers at {endpoint}", [text, hint])
    kind = reason or code.name
    if count:
        return Failed(exit_code, f"{count} problem{'s' if count > 1 else ''} ({kind})", problems)
    return Failed(exit_code, f"{text} ({kind})")


def _details(error: grpc.RpcError) -> tuple[str, int, list[str]]:
    """Return the reason; and of an input that was checked the number of problems, and those sent along."""
    status = rpc_status.from_call(error)
    reason, count, problems = "", 0, []
    for detail in status.details if status is not None else ():
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            reason, count = info.reason, int(info.metadata.get("problems", 0))
        elif detail.Unpack(bad):
            problems += [_problem(item.field, item.description) for item in bad.field_violations]
    return reason, count, problems


def _problem(path: str, description: str) -> str:
    """Return file and line, path, text: in the order in which one looks for the place."""
    found = _PLACE.fullmatch(description)
    parts = [found["place"] if found else "", path, found["text"] if found else description]
    return ": ".join(part for part in parts if part)
