from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.graph.dag import Dag
from engine.graph.frontier import Frontier


@st.composite
def dags(draw: st.DrawFn) -> dict[int, list[int]]:
    count = draw(st.integers(0, 10))
    return {node: draw(st.lists(st.integers(0, node - 1), max_size=3)) if node else [] for node in range(count)}


def test_ready_hands_out_each_node_once() -> None:
    frontier = Frontier(Dag({"a": [], "b": [], "c": ["a"]}))

    assert frontier.ready() == ["a", "b"]
    assert frontier.ready() == []


def test_done_frees_what_waited_for_all_of_its_needs() -> None:
    frontier = Frontier(Dag({"a": [], "b": [], "c": ["a", "b"]}))
    frontier.ready()

    assert frontier.done("a") == []
    assert frontier.done("b") == ["c"]
    assert frontier.done("c") == []
    assert frontier.is_over


def test_blocked_shuts_out_dependants_and_nothing_else() -> None:
    frontier = Frontier(Dag({"a": [], "b": ["a"], "c": ["b"], "d": [], "e": ["d"]}))
    frontier.ready()

    assert frontier.blocked("a") == ["b", "c"]
    assert frontier.done("d") == ["e"]
    assert not frontier.is_over
    assert frontier.done("e") == []
    assert frontier.is_over
    assert frontier.never == ("b", "c")


def test_a_node_that_waits_for_a_blocked_one_and_others_never_starts() -> None:
    frontier = Frontier(Dag({"a": [], "b": [], "c": ["a", "b"]}))
    frontier.ready()
    frontier.blocked("a")

    assert frontier.done("b") == []
    assert frontier.is_over


def test_a_node_can_end_only_once() -> None:
    frontier = Frontier(Dag({"a": []}))
    frontier.ready()
    frontier.done("a")

    with pytest.raises(ValueError, match="not under way"):
        frontier.done("a")


def test_an_empty_graph_is_over_at_once() -> None:
    assert Frontier(Dag[str]({})).is_over


def test_a_long_chain_is_blocked_without_recursion() -> None:
    chain = {n: [n - 1] if n else [] for n in range(10_000)}
    frontier = Frontier(Dag(chain))
    frontier.ready()

    assert len(frontier.blocked(0)) == 9_999
    assert frontier.is_over


@given(dags(), st.data())
def test_any_walk_is_legal_and_ends(graph: dict[int, list[int]], data: st.DataObject) -> None:
    frontier = Frontier(Dag(graph))
    running, well, failed = frontier.ready(), set(), set()
    while running:
        node = running.pop(data.draw(st.integers(0, len(running) - 1)))

        assert well.issuperset(graph[node])
        if data.draw(st.booleans()):
            well.add(node)
            running += frontier.done(node)
        else:
            failed.add(node)
            frontier.blocked(node)
        assert frontier.remaining == len(graph) - len(well) - len(failed) - len(frontier.never)

    assert frontier.is_over
    assert well | failed | set(frontier.never) == set(graph)
    assert all(any(need in failed or need in frontier.never for need in graph[node]) for node in frontier.never)
