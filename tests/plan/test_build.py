"""The visit graph: what a walk goes to, and what waits for what. Golden files are for reading."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.graph.dag import Dag
from engine.model.ids import ResourceId, StackId
from engine.model.records import Pending, ResourceRecord
from engine.model.states import Action, Status
from engine.plan import build, render
from engine.plan.visits import Clean, Converge

Golden = Callable[[str, str], None]
Requires = Mapping[str, list[str]]


def row(id_: str, *requires: str, also: tuple[str, ...] = ()) -> ResourceRecord:
    """Return a row; its name is its id up to the dot. `also`: what a change under way builds against."""
    return ResourceRecord(
        id=ResourceId(id_),
        stack_id=StackId("s"),
        name=id_.partition(".")[0],
        type="T",
        implementation="T",
        action=Action.UPDATE if also else Action.CREATE,
        status=Status.IN_PROGRESS if also else Status.COMPLETE,
        reason="",
        created_time=datetime(2026, 1, 1, tzinfo=UTC),
        requires=frozenset(map(ResourceId, requires)),
        pending=Pending({}, frozenset(map(ResourceId, also))) if also else None,
    )


DIAMOND: Requires = {"net": [], "port": ["net"], "disk": [], "server": ["port", "disk"]}
BUILT = [row("net.1"), row("port.1", "net.1"), row("disk.1"), row("server.1", "port.1", "disk.1")]


@pytest.mark.parametrize(
    ("name", "requires", "rows"),
    [
        pytest.param("create", DIAMOND, [], id="create"),
        pytest.param("update", DIAMOND, BUILT, id="update"),
        pytest.param("delete", {}, BUILT, id="delete"),
        pytest.param("remove", {"net": [], "server": ["net"]}, BUILT, id="remove two"),
        pytest.param(
            "turned-around", {"b": [], "a": ["b"]}, [row("a.1"), row("b.1", "a.1")], id="dependency turned around"
        ),
        pytest.param(
            "half-replaced",
            {"a": [], "b": ["a"]},
            [row("a.1"), row("a.2"), row("b.1", "a.1", also=("a.2",))],
            id="a replacement that was cut short",
        ),
    ],
)
def test_graphs(golden: Golden, name: str, requires: Requires, rows: list[ResourceRecord]) -> None:
    golden(f"graph-{name}.txt", render.graph(build.build(requires, rows), {one.id: one.id for one in rows}))


def test_a_required_row_that_is_not_there_any_more_is_not_waited_for() -> None:
    graph = build.build({}, [row("user", "gone")])

    assert graph == {Clean(ResourceId("user")): set()}


@given(st.data())
def test_no_order_that_respects_the_graph_deletes_a_row_before_its_users(data: st.DataObject) -> None:
    """Names only require earlier ones, and so do rows; both orders are independent of each other."""
    names = data.draw(st.permutations("abcde"))
    requires = {
        name: data.draw(st.lists(st.sampled_from(names[:at]), unique=True)) if at else []
        for at, name in enumerate(names)
    }
    ids = data.draw(st.permutations(["a.1", "a.2", "b.1", "c.1", "f.1"]))
    rows = [
        row(id_, *(data.draw(st.lists(st.sampled_from(ids[:at]), unique=True)) if at else []))
        for at, id_ in enumerate(ids)
    ]
    graph = build.build(requires, rows)
    order = list(Dag(graph).order())
    place = {visit: at for at, visit in enumerate(order)}

    assert set(order) == {Converge(name) for name in names} | {Clean(ResourceId(id_)) for id_ in ids}
    assert all(place[Converge(other)] < place[Converge(name)] for name, others in requires.items() for other in others)
    assert all(place[Clean(user.id)] < place[Clean(used)] for user in rows for used in user.requires)
    assert all(place[Converge(one.name)] < place[Clean(one.id)] for one in rows if one.name in requires)
