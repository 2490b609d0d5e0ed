"""ARCHITECTURE.md says what is: the tables of states are printed into it, and its floors are those of the linter.

`python -m pytest tests/house/test_architecture.py --update-golden` prints all tables again.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from engine.model import states
from engine.template import dialects

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "ARCHITECTURE.md"


@pytest.mark.parametrize(
    ("title", "table"),
    [pytest.param("stack", states.STACK, id="stack"), pytest.param("resource", states.RESOURCE, id="resource")],
)
def test_the_table_of_states_is_printed_as_it_is(
    title: str, table: states.Table, request: pytest.FixtureRequest
) -> None:
    diagram = f"```mermaid\n{states.as_diagram(table)}```\n"
    printed = f"<!-- {title} states -->\n\n{diagram}\n{states.as_markdown(table)}\n<!-- end -->"
    between = re.compile(rf"<!-- {title} states -->.*?<!-- end -->", re.DOTALL)
    if request.config.getoption("--update-golden"):
        PAGE.write_text(between.sub(printed, PAGE.read_text(encoding="utf-8")), encoding="utf-8")

    assert printed in PAGE.read_text(encoding="utf-8")


def test_the_table_of_functions_is_printed_as_it_is(request: pytest.FixtureRequest) -> None:
    printed = f"<!-- functions -->\n\n{dialects.as_markdown()}\n<!-- end -->"
    between = re.compile(r"<!-- functions -->.*?<!-- end -->", re.DOTALL)
    if request.config.getoption("--update-golden"):
        PAGE.write_text(between.sub(printed, PAGE.read_text(encoding="utf-8")), encoding="utf-8")

    assert printed in PAGE.read_text(encoding="utf-8")


def test_the_floors_are_listed_in_the_order_of_the_linter() -> None:
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(one["layers"] for one in contracts["contracts"] if one["type"] == "layers")
    order = [re.sub(r"[()\s]", "", name) for layer in layers for name in re.split(r"[|:]", layer)]
    rows = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    listed = [name for name in rows if name in order]
    assert len(listed) == len(set(listed)) > 10
    assert set(order) - {"__main__"} == set(listed)
    levels = {name: level for level, layer in enumerate(layers) for name in re.split(r"[|:\s()]+", layer) if name}
    assert [levels[name] for name in listed] == sorted(levels[name] for name in listed)
