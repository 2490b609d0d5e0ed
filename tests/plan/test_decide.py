"""The verdict on arrival, case by case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.ids import ResourceId, StackId
from engine.model.records import Pending, ResourceRecord
from engine.model.states import Action, Status
from engine.plan import decide
from engine.schema.properties import OnChange, string
from engine.schema.type_schema import TypeSchema

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
TYPE = "Test::Thing"
SCHEMA = TypeSchema(
    TYPE,
    properties={
        "loose": string("In place.", on_change=OnChange.UPDATE),
        "fixed": string("Replaces."),
        "never": string("Refused.", on_change=OnChange.REFUSE),
    },
    attributes={},
)
WANTED = {"loose": "1", "fixed": "1", "never": "1"}


class Rules:
    supersedes = False

    def __init__(self, *, keeps_failed: bool = False, replaces: frozenset[str] = frozenset()) -> None:
        self.keeps_failed = keeps_failed
        self.replaces = replaces

    def must_replace(self, old: Mapping[str, Any], new: Mapping[str, Any], changed: frozenset[str]) -> bool:
        return bool(self.replaces & changed)


def desired(**changes: Any) -> decide.Desired:
    known: dict[str, Any] = {
        "name": "a",
        "type": TYPE,
        "implementation": TYPE,
        "schema": SCHEMA,
        "properties": WANTED,
        "requires": frozenset(),
        "fingerprint": "f",
    }
    return decide.Desired(**{**known, **changes})


def row(state: str = "CREATE_COMPLETE", id_: str = "old", age: int = 1, **changes: Any) -> ResourceRecord:
    action, _, status = state.partition("_")
    known: dict[str, Any] = {
        "id": ResourceId(id_),
        "stack_id": StackId("s"),
        "name": "a",
        "type": TYPE,
        "implementation": TYPE,
        "action": Action(action),
        "status": Status(status),
        "reason": "",
        "created_time": BEGIN - timedelta(minutes=age),
        "properties": WANTED,
        "fingerprint": "f",
    }
    return ResourceRecord(**{**known, **changes})


def pending(token: Any = None, **properties: str) -> Pending:
    return Pending({**WANTED, **properties}, frozenset(), "f", token)


def loose(value: str) -> dict[str, str]:
    return {**WANTED, "loose": value}


IN_PROGRESS = row("UPDATE_IN_PROGRESS", pending=pending(loose="2"))
POLLED = row("UPDATE_IN_PROGRESS", pending=pending("token", loose="2"))
BEING_BUILT = row("CREATE_IN_PROGRESS", properties={}, pending=pending(), fingerprint="")
FAILED_UPDATE = row("UPDATE_FAILED", pending=pending(loose="2"))


@pytest.mark.parametrize(
    ("wanted", "there", "rules", "expected"),
    [
        pytest.param(desired(), row(), Rules(), decide.Keep(row(), moved=False), id="equal is kept"),
        pytest.param(
            desired(requires=frozenset({ResourceId("r")})),
            row(),
            Rules(),
            decide.Keep(row(), moved=True),
            id="requires moved",
        ),
        pytest.param(desired(metadata={"k": 1}), row(), Rules(), decide.Keep(row(), moved=True), id="metadata moved"),
        pytest.param(
            desired(deletion_policy="Retain"),
            row(),
            Rules(),
            decide.Keep(row(), moved=True),
            id="deletion policy moved",
        ),
        pytest.param(desired(type="Alias"), row(), Rules(), decide.Keep(row(), moved=True), id="an alias of the type"),
        pytest.param(
            desired(properties=loose("2")), row(), Rules(), decide.Update(row(), frozenset({"loose"})), id="in place"
        ),
        pytest.param(
            desired(fingerprint="g"), row(), Rules(), decide.Update(row(), frozenset()), id="built from another file"
        ),
        pytest.param(
            desired(properties={**WANTED, "fixed": "2"}),
            row(),
            Rules(),
            decide.Create(row()),
            id="a replacing property",
        ),
        pytest.param(
            desired(properties=loose("2")),
            row(),
            Rules(replaces=frozenset({"loose"})),
            decide.Create(row()),
            id="the type says replace",
        ),
        pytest.param(desired(implementation="Other"), row(), Rules(), decide.Create(row()), id="another type"),
        pytest.param(
            desired(properties={**WANTED, "never": "2"}),
            row(),
            Rules(),
            decide.Refuse(row(), frozenset({"never"})),
            id="what may never change",
        ),
        pytest.param(
            desired(properties=loose("2"), restricted_actions=frozenset({"update"})),
            row(),
            Rules(),
            decide.Restricted(row(), "update"),
            id="an update that the environment forbids",
        ),
        pytest.param(
            desired(properties={**WANTED, "fixed": "2"}, restricted_actions=frozenset({"replace"})),
            row(),
            Rules(),
            decide.Restricted(row(), "replace"),
            id="a replacement that the environment forbids",
        ),
        pytest.param(
            desired(restricted_actions=frozenset({"update", "replace"})),
            row(),
            Rules(),
            decide.Keep(row(), moved=False),
            id="nothing to do, whatever is forbidden",
        ),
        pytest.param(
            desired(external_id="x", fingerprint=decide.fingerprint("", "x")),
            row(),
            Rules(),
            decide.Refuse(row(), frozenset({"external_id"})),
            id="what was built does not become what was not",
        ),
        pytest.param(
            desired(external_id="x", fingerprint=decide.fingerprint("", "x")),
            row(fingerprint=decide.fingerprint("", "y")),
            Rules(),
            decide.Refuse(row(fingerprint=decide.fingerprint("", "y")), frozenset({"external_id"})),
            id="another thing that exists",
        ),
        pytest.param(
            desired(external_id="x", fingerprint=decide.fingerprint("", "x")),
            row(fingerprint=decide.fingerprint("", "x")),
            Rules(),
            decide.Keep(row(fingerprint=decide.fingerprint("", "x")), moved=False),
            id="the same thing that exists",
        ),
        pytest.param(
            desired(), row("CREATE_FAILED"), Rules(), decide.Create(row("CREATE_FAILED")), id="failed is replaced"
        ),
        pytest.param(
            desired(),
            row("CREATE_FAILED", properties={}, pending=pending()),
            Rules(keeps_failed=True),
            decide.Update(row("CREATE_FAILED", properties={}, pending=pending()), frozenset()),
            id="failed is updated where the type keeps it",
        ),
        pytest.param(desired(), row("DELETE_FAILED"), Rules(), decide.Create(None), id="on its way out does not count"),
        pytest.param(desired(), BEING_BUILT, Rules(), decide.Finish(BEING_BUILT), id="being built is finished"),
        pytest.param(
            desired(properties=loose("2")), BEING_BUILT, Rules(), decide.Finish(BEING_BUILT), id="being built as before"
        ),
        pytest.param(
            desired(properties={**WANTED, "fixed": "2"}),
            BEING_BUILT,
            Rules(),
            decide.Create(BEING_BUILT),
            id="being built as what must be replaced",
        ),
        pytest.param(
            desired(properties=loose("2")), POLLED, Rules(), decide.Finish(POLLED), id="an update is waited for"
        ),
        pytest.param(desired(), POLLED, Rules(), decide.Finish(POLLED), id="an update is waited for, then undone"),
        pytest.param(
            desired(properties=loose("2")),
            IN_PROGRESS,
            Rules(),
            decide.Update(IN_PROGRESS, frozenset({"loose"})),
            id="an update that no plugin answered is made again",
        ),
        pytest.param(
            desired(),
            IN_PROGRESS,
            Rules(),
            decide.Update(IN_PROGRESS, frozenset({"loose"})),
            id="an update that may have had its effect is undone",
        ),
        pytest.param(
            desired(),
            FAILED_UPDATE,
            Rules(keeps_failed=True),
            decide.Update(FAILED_UPDATE, frozenset({"loose"})),
            id="mended",
        ),
    ],
)
def test_one_row(wanted: decide.Desired, there: ResourceRecord, rules: Rules, expected: decide.Decision) -> None:
    assert decide.converge(wanted, [there], rules) == expected


def test_nothing_there_is_created() -> None:
    assert decide.converge(desired(), [], Rules()) == decide.Create(None)


def test_of_two_rows_the_one_that_needs_no_change_is_kept_though_it_is_older() -> None:
    """So a rollback finds the old row still there."""
    old, new = row(id_="old", age=9), row(id_="new", age=1, properties=loose("2"))

    assert decide.converge(desired(), [new, old], Rules()) == decide.Keep(old, moved=False)


def test_a_row_that_must_be_replaced_is_no_match_and_the_other_is_updated() -> None:
    fits, not_ = row(id_="fits", age=9, properties=loose("2")), row(id_="not", properties={**WANTED, "fixed": "2"})

    assert decide.converge(desired(), [not_, fits], Rules()) == decide.Update(fits, frozenset({"loose"}))


def test_of_two_that_differ_one_that_is_built_is_preferred_to_a_newer_one_that_is_not() -> None:
    built, failed = (
        row(id_="built", age=9, properties=loose("2")),
        row("CREATE_FAILED", id_="failed", properties=loose("2")),
    )

    assert decide.converge(desired(), [failed, built], Rules(keeps_failed=True)) == decide.Update(
        built, frozenset({"loose"})
    )


def test_of_two_alike_the_newer_is_kept() -> None:
    old, new = row(id_="old", age=9), row(id_="new", age=1)

    assert decide.converge(desired(), [old, new], Rules()) == decide.Keep(new, moved=False)


@given(
    st.permutations([row(id_=str(number), age=number % 3, properties=loose(str(number % 2))) for number in range(5)])
)
def test_the_order_of_the_rows_does_not_matter(rows: list[ResourceRecord]) -> None:
    assert decide.converge(desired(), rows, Rules()) == decide.converge(
        desired(), sorted(rows, key=lambda r: r.id), Rules()
    )


def test_a_replacement_names_the_newest_that_is_not_on_its_way_out() -> None:
    rows = [
        replace(row(id_="older", age=5), implementation="Other"),
        replace(row(id_="newer", age=2), implementation="Other"),
        row("DELETE_FAILED", id_="leaving", age=1),
    ]

    assert decide.converge(desired(), rows, Rules()) == decide.Create(rows[1])


@pytest.mark.parametrize(
    ("there", "standing", "expected"),
    [
        pytest.param(None, None, decide.Nothing(), id="gone already"),
        pytest.param(row(), "old", decide.Nothing(), id="it stands for its name"),
        pytest.param(row(), "new", decide.Delete(row(), "Delete"), id="another stands for its name"),
        pytest.param(row(), None, decide.Delete(row(), "Delete"), id="nothing stands for its name"),
        pytest.param(
            row(deletion_policy="Retain"),
            None,
            decide.Delete(row(deletion_policy="Retain"), "Retain"),
            id="retained",
        ),
        pytest.param(row("DELETE_FAILED"), None, decide.Delete(row("DELETE_FAILED"), "Delete"), id="tried before"),
    ],
)
def test_clean(there: ResourceRecord | None, standing: str | None, expected: decide.OnClean) -> None:
    assert decide.clean(there, ResourceId(standing) if standing else None) == expected
