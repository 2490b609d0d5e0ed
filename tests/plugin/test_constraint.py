from __future__ import annotations

import logging
from types import ModuleType
from typing import Any

import pytest

import engine.resources
from engine.plugin.constraint import ConstraintType, constraint, refused
from engine.plugin.ports import LookupFailed, Lookups, NoCloud
from engine.plugin.registry import DuplicateType, Registry, discover
from engine.schema import properties
from engine.schema.properties import string
from engine.template import parameters
from engine.template.declarations import ParameterSchema, ParameterType
from kit.fake_lookups import FakeLookups


@constraint("test.even")
def even(value: Any, _: Lookups) -> str | None:
    """An even number.

    Anything that can be divided will do.
    """
    return None if value % 2 == 0 else f"{value} is odd"


@constraint("test.even")
def even_again(_: Any, __: Lookups) -> str | None:
    """Another one of the same name."""
    return None


@constraint("test.box")
def box(value: Any, lookups: Lookups) -> str | None:
    """A box that there is."""
    return None if lookups.find("box", value) else refused(value, "there is no such box")


@constraint("test.word", text_only=True)
def word(value: str, _: Lookups) -> str | None:
    """A word of three letters, or of none."""
    return None if len(value) in {0, 3} else f"{value} is no word"


@constraint("test.wish", text_only=True, empty_passes=True)
def wish(value: str, _: Lookups) -> str | None:
    """A text that is refused, if there is one."""
    return f"{value} is refused"


def module_with(**members: Any) -> ModuleType:
    """Return a module that declares these constraints, or has imported them from here."""
    module = ModuleType(__name__)
    vars(module).update(members)
    return module


def test_a_declaration_has_a_name_and_the_first_line_of_its_docstring() -> None:
    assert (even.name, even.description) == ("test.even", "An even number.")
    assert (even.text_only, even.empty_passes) == (False, False)
    assert (wish.text_only, wish.empty_passes) == (True, True)


@pytest.mark.parametrize(
    ("declared", "value", "violation"),
    [
        pytest.param(even, 2, None, id="what satisfies it"),
        pytest.param(even, 3, "3 is odd", id="what does not"),
        pytest.param(word, "abc", None, id="text"),
        pytest.param(word, "", None, id="an empty text is text"),
        pytest.param(word, 100, "100 is not text, and the custom constraint test.word is about text", id="a number"),
        pytest.param(word, None, "null is not text, and the custom constraint test.word is about text", id="null"),
        pytest.param(wish, "x", "x is refused", id="text where nothing passes"),
        pytest.param(wish, "", None, id="empty text where nothing passes"),
        pytest.param(wish, None, None, id="null where nothing passes"),
        pytest.param(wish, [], None, id="an empty list where nothing passes"),
        pytest.param(wish, 0, "0 is not text, and the custom constraint test.wish is about text", id="0 is something"),
        pytest.param(
            wish, False, "false is not text, and the custom constraint test.wish is about text", id="so is false"
        ),
    ],
)
def test_a_value_is_judged(declared: ConstraintType, value: Any, violation: str | None) -> None:
    assert declared.violation(value, FakeLookups()) == violation


def test_a_lookup_says_whether_there_is_such_a_thing() -> None:
    cloud = FakeLookups({"box": {"red"}})

    assert box.violation("red", cloud) is None
    assert box.violation("blue", cloud) == "Error validating value 'blue': there is no such box"


def test_a_lookup_that_fails_is_told_with_its_reason() -> None:
    violation = box.violation("red", FakeLookups({"box": {"red"}}, reason="the cloud does not answer"))

    assert violation == "Error validating value 'red': the cloud does not answer"


def test_without_a_cloud_nothing_can_be_looked_up() -> None:
    with pytest.raises(LookupFailed, match=r"this engine is connected to no cloud, so nova\.flavor can't be checked"):
        NoCloud().find("nova.flavor", "m1.small")


def test_a_long_value_is_cut_in_the_text_of_a_lookup() -> None:
    violation = box.violation("x" * 10_000, FakeLookups())

    assert violation == f"Error validating value '{'x' * 80}…': there is no such box"


def test_what_a_constraint_raises_is_a_problem_of_the_value(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="engine.plugin.constraint"):
        violation = even.violation({"a": "hush"}, FakeLookups())

    assert violation is not None
    assert violation.startswith(
        '{"a": "hush"} can\'t be checked: the custom constraint test.even raised TypeError: uns'
    )
    assert f"test.even ({__name__}.even) raised TypeError" in caplog.text
    assert "return None if value % 2 == 0" in caplog.text, "the log says where"


def test_the_log_repeats_no_value(caplog: pytest.LogCaptureFixture) -> None:
    @constraint("test.loud")
    def loud(value: Any, _: Lookups) -> str | None:
        raise ValueError(f"what about {value}?")

    assert "raised ValueError: what about hush?" in (loud.violation("hush", FakeLookups()) or "")
    assert "raised ValueError" in caplog.text
    assert "hush" not in caplog.text


def test_constraints_are_found_under_a_name_and_in_a_tuple() -> None:
    found = discover(module_with(even=even, MORE=(box, "not one", word))).constraints

    assert found == {"test.even": even, "test.box": box, "test.word": word}


def test_a_constraint_belongs_to_where_it_is_declared() -> None:
    elsewhere = ModuleType("elsewhere")
    elsewhere.even = even  # type: ignore[attr-defined]

    assert discover(elsewhere).constraints == {}


def test_two_constraints_of_one_name_are_refused_with_both_places() -> None:
    places = r"test\.even is declared twice: in .*\.even and .*\.even_again"

    with pytest.raises(DuplicateType, match=places):
        discover(module_with(even=even, again=even_again))
    with pytest.raises(DuplicateType, match=places):
        Registry([], [even, even_again])


def test_a_constraint_that_is_found_twice_is_one() -> None:
    module = module_with(even=even, same=even, MORE=(even,))

    assert [*discover(module, module).constraints] == ["test.even"]


def test_a_registry_needs_no_constraints() -> None:
    assert Registry([]).constraints == {}
    assert Registry([]).custom(NoCloud()) == {}


def test_the_constraints_of_the_house_are_found() -> None:
    assert {"ip_addr", "nova.flavor"} <= discover(engine.resources).constraints.keys()


def test_a_property_is_held_against_them() -> None:
    schemas = {"name": string("A box.", custom="test.box")}
    custom = Registry([], [box]).custom(FakeLookups({"box": {"red"}}))

    assert properties.resolve(schemas, {"name": "red"}, custom=custom).problems == ()
    assert [str(problem) for problem in properties.resolve(schemas, {"name": "blue"}, custom=custom).problems] == [
        "name: Error validating value 'blue': there is no such box"
    ]


def test_a_parameter_is_held_against_them() -> None:
    constraints = string("A box.", custom="test.box").constraints
    schemas = {"name": ParameterSchema("name", ParameterType.STRING, constraints=constraints)}
    custom = Registry([], [box]).custom(FakeLookups({"box": {"red"}}))
    problems = {
        given: parameters.resolve(schemas, parameters.Given({"name": given}), custom=custom)[1]
        for given in ("red", "blue")
    }

    assert problems["red"] == []
    assert [problem.summary for problem in problems["blue"]] == ["Error validating value 'blue': there is no such box"]
