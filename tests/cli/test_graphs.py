"""How dependencies are drawn, in each of the languages; then of a real engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.cli import graphs
from engine.cli.graphs import Node
from kit.houses import BROKEN, FILES, HOUSE, STREET

Golden = Callable[[str, str], None]

INSIDE = (Node("wände", "T", "COMPLETE", ("roof",)), Node("roof", "T", "FAILED"))
NODES = (
    Node("lamp", "OS::Heat::Value"),
    Node("house", "house.yaml", "FAILED", ("lamp", "gone"), INSIDE),
    Node("ground", "OS::Heat::TestResource", "COMPLETE", ("house", "lamp")),
)
AWKWARD = (
    Node('say "hi"]; end', "a<b>&c"),
    Node("back\\slash\n#5;", "_x_ `code` 1. **b**", "IN_PROGRESS", ('say "hi"]; end',)),
)


@pytest.mark.parametrize("language", sorted(graphs.FORMATS))
def test_a_graph_of_nested_stacks(golden: Golden, language: str) -> None:
    golden(f"graph-street.{language}.txt", graphs.FORMATS[language]("street", NODES))


@pytest.mark.parametrize("language", ["dot", "mermaid"])
def test_no_name_breaks_out_of_its_quotes(golden: Golden, language: str) -> None:
    golden(f"graph-awkward.{language}.txt", graphs.FORMATS[language]('ti"tle', AWKWARD))


def test_in_text_each_resource_comes_after_what_it_needs() -> None:
    chain = tuple(Node(f"r{number}", "T", required_by=(f"r{number - 1}",)) for number in range(300))

    lines = graphs.text("chain", chain).splitlines()

    assert [line.split()[0] for line in lines[1:]] == [f"r{number}" for number in reversed(range(300))]


def test_a_circle_is_drawn_and_not_walked_for_ever() -> None:
    circle = (Node("a", "T", required_by=("b",)), Node("b", "T", required_by=("a",)))

    assert graphs.text("circle", circle) == "circle\n  a (T)  needs b\n  b (T)  needs a\n"


def test_an_empty_stack_has_an_empty_graph() -> None:
    assert graphs.text("empty", ()) == "empty\n"
    assert graphs.mermaid("empty", ()).endswith("flowchart TD\n")
    assert graphs.dot("empty", ()).startswith('digraph "empty" {')


TEXT = """\
streets
  ground (OS::Heat::TestResource)
  left (house.yaml)  needs ground
    wände (OS::Heat::TestResource)
    door (OS::Heat::TestResource)  needs wände
    roof (OS::Heat::TestResource)  needs door
  right (house.yaml)  needs ground
    wände (OS::Heat::TestResource)
    door (OS::Heat::TestResource)  needs wände
    roof (OS::Heat::TestResource)  needs door
  lamp (OS::Heat::Value)  needs left, right
"""


def test_a_stack_is_drawn_with_what_is_nested_in_it(served, ask) -> None:
    served.create("streets", STREET, files=FILES, parameters=BROKEN)

    assert ask("stack", "graph", "streets", "--format", "text").stdout == TEXT
    assert '["door<br/>OS::Heat::TestResource"]:::failed' in ask("stack", "graph", "streets").stdout
    assert "wände" not in ask("stack", "graph", "streets", "--depth", "0").stdout


def test_a_terminal_gets_text_and_a_pipe_mermaid(served, ask) -> None:
    served.create("outlets", STREET, files=FILES)

    assert ask("stack", "graph", "outlets", TTY_COMPATIBLE="1").stdout.startswith("outlets\n  ground")
    assert "flowchart TD" in ask("stack", "graph", "outlets", TTY_COMPATIBLE="0").stdout
    assert ask("stack", "graph", "outlets", "--format", "dot", TTY_COMPATIBLE="1").stdout.startswith("digraph")


def test_programs_get_the_graph_as_data(served, ask) -> None:
    served.create("graph-data", STREET, files=FILES)

    nodes = json.loads(ask("stack", "graph", "graph-data", "-o", "json").stdout)

    assert [(node["resource_name"], node["required_by"]) for node in nodes] == [
        ("ground", ["left", "right"]),
        ("left", ["lamp"]),
        ("right", ["lamp"]),
        ("lamp", []),
    ]
    assert [node["resource_name"] for node in nodes[1]["resources"]] == ["wände", "door", "roof"]


def test_a_template_is_drawn_without_a_stack(ask, tmp_path: Path) -> None:
    template = tmp_path / "streets"
    template.write_text(STREET, encoding="utf-8")
    (tmp_path / "house.yaml").write_text(HOUSE, encoding="utf-8")

    before = ask("stack", "list", "--nested").stdout

    result = ask("template", "graph", "-t", str(template), "--format", "text")

    assert result.stdout.splitlines()[1:] == TEXT.splitlines()[1:]
    assert ask("stack", "list", "--nested").stdout == before


def test_a_stack_that_does_not_exist_is_exit_code_4(ask) -> None:
    assert ask("stack", "graph", "nobody").exit_code == 4
