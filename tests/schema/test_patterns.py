"""Patterns answer as the standard library does, and no pattern and no text cost more than they may."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.schema import patterns

_CHARACTERS = st.sampled_from(["a", "b", ".", r"\.", "1", "é", "K", "\u017f", r"\x61", r"\142", r"\u00e9", "#", "{"])
_CLASSES = st.sampled_from(
    [
        *(r"\w", r"\W", r"\d", r"\D", r"\s", r"\S", r"[\W\d]", r"[^\W_]", r"[^\S\n]", r"[\0-\x1f]", "[[:alpha:]]"),
        *("[ab]", "[^a]", "[^b]", "[]a]", "[K-k]", "[é-ü]", "[^é]", "[a\\]-]"),
    ]
)
_PLACES = st.sampled_from(["^", "$", r"\A", r"\Z", r"\b", r"\B", "", "(?!)", r"\1"])
_COUNTS = st.sampled_from(["*", "+", "?", "*?", "+?", "??", "{2}", "{1,}", "{,2}", "{0,2}?", "{2,3}", "{,}", "{e}"])
_OPENINGS = st.sampled_from(["(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:", "(?s:", "(?m:", "(?a:", "(?-i:", "(?x:"])


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.lists(inner, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map("|".join).map(lambda text: f"(?:{text})"),
        st.tuples(inner.map(lambda text: f"({text})"), _COUNTS).map("".join),
        st.tuples(_OPENINGS, inner).map(lambda pair: f"{pair[0]}{pair[1]})"),
    )


_BODIES = st.recursive(st.one_of(_CHARACTERS, _CLASSES, _PLACES), _larger, max_leaves=8)
_FLAGS = st.sampled_from(["", "", "", "(?i)", "(?m)", "(?s)", "(?a)", "(?ai)", "(?x)"])
PATTERNS = st.tuples(_FLAGS, _BODIES).map("".join)
_STRANGE = "abAk1_. \n\t\x0b\x1féÉKß²中\x85\u017f\u0301\u0130\u0131\U0001f600\ud800"
TEXTS = st.one_of(st.text("ab1.\n", max_size=5), st.text(_STRANGE, max_size=4))


def _answer_of_the_library(pattern: str, text: str) -> bool | None:
    """None: it is no pattern."""
    try:
        found = re.match(pattern, text)
    except re.error:
        return None
    return found is not None and found.end() == len(text)


def _answer(pattern: str, text: str) -> bool | None:
    try:
        return patterns.matches(pattern, text)
    except patterns.PatternError as error:
        if "not a regular expression" in str(error):
            return None
        raise


@given(PATTERNS, TEXTS)
@example(r"(?=)(?:b|[^a]|[^é])", "a")
@example(r"((?:a||.))*", "aba")
@example(r"\B", "")
@example("ab{e}", "ab{e}")
@example("ab{e}", "a")
@example(r"(?m)a$(?s:.)^b\Z", "a\nb")
@pytest.mark.filterwarnings("ignore:Possible:FutureWarning")
def test_the_answer_is_that_of_the_standard_library(pattern: str, text: str) -> None:
    expected = _answer_of_the_library(pattern, text)

    assert expected is _answer(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        pytest.param("a|ab", "ab", False, id="the first match decides, not the longest"),
        pytest.param("[a-z]+", "abc", True, id="the whole value"),
        pytest.param("[a-z]+", "abc1", False, id="not only the beginning"),
        pytest.param("", "", True, id="nothing"),
        pytest.param("(?i)abc", "ABC", True, id="letters of either case"),
        pytest.param("(?i)straße", "STRAẞE", True, id="foreign letters of either case"),
        pytest.param("(?i)\u0131", "i", True, id="letters that are the same for Python only"),
        pytest.param(r"(?=.*\d)(?=.*[a-z]).{4,}", "ab12", True, id="look-ahead"),
        pytest.param(r"(?=.*\d)(?=.*[a-z]).{4,}", "abcd", False, id="look-ahead that fails"),
        pytest.param(r".*(?<=\.com|\.org)", "x.org", True, id="look-behind"),
        pytest.param(r"ab(?<=([ab]){2})\1", "abb", True, id="look-behind reads forwards"),
        pytest.param(r"(?P<one>a|b)(?P=one)", "bb", True, id="back-reference by name"),
        pytest.param(r"(a|b)\1", "ab", False, id="back-reference that fails"),
        pytest.param(r"(?i)(a)\1", "aA", True, id="back-reference of either case"),
        pytest.param(r"(<)?a(?(1)>|!)", "<a>", True, id="condition"),
        pytest.param(r"(<)?a(?(1)>)", "a>", False, id="condition without an else"),
        pytest.param("a*+a", "aaa", False, id="possessive"),
        pytest.param("(?>a|ab)c", "abc", False, id="atomic"),
        pytest.param(r"(?P<year>\d{4})-\d\d", "2024-01", True, id="named group"),
        pytest.param("x{2,3", "x{2,3", True, id="a brace that is no count"),
        pytest.param("x{,2}", "xx", True, id="a count without a beginning"),
        pytest.param("(?:ab){e<=1}", "a", False, id="no fuzzy matching"),
        pytest.param("[[:alpha:]]", "a]", True, id="no classes of POSIX"),
        pytest.param(r"\x41\u0042\103", "ABC", True, id="escapes by number"),
        pytest.param(r"\N{LATIN SMALL LETTER A}", "a", True, id="escapes by name"),
        pytest.param("a$", "a\n", False, id="a newline at the end is not consumed"),
        pytest.param("a$\n", "a\n", True, id="a newline behind the end"),
        pytest.param(r"a\Z", "a", True, id="the very end"),
        pytest.param(r"\w+", "Zürich", True, id="foreign letters"),
        pytest.param(r"\w", "\u0301", False, id="a mark is no letter"),
        pytest.param(r"\w\d", "²٣", True, id="foreign digits"),
        pytest.param(r"(?a)\w+", "Zürich", False, id="letters of ASCII"),
        pytest.param(r"(?a)(?u:\w)", "é", True, id="letters of ASCII, but here"),
        pytest.param(r"\s+", "\x0b\x1c\x85", True, id="all sorts of blanks"),
        pytest.param(r"a\b é\b!", "a é!", True, id="edges of foreign words"),
        pytest.param("(?s).{1,300}", "é\n" * 150, True, id="any character"),
        pytest.param("[^/]{0,5000}", "é" * 5000, True, id="more than RE2 counts"),
        pytest.param("a|\ud800", "\ud800", True, id="half a pair of surrogates"),
        pytest.param("..", "é\ud800", True, id="half a pair of surrogates in the text"),
        pytest.param("(?x) a # (b", "a", True, id="a comment"),
    ],
)
@pytest.mark.filterwarnings("ignore:Possible:FutureWarning")
def test_a_pattern_matches(pattern: str, text: str, expected: bool) -> None:
    assert expected is _answer_of_the_library(pattern, text)
    assert expected is patterns.matches(pattern, text)


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(a|aa)+b", "a*a*a*a*a*b", "(.*,)*b"])
def test_a_pattern_that_backtracks_for_ever_elsewhere_is_answered(pattern: str) -> None:
    assert not patterns.matches(pattern, "a" * 10_000 + "cb")
    assert patterns.matches(pattern.replace(",", "a"), "a" * 10_000 + "b")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        pytest.param("(a", "not a regular expression: missing", id="unbalanced"),
        pytest.param("*a", "not a regular expression: nothing to repeat", id="nothing to repeat"),
        pytest.param(r"\z\Q", "not a regular expression", id="what other libraries know"),
        pytest.param("(?<=a+)b", "look-behind requires fixed-width", id="look-behind of any width"),
        pytest.param("a{99999999999999999999}", "not a regular expression", id="more than can be counted"),
        pytest.param("(((a{900}){900}){900})", "too complex", id="repetitions of repetitions"),
        pytest.param("(?i)" + "[Ā-\uffff]" * 500, "too complex", id="wide classes"),
        pytest.param("(" * 1500 + ")" * 1500, "nests too many groups", id="very deep groups"),
        pytest.param("a" * 5_000, "has 5000 characters; at most 4000", id="long"),
    ],
)
def test_a_pattern_that_can_not_be_used_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(patterns.PatternError, match=re.escape(reason)):
        patterns.check(pattern)


@pytest.mark.parametrize(
    ("pattern", "text", "reason"),
    [
        pytest.param(r"(.*)(.*)(.*)\3\2\1x", "a" * 5_000 + "bx", "takes too long", id="backtracking"),
        pytest.param("(?=.*b)x", "a" * 500_000, "too long", id="a long text"),
        pytest.param("(?=[acegikmoqs]*)x", "a" * 90_000, "too long", id="a long text for a wide class"),
        pytest.param(".*", "".join(map(chr, range(5_000))), "different characters", id="many different characters"),
    ],
)
def test_a_text_that_takes_too_long_is_refused(pattern: str, text: str, reason: str) -> None:
    with pytest.raises(patterns.PatternError, match=reason):
        patterns.matches(pattern, text)


def test_a_pattern_that_python_may_read_otherwise_one_day_is_used_without_a_warning() -> None:
    """In a process of its own: here every warning is an error already."""
    code = 'from engine.schema import patterns; patterns.check("[[a]--b||c]"); patterns.check("[[a]&&b]")'

    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert shown.stderr == ""


def test_a_long_text_is_no_trouble_for_a_plain_pattern() -> None:
    assert patterns.matches(r"[\w\s]+$", "word\n" * 100_000 + "end")


def test_a_short_text_is_matched_in_time_however_many_match_at_once() -> None:
    def answers(_: int) -> bool:
        return all(patterns.matches(r"(?=.*\d)[a-z0-9]+", "abc1") for _ in range(5_000))

    with ThreadPoolExecutor(24) as pool:
        assert all(pool.map(answers, range(24)))


ATTACKS = {
    "nested loops": "(a+)+b",
    "alternatives that overlap": "(a|aa)+$",
    "loops of anything": "(.*)*x",
    "many options": "(a?){50}a{50}",
    "empty rounds": "(?:|a|a|a){9,}b",
    "counts of counts": "((a{0,100}){0,100}){0,100}",
    "counts of counts to be had": "(((a{99}){99}){99})",
    "a count beyond memory": "a{4294967294}",
    "look-ahead": "(?=(a+)+b)x",
    "many look-aheads": r"(?=\w*)" * 550 + "y",
    "many wide look-aheads": "(?=[!-#%-'*-,.-02-4a-c]*)" * 150 + "y",
    "look-behind": "(?<=a{1000})" * 300,
    "back-references": "(a*)" + r"\1" * 1900 + "b",
    "back-references to loops": r"(.*)(.*)(.*)(.*)\4\3\2\1x",
    "captures": "(?:(a)?(a)?(a)?(a)?(a)?)*" + r"\1b",
    "captures of captures": r"(?:(((.){0,20}?)+?){1,})*\1b",
    "conditions": "(?:(a)?(?(1)b|a))*c",
    "alternatives": "(?:" + "|".join("a" * (i % 9) + chr(97 + i % 26) for i in range(700)) + ")*b",
    "alternatives, often": "(" + "|".join(chr(97 + i % 26) + chr(98 + i % 25) for i in range(1300)) + "){1000}",
    "a long string to search for": "[ab]" + "a" * 3990,
    "a long string in a group": "[ab](?>" + "ab" * 1990 + ")",
    "wide classes": "[Ā-\uffff]" * 790,
    "wide classes of either case": "(?i)" + "[Ā-\U0010ffff]" * 490,
    "a class of many": "(?:(?=[" + "".join(chr(1024 + 3 * i) for i in range(3900)) + "]*)a)*b",
    "counted characters": ".{0,1000}" * 400,
    "counted classes": r"(\w{1000}){1000}",
    "many states": "(?:" + "|".join("[ab]" * i for i in range(1, 44)) + ")*x",
    "a window": "(?:.*a.{900}|.)*x",
    "many alternatives, counted": "(?:"
    + "|".join(chr(97 + i % 26) + chr(98 + i % 25) for i in range(1300))
    + "){,1000}",
    "many groups": "(" * 60 + "." + ")" * 60 + "*" + r"\60",
    "groups, one after the other": "()" * 1990,
    "deep groups": "(?:" * 950 + "a" + ")*" * 950,
}
_MATCH_ALL = """
import json, random, resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
from engine.schema import patterns
texts = "a" * 10_000, "a" * 90_000 + "?bcxy", "".join(random.Random(1).choices("ab", k=500_000)) + "?bcxy"
costs = {}
for name, pattern in json.load(sys.stdin).items():
    for text in texts:
        begin = time.process_time()
        try:
            patterns.matches(pattern, text)
        except patterns.PatternError:
            pass
        costs[name] = max(costs.get(name, 0), time.process_time() - begin)
# Not ru_maxrss: that begins with what the process held that started this one.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(json.dumps([costs, int(peak.split()[1])]))
"""


def test_no_attack_costs_much() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _MATCH_ALL], input=json.dumps(ATTACKS), capture_output=True, text=True, check=True
    )
    costs, kilobytes = json.loads(done.stdout)

    assert costs.keys() == ATTACKS.keys()
    assert {name: seconds for name, seconds in costs.items() if seconds > 2} == {}
    assert kilobytes < 150_000
    assert done.stderr == ""
