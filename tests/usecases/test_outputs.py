from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from engine import resources as built_in
from engine.model.ids import DefinitionId
from engine.model.records import Definition
from engine.model.states import Action, Status
from engine.plugin import registry as registries
from engine.runtime.declared import Declared, Outside
from engine.template.source import Limits
from engine.usecases import outputs
from engine.usecases.outputs import Outputs
from engine.usecases.stacks import ListStacks
from engine.usecases.views import OutputView
from kit import stored
from kit.engine_room import ME, EngineRoom, hot

STACK = stored.stack()
TEMPLATE = """heat_template_version: 2021-04-16
resources:
  text: {type: OS::Heat::RandomString}
outputs:
  id: {value: {get_resource: text}}
  word: {value: {get_attr: [text, value]}, description: A word.}
"""
TARGET = Declared(registries.discover(built_in), Limits()).of(STACK, Definition(DefinitionId("d"), TEMPLATE))


def resolved(*rows: dict[str, Any]) -> dict[str, Any]:
    """Return the outputs for rows of `text`, each with a word and what is special about it."""
    known = {"reference": "id of it", "attributes": {"value": "word"}}
    records = [stored.resource(STACK, "text", **{**known, **row}) for row in rows]
    return {view.key: view.value for view in outputs.resolved(TARGET, records)}


BUILT = {"id": "id of it", "word": "word"}
NOT_THERE = {"id": "text", "word": None}


@pytest.mark.parametrize(
    ("action", "status", "expected"),
    [
        pytest.param(Action.CREATE, Status.COMPLETE, BUILT, id="built"),
        pytest.param(Action.CREATE, Status.IN_PROGRESS, NOT_THERE, id="being built"),
        pytest.param(Action.CREATE, Status.FAILED, NOT_THERE, id="never built"),
        pytest.param(Action.UPDATE, Status.IN_PROGRESS, BUILT, id="being changed"),
        pytest.param(Action.UPDATE, Status.FAILED, BUILT, id="change failed"),
        pytest.param(Action.CHECK, Status.FAILED, BUILT, id="unhealthy"),
        pytest.param(Action.DELETE, Status.IN_PROGRESS, NOT_THERE, id="on its way out"),
    ],
)
def test_outputs_read_what_was_built(action: Action, status: Status, expected: dict[str, Any]) -> None:
    assert resolved({"action": action, "status": status}) == expected


def test_outputs_read_the_old_one_until_its_replacement_is_built() -> None:
    old = {"action": Action.CREATE, "status": Status.COMPLETE}
    new = {"created_time": stored.at(5), "attributes": {"value": "new"}}

    assert resolved(old, new)["word"] == "word"
    assert resolved(old, {**new, "status": Status.COMPLETE})["word"] == "new"


def test_an_output_has_its_description() -> None:
    views = outputs.resolved(TARGET, [])

    assert views == [OutputView("id", "No description given", "text"), OutputView("word", "A word.", None)]


class Asking:
    """Computes yaql, and meanwhile somebody else reads from the same database."""

    def __init__(self) -> None:
        self.read: Callable[[], object] = str
        self.asked = 0

    def check(self, expression: str) -> None:
        """Take everything for an expression."""

    def run(self, expression: str, data: object) -> object:
        self.asked += 1
        with ThreadPoolExecutor(1) as others:
            return others.submit(self.read).result(10) and expression


def test_nobody_waits_to_read_while_outputs_are_computed(tmp_path: Path) -> None:
    queries = Asking()
    query = {"yaql": {"expression": "found", "data": {"get_attr": ["thing", "value"]}}}
    with EngineRoom(tmp_path, outside=Outside(queries=queries)) as room:
        identity = room.create("s", hot({"thing": {"value": "x"}}, outputs={"o": {"value": query}}))
        room.wait(identity)
        queries.read = lambda: room.stack(identity.stack_id)

        ((shown,), _) = room.stacks.show(ME, identity, page=ListStacks())
        one = Outputs(room.db, room.machinery.declared).show(ME, identity, "o")

    assert shown.outputs is not None
    assert [view.value for view in (*shown.outputs, one)] == ["found", "found"]
    assert queries.asked == 2
