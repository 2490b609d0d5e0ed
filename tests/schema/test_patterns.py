"""The bounded matcher agrees with the standard library on everything that it accepts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.schema import patterns

_ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\w", r"\d", r"\.", "^", "$", r"\b", "", "[]a]", "1"])
_COUNTS = st.sampled_from(["*", "+", "?", "*?", "+?", "??", "{2}", "{1,}", "{,2}", "{0,2}?"])


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    # A loop whose body can match nothing is left out: which of its empty rounds counts is nobody's contract.
    group = inner.filter(lambda text: re.match(f"(?:{text})$", "") is None).map(lambda text: f"({text})")
    return st.one_of(
        st.lists(inner, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map("|".join).map(lambda text: f"(?:{text})"),
        st.tuples(group, _COUNTS).map("".join),
        st.tuples(st.sampled_from(["(?=", "(?!"]), inner).map(lambda pair: f"{pair[0]}{pair[1]})"),
    )


PATTERNS = st.recursive(_ATOMS, _larger, max_leaves=8)


@given(PATTERNS, st.text("ab1.\n", max_size=6))
def test_the_answer_is_that_of_the_standard_library(pattern: str, text: str) -> None:
    found = re.match(pattern, text)
    expected = found is not None and found.end() == len(text)

    assert expected is patterns.matches(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        pytest.param("a|ab", "ab", False, id="the first match decides, not the longest"),
        pytest.param("[a-z]+", "abc", True, id="the whole value"),
        pytest.param("[a-z]+", "abc1", False, id="not only the beginning"),
        pytest.param("(?i)abc", "ABC", True, id="letters of either case"),
        pytest.param(r"(?=.*\d)(?=.*[a-z]).{4,}", "ab12", True, id="look-ahead"),
        pytest.param(r"(?=.*\d)(?=.*[a-z]).{4,}", "abcd", False, id="look-ahead that fails"),
        pytest.param(r"(?P<year>\d{4})-\d\d", "2024-01", True, id="named group"),
        pytest.param("x{2,3", "x{2,3", True, id="a brace that is no count"),
        pytest.param(r"\x41\u0042", "AB", True, id="escapes by number"),
    ],
)
def test_a_pattern_matches(pattern: str, text: str, expected: bool) -> None:
    assert expected is patterns.matches(pattern, text)


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(a|aa)+b", "a*a*a*a*a*b", "(.*,)*b", "((a*)*)*b"])
def test_a_pattern_that_backtracks_for_ever_elsewhere_answers_at_once(pattern: str) -> None:
    assert not patterns.matches(pattern, "a" * 1_000)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        pytest.param("(a", "not a regular expression", id="unbalanced"),
        pytest.param("*a", "not a regular expression", id="nothing to repeat"),
        pytest.param(r"(a)\1", "back-reference", id="back-reference"),
        pytest.param("(?<=a)b", "not supported", id="look-behind"),
        pytest.param("(((a{900}){900}){900})", "too complex", id="repetitions of repetitions"),
        pytest.param("(" * 60 + ")" * 60, "nests", id="deep groups"),
        pytest.param("(" * 3000 + ")" * 900, "not a regular expression", id="very deep groups"),
        pytest.param("a" * 5_000, "characters", id="long"),
    ],
)
def test_a_pattern_that_can_not_be_used_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(patterns.PatternError, match=reason):
        patterns.check(pattern)


def test_a_text_too_long_for_the_pattern_is_refused() -> None:
    with pytest.raises(patterns.PatternError, match="too long"):
        patterns.matches("(a|b|c)*x", "a" * 1_000_000)
