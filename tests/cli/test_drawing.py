from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from engine.cli import drawing
from engine.cli.progress import Progress, Seen

ERASE = "\x1b[2K"  # what the frame before is wiped away with
ESCAPE = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]")
BEGIN = datetime(2027, 1, 1, tzinfo=UTC)


def screen(*, height: int = 20, encoding: str = "utf-8") -> Console:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    return Console(file=file, force_terminal=True, width=100, height=height, color_system=None, legacy_windows=False)


def told(*states: tuple[str, str], expected: int | None = None) -> Progress:
    progress = Progress("root-id", "web", expected)
    for number, (name, state) in enumerate(states):
        action, _, status = state.partition("_")
        is_stack, time = name == "web", BEGIN + timedelta(seconds=number)
        kind, physical_id = ("OS::Heat::Stack", "root-id") if is_stack else ("T", "")
        progress.take(
            Seen(str(number), "root-id", "web", name, kind, action, status, f"why {name}", physical_id, time), 0.0
        )
    return progress


def last_frame(progress: Progress, console: Console, cause: tuple[str, ...] = ()) -> list[str]:
    with drawing.Tree(progress, console) as tree:
        tree.failed(cause)
    console.file.flush()
    text = console.file.buffer.getvalue().decode(console.encoding)
    frame = ESCAPE.sub("", text.rpartition(ERASE)[2])
    return [line.rstrip() for line in frame.splitlines() if line.strip()]


def test_a_short_tree_is_shown_whole() -> None:
    progress = told(
        ("web", "CREATE_IN_PROGRESS"),
        ("a", "CREATE_IN_PROGRESS"),
        ("a", "CREATE_COMPLETE"),
        ("b", "CREATE_FAILED"),
        expected=4,
    )
    header, first, second = last_frame(progress, screen())

    assert "web" in header
    assert "CREATE_IN_PROGRESS" in header
    assert "2/4, 1 failed" in header
    assert first.split() == ["✓", "a", "CREATE_COMPLETE", "1.0", "s", "T"]
    assert second.split() == ["✗", "b", "CREATE_FAILED", "why", "b"]


def test_a_thousand_resources_do_not_flood_the_screen() -> None:
    states = [(f"r{number}", "CREATE_COMPLETE") for number in range(1000)]
    states[500:502] = [("bad", "CREATE_FAILED"), ("slow", "CREATE_IN_PROGRESS")]
    frame = last_frame(told(*states, expected=1000), screen(height=15))

    assert len(frame) < 15
    assert [line.split()[1] for line in frame[1:3]] == ["bad", "slow"]
    assert frame[-1] == "and 998 more"


def test_when_much_goes_on_at_once_the_failures_are_shown_first() -> None:
    states = [(f"r{number}", "CREATE_IN_PROGRESS") for number in range(100)] + [("bad", "CREATE_FAILED")]
    frame = last_frame(told(*states), screen(height=15))

    assert len(frame) < 15
    assert any("bad" in line for line in frame)


def test_the_cause_stands_above_everything() -> None:
    frame = last_frame(told(("a", "CREATE_FAILED")), screen(), cause=("web.yaml, line 3", "out of luck"))

    assert frame[:2] == ["web.yaml, line 3", "out of luck"]


def test_a_terminal_without_unicode_gets_other_marks() -> None:
    frame = last_frame(told(("a", "CREATE_COMPLETE")), screen(encoding="ascii"))

    assert frame[1].startswith("+ a")


def test_brackets_in_a_reason_are_no_markup() -> None:
    frame = last_frame(told(("[bold]", "CREATE_FAILED")), screen())

    assert "[bold]" in frame[1]


@pytest.mark.parametrize(
    ("is_terminal", "expected"),
    [pytest.param(True, drawing.Tree, id="terminal"), pytest.param(False, drawing.Lines, id="pipe")],
)
def test_a_tree_is_for_terminals(monkeypatch, is_terminal: bool, expected: type) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1" if is_terminal else "0")

    assert isinstance(drawing.show_for(told(), to_stderr=False), expected)
