"""The calls of lifecycle plugins: in order, undone in reverse, and never in the way of the end."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from engine.model.states import Action
from engine.plugin import LifecyclePlugin, Operation
from engine.runtime.lifecycle import Lifecycle, NotReady, operation
from engine.template.target import EMPTY
from kit import catalogue, stored

OPERATION = Operation(stored.stack(), Action.CREATE)


@dataclass
class Diary:
    """What plugins were called for, in order."""

    lines: list[str] = field(default_factory=list)
    fails: dict[str, Exception] = field(default_factory=dict)  # by line

    def note(self, line: str) -> None:
        self.lines.append(line)
        if line in self.fails:
            raise self.fails[line]


class Plugin(LifecyclePlugin):
    """Writes what it is called for into the diary."""

    def __init__(self, diary: Diary) -> None:
        self.diary = diary

    def before(self, ctx: Operation) -> None:
        assert ctx is OPERATION
        self.diary.note(f"before {type(self).__name__}")

    def after(self, ctx: Operation, *, failed: bool) -> None:
        assert ctx is OPERATION
        self.diary.note(f"after {type(self).__name__}{' failed' if failed else ''}")


class First(Plugin):
    ordinal: ClassVar[int] = 1


class Beta(Plugin):
    pass


class Alpha(Plugin):
    pass


class Last(Plugin):
    ordinal: ClassVar[int] = 200


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
def lifecycle(diary: Diary) -> Lifecycle:
    return Lifecycle([Last(diary), Beta(diary), First(diary), Alpha(diary)])


def test_they_are_called_by_ordinal_and_then_by_name(lifecycle: Lifecycle, diary: Diary) -> None:
    lifecycle.before(OPERATION)

    assert diary.lines == ["before First", "before Alpha", "before Beta", "before Last"]


@pytest.mark.parametrize("failed", [False, True])
def test_all_are_told_of_the_end(lifecycle: Lifecycle, diary: Diary, *, failed: bool) -> None:
    lifecycle.after(OPERATION, failed=failed)

    how = " failed" if failed else ""
    assert diary.lines == [f"after {name}{how}" for name in ("First", "Alpha", "Beta", "Last")]


def test_one_that_refuses_stops_the_rest_and_those_before_it_hear_of_that(lifecycle: Lifecycle, diary: Diary) -> None:
    diary.fails["before Beta"] = RuntimeError("no room", 17)
    with pytest.raises(NotReady) as refused:
        lifecycle.before(OPERATION)

    assert str(refused.value) == "no room"
    assert diary.lines == ["before First", "before Alpha", "before Beta", "after Alpha failed", "after First failed"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(RuntimeError(), "Failed stack pre-ops: RuntimeError", id="no text"),
        pytest.param(ValueError(""), "Failed stack pre-ops: ValueError", id="an empty text"),
        pytest.param(KeyError(404), "404", id="no text but a number"),
    ],
)
def test_a_refusal_has_a_text(lifecycle: Lifecycle, diary: Diary, error: Exception, expected: str) -> None:
    diary.fails["before First"] = error

    with pytest.raises(NotReady) as refused:
        lifecycle.before(OPERATION)
    assert str(refused.value) == expected


def test_what_goes_wrong_afterwards_is_logged_and_stops_nobody(
    lifecycle: Lifecycle, diary: Diary, caplog: pytest.LogCaptureFixture
) -> None:
    diary.fails = {"after First": RuntimeError("a bug"), "after Alpha failed": RuntimeError("another")}
    lifecycle.after(OPERATION, failed=False)
    diary.fails["before Beta"] = RuntimeError("no room")
    with pytest.raises(NotReady, match="no room"):
        lifecycle.before(OPERATION)

    assert diary.lines[:4] == ["after First", "after Alpha", "after Beta", "after Last"]
    assert diary.lines[-2:] == ["after Alpha failed", "after First failed"]
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 2
    assert "First failed after CREATE" in errors[0]


def test_without_plugins_there_is_nothing_to_call(lifecycle: Lifecycle) -> None:
    none = Lifecycle()
    none.before(OPERATION)
    none.after(OPERATION, failed=True)

    assert not none
    assert lifecycle


def test_a_walk_is_told_with_what_it_leads_to_and_what_is_there() -> None:
    owner = stored.stack(action=Action.UPDATE)
    target = catalogue.target_of("resources: {web: {type: Test::Thing}}")
    rows = [stored.resource(owner, "web", type="Old"), stored.resource(owner, "gone", type="Gone")]

    assert operation(owner, target, rows) == Operation(
        owner, Action.UPDATE, {"web": "Test::Thing"}, {"web": "Old", "gone": "Gone"}
    )
    assert operation(owner, EMPTY, []).resources == {}
