"""Notifications: which notifiers are on, and what they are told."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from engine.model.states import Action, Status
from engine.plugin import notifier
from engine.plugin.notifier import LogNotifier, UnknownNotifier
from kit import entry_points, stored

PAGER = """
class Pager:
    def notify(self, event_type, body, *, is_error):
        raise RuntimeError(event_type)
"""


@pytest.mark.parametrize(
    ("action", "status", "expected"),
    [
        pytest.param(Action.CREATE, Status.IN_PROGRESS, ("orchestration.stack.create.start", False), id="begin"),
        pytest.param(Action.UPDATE, Status.COMPLETE, ("orchestration.stack.update.end", False), id="end"),
        pytest.param(Action.ROLLBACK, Status.FAILED, ("orchestration.stack.rollback.error", True), id="failure"),
    ],
)
def test_what_happened_is_the_type(action: Action, status: Status, expected: tuple[str, bool]) -> None:
    owner = stored.stack()
    told = notifier.notification(owner, stored.event(owner, action=action, status=status))

    assert (told.event_type, told.is_error) == expected


def test_the_body_is_about_the_stack_and_its_state_is_that_of_the_event() -> None:
    owner = stored.stack(
        id="stack-1",
        name="web",
        username="ada",
        description="a web",
        tags=("a", "b"),
        updated_time=stored.at(1),
        action=Action.DELETE,
    )
    event = stored.event(owner, action=Action.UPDATE, status=Status.FAILED, reason="no more room")
    body = notifier.notification(owner, event).body

    assert json.loads(json.dumps(body)) == body
    assert body == {
        "tenant_id": "p",
        "user_id": "ada",
        "user_identity": "ada",
        "username": "ada",
        "stack_identity": "stack-1",
        "stack_name": "web",
        "state": "UPDATE_FAILED",
        "state_reason": "no more room",
        "create_at": "2024-02-29T12:30:15.123456+00:00",
        "updated_at": "2024-02-29T12:30:16.123456+00:00",
        "description": "a web",
        "tags": ["a", "b"],
    }


def test_the_log_has_a_line_for_each_and_errors_are_errors(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="isotherm.notifications"):
        LogNotifier().notify("orchestration.stack.create.start", {"stack_name": "a\nb"}, is_error=False)
        LogNotifier().notify("orchestration.stack.create.error", {"stack_name": "c"}, is_error=True)

    assert caplog.record_tuples == [
        ("isotherm.notifications", logging.INFO, 'orchestration.stack.create.start {"stack_name": "a\\nb"}'),
        ("isotherm.notifications", logging.ERROR, 'orchestration.stack.create.error {"stack_name": "c"}'),
    ]


def test_the_notifiers_of_the_option_are_made_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry_points.install(tmp_path, monkeypatch, notifier.ENTRY_POINTS, {"pager": "paging:Pager"}, paging=PAGER)
    made = notifier.named(["pager", "log"])

    assert [*made] == ["pager", "log"]
    assert isinstance(made["log"], LogNotifier)
    with pytest.raises(RuntimeError, match="it was called"):
        made["pager"].notify("it was called", {}, is_error=False)
    assert notifier.named([]) == {}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("mail", r'there is no notifier "mail"; there are: bad, log, worse', id="unknown"),
        pytest.param("bad", r'the notifier "bad" can\'t be loaded: AttributeError: ', id="no such class"),
        pytest.param("worse", r'the notifier "worse" can\'t be loaded: ModuleNotFoundError: ', id="no such module"),
    ],
)
def test_a_name_that_names_none_is_told(
    name: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"bad": "paging_none:Pager", "worse": "nowhere_at_all:Pager"}
    entry_points.install(tmp_path, monkeypatch, notifier.ENTRY_POINTS, names, paging_none="")

    with pytest.raises(UnknownNotifier, match=expected):
        notifier.named([name])
