"""What functions make is counted: a few lines of template fill neither the memory nor the time of an engine."""

from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engine.template import dialects, expressions
from engine.template.facts import Facts, Meter, TimeLimit
from engine.template.parameters import ParameterValues
from engine.template.reader import Reader
from engine.template.scopes import Conditions, WalkScope
from engine.template.source import Document

ROOT = Path(__file__).parents[2]
TOO_MUCH = "more values and text than one template may have"
LONG = "at most 2000000 are allowed"
MANY = "at most 200000 are allowed"
COLLIDE = sys.hash_info.modulus  # numbers that are multiples of it have one hash


@dataclass(frozen=True)
class Attack:
    """A value that a property asks for, and parameters that it may use."""

    value: Any
    expected: str
    parameters: dict[str, Any] = field(default_factory=dict)
    times: int = 1  # in so many properties
    section: str = "properties"


def nested(depth: int, inner: Any, outer: Callable[[Any], Any]) -> Any:
    return inner if depth == 0 else outer(nested(depth - 1, inner, outer))


def param(name: str) -> dict[str, Any]:
    return {"get_param": name}


def replaced(template: Any, params: Any) -> dict[str, Any]:
    return {"str_replace": {"template": template, "params": params}}


def repeated(template: Any, **for_each: Any) -> dict[str, Any]:
    return {"repeat": {"template": template, "for_each": for_each}}


def doubled(depth: int, inner: Any = "x") -> Any:
    return nested(depth, inner, lambda value: replaced("##", {"#": value}))


def rotations(period: int, lengths: range) -> list[str]:
    text = "".join(chr(200 + index) for index in range(period)) * 3
    return [text[start : start + length] for length in lengths for start in range(period)]


TEN = [str(digit) for digit in range(10)]
MILLION = doubled(20)  # 2^20 characters
NUMBERS = [COLLIDE * (index + 1) for index in range(20_000)]
LETTERS = {"x": "y"}
WORDS = {f"{index:x}": "" for index in range(20_000)}
TREE = {f"k{index}": {"a": [index] * 20} for index in range(2_000)}

ATTACKS = {
    "a product": Attack(repeated("a", **dict.fromkeys("abcdefg", TEN)), MANY),
    "a product of so many that the number has no end": Attack(
        repeated("a", **{f"v{index}": param("list") for index in range(1_000)}), MANY, {"list": ["a"] * 1_000}
    ),
    "repeats in repeats": Attack(nested(6, "a", lambda value: repeated(value, b=TEN)), MANY),
    "repeats of maps": Attack(
        repeated({"a": {"a": {"a": "a"}}}, a=param("list")), TOO_MUCH, {"list": ["b"] * 9_000}, 8
    ),
    "a repeat with many variables": Attack(
        repeated(param("list"), **{f"v{index}": ["a"] for index in range(10_000)}), TOO_MUCH, {"list": ["b"] * 5_000}
    ),
    "a repeat with many variables over a long text": Attack(
        repeated([MILLION], **{f"v{index}": ["a"] for index in range(10_000)}), TOO_MUCH
    ),
    "a repeat of a long text": Attack(repeated(doubled(12), x=param("list")), TOO_MUCH, {"list": ["yz"] * 9_000}),
    "a repeat of a repeat of the keys of maps": Attack(
        repeated("a", **{f"v{index}": param("map") for index in range(5_000)}), TOO_MUCH, {"map": TREE}
    ),
    "doubled thirty times": Attack(doubled(30), LONG),
    "doubled twenty times, in many places": Attack(MILLION, TOO_MUCH, times=60),
    "doubled in outputs": Attack(MILLION, TOO_MUCH, times=60, section="outputs"),
    "doubled in metadata": Attack(MILLION, TOO_MUCH, times=60, section="metadata"),
    "doubled too often, in many places": Attack(doubled(24), TOO_MUCH, times=1_000),
    "wide characters, doubled": Attack(doubled(20, "\U0001f600"), TOO_MUCH, times=60),
    "joins of joins": Attack(
        nested(12, param("text"), lambda value: {"list_join": ["-", [value, value]]}), TOO_MUCH, {"text": "x" * 1_000}
    ),
    "a join of a list again and again": Attack(
        {"list_join": ["", *[param("list")] * 30_000]}, TOO_MUCH, {"list": ["", None] * 1_000}
    ),
    "every letter of a long text replaced": Attack(replaced(MILLION, LETTERS), TOO_MUCH),
    "every word of a long text taken out": Attack(
        replaced(replaced(MILLION, {"xxxx": "abc-"}), param("map")), TOO_MUCH, {"map": WORDS}, 8
    ),
    "many placeholders over a long text": Attack(
        replaced(MILLION, param("map")),
        TOO_MUCH,
        {"map": {f"a long placeholder {index}": "" for index in range(9_000)}},
    ),
    "placeholders that all begin alike": Attack(
        replaced(MILLION, param("map")), TOO_MUCH, {"map": {"x" * length + "y": "" for length in range(1, 600)}}
    ),
    "placeholders that lie across each other": Attack(
        replaced(doubled(12, rotations(29, range(29, 30))[0]), param("map")),
        TOO_MUCH,
        {"map": dict.fromkeys(rotations(29, range(10, 21)), "")},
        200,
    ),
    "placeholders of a short text": Attack(
        replaced(param("text"), param("map")),
        TOO_MUCH,
        {"text": "x" * 2_400, "map": {"x" * (300 + length) + "y" + "x" * 300: "" for length in range(300)}},
        9_000,
    ),
    "JSON of what is shared": Attack(replaced("x", {"x": [param("text")] * 50_000}), TOO_MUCH, {"text": "x" * 9_999}),
    "JSON of a large map, in many places": Attack(replaced("x", {"x": param("map")}), TOO_MUCH, {"map": TREE}, 2_000),
    "JSON of long numbers": Attack(replaced("x", {"x": [param("list")] * 2_000}), LONG, {"list": [10**999] * 50}),
    "JSON of fractions": Attack(replaced("x", {"x": [param("list")] * 2_000}), LONG, {"list": [1 / 3] * 500}),
    "JSON of letters that take six": Attack(replaced("x", {"x": [doubled(20, "é")]}), TOO_MUCH, times=20),
    "splits of a long text": Attack({"str_split": ["x", MILLION]}, MANY),
    "splits, in many places": Attack({"str_split": ["x", doubled(17)]}, TOO_MUCH, times=40),
    "parts of a split, in many places": Attack({"str_split": [None, doubled(17, "x "), 5]}, TOO_MUCH, times=2_000),
    "digests of a long text": Attack({"digest": ["sha512", param("text")]}, TOO_MUCH, {"text": "x" * 500_000}, 3_000),
    "merges of a large map": Attack({"map_merge": [param("map")] * 1_000}, TOO_MUCH, {"map": TREE}),
    "merges, in many places": Attack({"map_merge": [param("map"), {"a": 1}]}, TOO_MUCH, {"map": TREE}, 2_000),
    "renamed keys, in many places": Attack({"map_replace": [param("map"), None]}, TOO_MUCH, {"map": TREE}, 2_000),
    "one list, concatenated": Attack({"list_concat": [param("list")] * 9_000}, MANY, {"list": TEN * 5}),
    "lists of a large map, concatenated": Attack(
        nested(6, {"list_concat": [[param("map")]]}, lambda value: {"list_concat": [value, value]}),
        TOO_MUCH,
        {"map": TREE},
    ),
    "unique numbers with one hash": Attack({"list_concat_unique": [param("list")]}, TOO_MUCH, {"list": NUMBERS}, 20),
    "unique numbers with one hash, in a list of lists": Attack(
        {"list_concat_unique": [param("list")]}, TOO_MUCH, {"list": [[number] for number in NUMBERS]}, 20
    ),
    "unique trees": Attack(
        {"list_concat_unique": [[{str(index): param("map")} for index in range(9_000)]]}, TOO_MUCH, {"map": TREE}
    ),
    "a filter by numbers with one hash": Attack({"filter": [param("list")] * 2}, TOO_MUCH, {"list": NUMBERS}, 20),
    "a search for a large map": Attack(
        {"contains": [[param("map"), 1], [[param("same"), index] for index in range(50)]]},
        TOO_MUCH,
        {"map": TREE, "same": TREE},
        50,
    ),
    "a search in a long list": Attack({"contains": ["x", param("list")]}, TOO_MUCH, {"list": ["y"] * 50_000}, 5_000),
    "a search in a long text": Attack(
        {"contains": ["x" * 500 + "y", param("text")]}, TOO_MUCH, {"text": "x" * 500_000}, 5_000
    ),
    "a URL of a long text": Attack({"make_url": {"path": MILLION}}, "more than 100000 characters"),
    "URLs, in many places": Attack(
        {"make_url": {"path": param("text")}}, TOO_MUCH, {"text": "\U0001f600" * 50_000}, 900
    ),
    "one parameter, everywhere": Attack([param("map")] * 50_000, TOO_MUCH, {"map": TREE}),
}

CONFINED = """
import json, resource, sys, time
from kit.catalogue import CATALOGUE
from engine.model.errors import TemplateInvalid
from engine.template import dialects, environment, parse, source, target

dialects.versions()
with open("/proc/self/statm") as used:
    size = int(used.read().split()[0]) * resource.getpagesize() + 100_000_000
resource.setrlimit(resource.RLIMIT_AS, (size, size))
for line in sys.stdin:
    given = json.loads(line)
    template = parse.parse(source.Document(given["template"]))
    env = environment.from_map({"parameters": given["parameters"]})
    del given, line
    start = time.process_time()
    try:
        built = target.build(template, environment=env, catalogue=CATALOGUE)
        found = []
    except TemplateInvalid as error:
        found = sorted({one.summary for one in error.problems})
    except (MemoryError, RecursionError) as error:
        found = [repr(error)]
    built = template = env = None
    print(json.dumps([found, time.process_time() - start]), flush=True)
"""


def template_of(attack: Attack) -> dict[str, Any]:
    values = {f"p{index}": attack.value for index in range(attack.times)}
    resource: dict[str, Any] = {"type": "Test::Anything"}
    template: dict[str, Any] = {
        "heat_template_version": "2021-04-16",
        "parameters": {name: {"type": "string" if isinstance(value, str) else "json"}
                       for name, value in attack.parameters.items()},
        "resources": {"r": resource},
    }  # fmt: skip
    if attack.section == "outputs":
        template["outputs"] = {name: {"value": value} for name, value in values.items()}
    else:
        resource[attack.section] = values
    return template


@pytest.fixture(scope="module")
def confined() -> Iterator[Callable[[Attack], tuple[list[str], float]]]:
    """Check templates in a process with 100 MB of memory more than it has to begin with."""
    path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}:{ROOT / 'generated'}", "PATH": ""}
    command = [sys.executable, "-c", CONFINED]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=path) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asked, answers = process.stdin, process.stdout

        def check(attack: Attack) -> tuple[list[str], float]:
            given = {"template": template_of(attack), "parameters": attack.parameters}
            asked.write(json.dumps(given) + "\n")
            asked.flush()
            found, seconds = json.loads(answers.readline())
            return found, seconds

        yield check
        asked.close()


@pytest.mark.slow
@pytest.mark.parametrize("attack", [pytest.param(attack, id=name) for name, attack in ATTACKS.items()])
def test_what_a_template_asks_for_is_refused_before_it_costs_much(
    attack: Attack, confined: Callable[[Attack], tuple[list[str], float]]
) -> None:
    problems, seconds = confined(attack)

    assert any(attack.expected in problem for problem in problems), problems[:3]
    assert seconds < 10


@pytest.mark.parametrize("name", ["list_concat_unique", "filter"])
def test_texts_in_lists_are_counted_together(name: str) -> None:
    looks = itertools.count()
    facts = Facts(ParameterValues({}), meter=Meter(limit=TimeLimit(math.inf, lambda: float(next(looks)))))
    words = [str(index) for index in range(1_000)]
    call = Document({"resources": {"r": {"properties": {"x": {name: [words, [*words, None, "new"]]}}}}})
    expr = Reader(dialects.select({dialects.HOT: dialects.newest()}).language, call, []).read(
        call.data["resources"]["r"]["properties"]["x"], ("resources", "r", "properties", "x")
    )
    found = expressions.evaluate(expr, WalkScope(facts, Conditions({}, facts), {}, {}))

    assert found[-2:] == [None, "new"]
    assert next(looks) < 10
