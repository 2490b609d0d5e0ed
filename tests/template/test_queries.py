"""What yaql makes of data, in this process: its values as JSON, its errors in one line, its own limits."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

import pytest

from engine.model.errors import Code
from engine.template import queries
from engine.template.expressions import BadArgument
from engine.template.queries import Queries, QueryLimits

DATA: Any = {"a": 1, "l": [3, 1, 2], "m": {"z": 1, "y": 2}, "people": [{"n": "ada", "x": 7}, {"n": "bob", "x": 8}]}
UNLIMITED = QueryLimits(limit_iterators=-1, memory_quota=-1)


def problem_of(expression: str, data: Any = None, limits: QueryLimits = queries.DEFAULT_LIMITS) -> BadArgument:
    with pytest.raises(BadArgument) as caught:
        queries.run(expression, data, limits)
    return caught.value


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        pytest.param("$", {"data": DATA}, id="all there is"),
        pytest.param("$.data.a", 1, id="a key"),
        pytest.param("$.data.get(nokey)", None, id="a key that may be missing"),
        pytest.param("$.data.l[-1]", 2, id="an index"),
        pytest.param("$.data.people.where($.x > 7).select($.n)", ["bob"], id="a lazy list"),
        pytest.param("$.data.people.toDict($.n, $.x)", {"ada": 7, "bob": 8}, id="a map"),
        pytest.param("$.data.l.orderBy($)", [1, 2, 3], id="an ordering"),
        pytest.param("$.data.m.keys()", ["z", "y"], id="keys are in the order of the map"),
        pytest.param("$.data.m.items()", [["z", 1], ["y", 2]], id="items are in the order of the map"),
        pytest.param("$.data.l.toSet()", [1, 2, 3], id="a set of numbers is sorted"),
        pytest.param("[b, 1, null, a].toSet()", ["a", "b", 1, None], id="a set of anything has an order too"),
        pytest.param("[$.data.m].toSet()", [{"z": 1, "y": 2}], id="a set of maps"),
        pytest.param("dict(1 => a, true => b, null => c, 1.5 => d)", {"1": "b", "null": "c", "1.5": "d"}, id="keys"),
        pytest.param("range(200).len()", 200, id="a list at the limit"),
        pytest.param("let(x => 2) -> $x + 1", 3, id="a variable"),
        pytest.param("def(double, $ * 2) -> double(4)", 8, id="a function"),
        pytest.param("$nothing", None, id="a variable that nobody set"),
        pytest.param("'ab' =~ 'a.' and not 'ab'.matches('b.')", True, id="regular expressions"),
        pytest.param("'h\N{LATIN SMALL LETTER O WITH DIAERESIS}'.toUpper()", "H\u00d6", id="text that is not ASCII"),
        pytest.param("datetime(2020, 2, 1).format('%d.%m.%Y')", "01.02.2020", id="a date made text"),
        pytest.param("switch($.data.a > 1 => more, true => less)", "less", id="a choice"),
        pytest.param("name", "name", id="a bare word"),
    ],
)
def test_a_value(expression: str, result: Any) -> None:
    found = queries.run(expression, DATA)

    assert found == result
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        pytest.param("$.data.nokey", "there is no key 'nokey'", id="a key that is missing"),
        pytest.param("$.data.l[7]", "IndexError: tuple index out of range", id="an index past the end"),
        pytest.param("[].first()", "there is no such item", id="the first of nothing"),
        pytest.param("[1].select([].first())", "there is no such item", id="the first of nothing, found late"),
        pytest.param("1 / 0", "ZeroDivisionError", id="a division by zero"),
        pytest.param("int(x)", "ValueError: invalid literal", id="a number that is none"),
        pytest.param("foo(1)", 'Unknown function "foo"', id="a function that is not there"),
        pytest.param("$.data.foo()", 'Unknown method "foo"', id="a method that is not there"),
        pytest.param("$.data.select($)", 'No method "select" matches supplied arguments', id="a method of lists"),
        pytest.param("$.data.a.b", 'Unknown function "#property#b"', id="a key of a number"),
        pytest.param("[1].assert(false, nope)", "AssertionError: nope", id="an assertion"),
        pytest.param("now()", "a point in time", id="a date"),
        pytest.param("[[timespan(1)]]", "a span of time", id="a span of time, inside"),
        pytest.param("regex(a)", "a regular expression", id="a regular expression"),
        pytest.param("let(1)", "a set of variables", id="a context"),
        pytest.param("dict([1] => 2)", "a key that is neither text nor a number", id="a key that is a list"),
        pytest.param("dict(1 => a, '1' => b)", 'two keys that are "1" in JSON', id="keys that fall together"),
        pytest.param("float(nan)", "not finite", id="not a number"),
        pytest.param("'\\ud800'", "half of a surrogate pair", id="half a character"),
    ],
)
def test_no_value(expression: str, reason: str) -> None:
    problem = problem_of(expression, DATA)

    assert str(problem).startswith(f'the yaql expression "{expression}" has no value: ')
    assert reason in str(problem)
    assert problem.code is Code.STACK_VALIDATION_FAILED


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        pytest.param("", "unexpected end of statement", id="nothing"),
        pytest.param("1 +", "unexpected end of statement", id="half of one"),
        pytest.param("1 2", "unexpected '2' at position 2", id="two of them"),
        pytest.param("$.data #", "illegal character '#' at position 7", id="a strange character"),
        pytest.param("$.__class__", "illegal character '_'", id="a name that Python keeps to itself"),
        pytest.param("9" * 5_000, "4300 digits", id="an endless number"),
    ],
)
def test_no_expression(expression: str, reason: str) -> None:
    with pytest.raises(BadArgument) as caught:
        queries.check(expression)

    assert "is no yaql expression: " in str(caught.value)
    assert str(caught.value).endswith(reason) or reason in str(caught.value)
    assert str(problem_of(expression)) == str(caught.value)


def test_a_check_needs_no_data() -> None:
    queries.check("$.data.nokey + 1 / 0")


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param("range(300).toList()", id="a list"),
        pytest.param("range(300)", id="a lazy list that nothing reads but the result"),
        pytest.param("generate(0, true, $ + 1)", id="an endless list"),
        pytest.param("'a' * 20000", id="a long text"),
        pytest.param("$.data.text", id="a long text of the data"),
        pytest.param("range(100).select('a' * 9900).select([$, $])", id="a large result"),
        pytest.param("range(60).aggregate([$1, $1], a * 5000)", id="a result that doubles with each step"),
        pytest.param("range(150).aggregate([$1], 1)", id="a deep result"),
        pytest.param("pow(10, 1000)", id="a large number"),
        pytest.param("(" * 5_000 + "1" + ")" * 5_000, id="a deep expression"),
        pytest.param("def(f, f($)) -> f(1)", id="an endless function"),
    ],
)
def test_a_limit(expression: str) -> None:
    assert problem_of(expression, {"text": "x" * 20_000}).code is Code.REQUEST_LIMIT_EXCEEDED


def test_the_limits_of_yaql_can_be_set() -> None:
    tight = QueryLimits(limit_iterators=2, memory_quota=200)

    assert queries.run("range(2)", None, tight) == [0, 1]
    assert "2 items" in str(problem_of("range(3)", None, tight))
    assert "too much memory" in str(problem_of("a * 300", None, tight))
    assert len(queries.run("range(5000)", None, UNLIMITED)) == 5_000


def test_without_limits_an_endless_result_ends_all_the_same() -> None:
    assert "1000000 characters of JSON" in str(problem_of("sequence()", None, UNLIMITED))


def test_data_that_is_too_deep_is_an_error_and_no_crash() -> None:
    data: Any = None
    for _ in range(5_000):
        data = [data]

    assert problem_of("$.data", data).code is Code.REQUEST_LIMIT_EXCEEDED


def test_what_one_expression_defines_the_next_does_not_see() -> None:
    queries.run("def(len, 7) -> let(mine => 1) -> len(abc)", None)

    assert queries.run("len(abc)", None) == 3
    assert queries.run("$mine", None) is None


def test_the_data_is_left_as_it_is() -> None:
    data = json.loads(json.dumps(DATA))
    queries.run("[$.data.l.append(1), $.data.m.set(z, 5), $.data.l.reverse()]", data)

    assert data == DATA


@pytest.mark.parametrize("text", ["secret", ["secret"], {"k": "secret"}], ids=["text", "a list", "a map"])
def test_a_message_does_not_repeat_the_data_of_a_call_that_can_not_be(text: Any) -> None:
    assert "secret" not in str(problem_of("$.data.foo()", text))
    assert "secret" not in str(problem_of("$.data.substring(a, b)", text))


def test_a_message_is_one_short_line() -> None:
    problem = str(problem_of("[1].assert(false,\n'" + "x\n" * 3_000 + "')"))

    assert "\n" not in problem
    assert len(problem) < 400


def test_this_module_is_a_port_itself() -> None:
    port: Queries = queries

    assert port.run("$.data + 1", 1) == 2


def test_yaql_is_not_imported_before_it_is_needed() -> None:
    program = "import sys, engine.template.queries, engine.template.functions.queries; print('yaql' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "False"


def test_numbers_keep_their_kind() -> None:
    found = queries.run("[1, 1.0, true, pow(2, 100)]", None)

    assert [type(item) for item in found] == [int, float, bool, int]
    assert math.log2(found[3]) == 100
