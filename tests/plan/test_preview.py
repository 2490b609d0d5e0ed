"""A walk on paper: what each name would come to, with what only a real walk can know left unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from engine.graph.dag import Dag
from engine.model.ids import ResourceId, StackId
from engine.model.records import ResourceRecord
from engine.model.states import Action, Status
from engine.plan import preview, render
from engine.plan.decide import Desired
from engine.plan.preview import Change, Expected, Standing
from engine.schema.types import UNKNOWN
from kit.paper_world import THING, Rules

Golden = Callable[[str, str], None]
Wanted = Mapping[str, Mapping[str, object]]  # of each name: fixed, loose, and reads / rooted: a name it refers to


def row(name: str, *requires: str, **properties: object) -> ResourceRecord:
    shape = {"fixed": 1, "loose": 1, "reads": "", "rooted": "", **properties}
    return ResourceRecord(
        id=ResourceId(f"{name}.1"),
        stack_id=StackId("s"),
        name=name,
        type=THING.type_name,
        implementation=THING.type_name,
        action=Action.CREATE,
        status=Status.COMPLETE,
        reason="",
        created_time=datetime(2026, 1, 1, tzinfo=UTC),
        physical_id=f"{name}.1",
        properties=shape,
        requires=frozenset(ResourceId(f"{other}.1") for other in requires),
    )


def expect(wanted: Wanted, *rows: ResourceRecord) -> list[Expected]:
    def desire(name: str, standing: Mapping[str, Standing]) -> Desired:
        shape = {"fixed": 1, "loose": 1, "reads": "", "rooted": "", **wanted[name]}
        for kind in ("reads", "rooted"):
            if shape[kind]:
                known = standing[str(shape[kind])].row
                shape[kind] = known.id if known is not None else UNKNOWN
        return Desired(name, THING.type_name, THING.type_name, THING, shape, frozenset())

    requires = {
        name: [str(shape[kind]) for kind in ("reads", "rooted") if kind in shape] for name, shape in wanted.items()
    }
    return preview.preview(Dag(requires).order(), rows, desire, lambda _: Rules())


def test_a_preview_of_everything(golden: Golden) -> None:
    """`root` is replaced: who reads its id is updated, who is rooted in it is replaced, and so on down."""
    there = [
        row("same"),
        row("changed"),
        row("root"),
        row("reader", "root", reads="root.1"),
        row("child", "root", rooted="root.1"),
        row("grandchild", "child", rooted="child.1"),
        row("gone"),
    ]
    wanted: Wanted = {
        "same": {},
        "changed": {"loose": 2},
        "root": {"fixed": 2},
        "reader": {"reads": "root"},
        "child": {"rooted": "root"},
        "grandchild": {"rooted": "child"},
        "new": {"reads": "same"},
    }
    golden("preview-everything.txt", render.changes(expect(wanted, *there)))


def test_a_preview_of_a_create_adds_everything(golden: Golden) -> None:
    golden("preview-create.txt", render.changes(expect({"a": {}, "b": {"reads": "a"}})))


def test_a_settled_stack_is_unchanged() -> None:
    found = expect({"a": {}, "b": {"reads": "a"}}, row("a"), row("b", "a", reads="a.1"))

    assert [one.change for one in found] == [Change.UNCHANGED, Change.UNCHANGED]


def test_a_row_that_failed_is_replaced_and_one_being_built_is_updated() -> None:
    failed, building = replace(row("f"), status=Status.FAILED), replace(row("b"), status=Status.IN_PROGRESS)
    found = expect({"f": {}, "b": {}}, failed, building)

    assert {one.name: one.change for one in found} == {"f": Change.REPLACED, "b": Change.UPDATED}


def test_of_two_rows_of_a_name_that_is_declared_no_more_the_built_one_is_shown() -> None:
    built = row("a")
    failed = replace(built, id=ResourceId("a.2"), status=Status.FAILED, created_time=built.created_time + timedelta(1))
    (found,) = expect({}, built, failed)

    assert (found.change, found.row, found.desired) == (Change.DELETED, built, None)
