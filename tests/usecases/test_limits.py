"""Limits at their edges."""

from __future__ import annotations

import pytest

from engine.model.errors import Code, EngineError
from engine.usecases import limits
from engine.usecases.commands import Options


@pytest.mark.parametrize(("count", "most"), [(0, 0), (1, 1), (10, -1), (0, 5)])
def test_a_count_up_to_the_limit_is_fine(count: int, most: int) -> None:
    assert limits.check_count(count, most, "things") is None


@pytest.mark.parametrize(("count", "most"), [(1, 0), (2, 1)])
def test_a_count_beyond_the_limit_is_refused_with_both_numbers(count: int, most: int) -> None:
    with pytest.raises(EngineError) as refused:
        limits.check_count(count, most, "things")

    assert refused.value.code is Code.REQUEST_LIMIT_EXCEEDED
    assert refused.value.message == f"that would be {count} things; the limit is {most}"
    assert refused.value.fields == {"limit": str(most), "subject": "things"}


@pytest.mark.parametrize("minutes", [None, 0, 1, 60 * 24 * 365])
def test_a_timeout_that_can_be_is_fine(minutes: int | None) -> None:
    assert limits.check_options(Options(timeout_mins=minutes)) is None


@pytest.mark.parametrize("tags", [None, (), ("a",), ("a" * 80,), ("with space", "ü")])
def test_tags_that_can_be_are_fine(tags: tuple[str, ...] | None) -> None:
    assert limits.check_options(Options(tags=tags)) is None


def test_what_is_switched_off_is_refused_by_name() -> None:
    assert limits.check_enabled(True, "Stack Adopt") is None
    with pytest.raises(EngineError, match=r"^Stack Adopt is not supported") as refused:
        limits.check_enabled(False, "Stack Adopt")

    assert refused.value.code is Code.FEATURE_DISABLED


@pytest.mark.parametrize("name", ["", "a", "x" * 255, "ünïcode"])
def test_a_snapshot_may_have_any_name_that_can_be_stored(name: str) -> None:
    assert limits.check_snapshot_name(name) is None


def test_a_bad_name_is_told_with_what_would_be_right() -> None:
    with pytest.raises(EngineError) as refused:
        limits.check_name("1st")

    assert refused.value.code is Code.STACK_VALIDATION_FAILED
    assert "stack_name: '1st' is not a stack name: a letter, then up to 254 letters" in refused.value.message
