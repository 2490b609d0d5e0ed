from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.graph.dag import CycleError, Dag


@st.composite
def edges(draw: st.DrawFn, *, acyclic: bool) -> dict[int, list[int]]:
    count = draw(st.integers(0, 8))
    nodes = draw(st.permutations(range(count)))
    return {
        node: draw(st.lists(st.sampled_from(nodes[:place] if acyclic else nodes), max_size=4))
        if (place or not acyclic)
        else []
        for place, node in enumerate(nodes)
    }


def test_order_keeps_the_given_order_where_it_may() -> None:
    dag = Dag({"c": ["a"], "b": [], "a": []})

    assert dag.order() == ["b", "a", "c"]


def test_dependants_are_direct_and_in_given_order() -> None:
    dag = Dag({"a": [], "b": ["a"], "c": ["b"], "d": ["a", "a"]})

    assert dag.dependants("a") == ("b", "d")
    assert dag.requires("d") == ("a",)


def test_reversed_turns_every_edge() -> None:
    dag = Dag({"a": [], "b": ["a"]}).reversed()

    assert dag.requires("a") == ("b",)
    assert dag.requires("b") == ()


def test_a_cycle_is_named_node_by_node() -> None:
    dag = Dag({"x": ["a"], "a": ["b"], "b": ["c"], "c": ["a"], "free": []})

    assert dag.cycle() == ["a", "b", "c"]
    with pytest.raises(CycleError):
        dag.order()


def test_a_node_that_requires_itself_is_a_cycle() -> None:
    assert Dag({"a": ["a"]}).cycle() == ["a"]


def test_a_node_that_is_never_given_is_an_error() -> None:
    with pytest.raises(KeyError):
        Dag({"a": ["nowhere"]})


def test_a_long_chain_needs_no_recursion() -> None:
    chain = {n: [n - 1] if n else [] for n in reversed(range(10_000))}

    assert Dag(chain).order() == list(range(10_000))
    assert Dag({**chain, 0: [9_999]}).cycle() is not None


@given(edges(acyclic=True))
def test_without_a_cycle_each_node_comes_after_what_it_requires(graph: dict[int, list[int]]) -> None:
    order = Dag(graph).order()

    assert sorted(order) == sorted(graph)
    assert all(order.index(need) < order.index(node) for node, needs in graph.items() for need in needs)


@given(edges(acyclic=False))
def test_there_is_either_an_order_or_a_cycle_that_is_one(graph: dict[int, list[int]]) -> None:
    dag = Dag(graph)
    cycle = dag.cycle()
    if cycle is None:
        assert len(dag.order()) == len(graph)
        return

    assert len(set(cycle)) == len(cycle)
    assert all(after in graph[node] for node, after in zip(cycle, [*cycle[1:], cycle[0]], strict=True))
