"""Outputs as messages (rpc.md §2.1)."""

from __future__ import annotations

from collections.abc import Iterable

from isotherm.v1 import output_pb2 as pb

from engine.api.convert import values
from engine.usecases.views import OutputView


def output(view: OutputView) -> pb.Output:
    """Return an output with its value; null where it has none."""
    return pb.Output(
        output_key=view.key,
        description=view.description,
        output_value=values.to_value(view.value),
        output_error=view.error,
    )


def output_list(views: Iterable[OutputView]) -> pb.ListOutputsResponse:
    """Return outputs without values."""
    return pb.ListOutputsResponse(
        outputs=[pb.Output(output_key=view.key, description=view.description) for view in views]
    )
