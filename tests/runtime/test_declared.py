"""Targets that are kept, and how much of them: by what they take, and not by their number."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Mapping
from typing import Any

import pytest

from engine import resources as built_in
from engine.model.ids import DefinitionId
from engine.model.records import Definition
from engine.plugin import registry as registries
from engine.runtime import declared as module
from engine.runtime.declared import Declared
from engine.template.source import Limits
from kit import stored
from kit.engine_room import hot

REGISTRY = registries.discover(built_in)
NUMBERS = {
    "list_concat": [
        {"repeat": {"template": {"k": "<n>", "l": "<m>"}, "for_each": {"<n>": ["1"] * 40, "<m>": ["2"] * 99}}}
    ]
}
VALUES = {f"v{number}": {"_type": "OS::Heat::Value", "value": NUMBERS} for number in range(6)}


def size_of(template: str, **about: Mapping[str, Any]) -> tuple[int, int]:
    """Return what a target counts as, and the bytes that it really takes."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        built = Declared(REGISTRY, Limits()).of(stored.stack(), Definition(DefinitionId("d"), template, **about))
        return module._target_size(built), tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("template", "about"),
    [
        pytest.param(hot({}), {"files": {"f": "x" * 3_000_000}}, id="files"),
        pytest.param(hot(VALUES), {}, id="what functions made"),
        pytest.param(
            hot({}, parameters={"p": {"type": "json"}}),
            {"environment": json.loads(json.dumps({"parameters": {"p": {f"k{n}": [n] for n in range(20_000)}}}))},
            id="parameters",
        ),
    ],
)
def test_what_is_kept_counts_as_what_it_takes(template: str, about: Mapping[str, Any]) -> None:
    counted, taken = size_of(template, **about)

    assert counted > 2_000_000
    assert 0.4 < counted / max(taken, 3_000_000) < 4
