from __future__ import annotations

from typing import Any

import pytest

from engine.schema import constraints
from engine.schema.constraints import (
    AllowedPattern,
    AllowedValues,
    Constraint,
    CustomConstraint,
    Length,
    Modulo,
    Range,
)
from engine.schema.types import Kind


@pytest.mark.parametrize(
    ("constraint", "kind", "value"),
    [
        pytest.param(Range(1, 3), Kind.NUMBER, 3, id="the upper bound is inside"),
        pytest.param(Range(minimum=1), Kind.NUMBER, 10**9, id="no upper bound"),
        pytest.param(Length(maximum=3), Kind.STRING, "abc", id="characters"),
        pytest.param(Length(2, 2), Kind.MAP, {"a": 1, "b": 2}, id="keys"),
        pytest.param(Modulo(-3, -1), Kind.NUMBER, 2, id="the rest has the sign of the step"),
        pytest.param(AllowedValues(("1", "2")), Kind.NUMBER, 1, id="allowed values are converted"),
        pytest.param(AllowedValues(("a", "b")), Kind.LIST, [], id="an empty list"),
        pytest.param(AllowedPattern("[a-z]+"), Kind.STRING, "abc", id="pattern"),
    ],
)
def test_a_value_satisfies(constraint: Constraint, kind: Kind, value: Any) -> None:
    assert constraints.check(constraint, kind, value) is None


@pytest.mark.parametrize(
    ("constraint", "kind", "value", "text"),
    [
        pytest.param(Range(1, 3), Kind.NUMBER, 3.5, "3.5 is out of range (min: 1, max: 3)", id="range"),
        pytest.param(Length(maximum=2), Kind.STRING, "abc", "length (3) is out of range (max: 2)", id="length"),
        pytest.param(Modulo(2, 1), Kind.NUMBER, 4, "4 is not a multiple of 2 with an offset of 1", id="modulo"),
        pytest.param(
            AllowedValues(("a", "b")), Kind.STRING, "c", '"c" is not an allowed value ["a", "b"]', id="one of"
        ),
        pytest.param(
            AllowedValues(("a",)),
            Kind.LIST,
            ["a", "c"],
            '"c" is not an allowed value ["a"]',
            id="item of a list",
        ),
        pytest.param(AllowedPattern("a|ab"), Kind.STRING, "ab", '"ab" does not match pattern "a|ab"', id="first match"),
        pytest.param(Range(maximum=1, description="too big"), Kind.NUMBER, 2, "too big", id="own words"),
        pytest.param(
            CustomConstraint("x.y"), Kind.STRING, "v", "there is no custom constraint x.y", id="nobody to ask"
        ),
    ],
)
def test_a_violation_is_told(constraint: Constraint, kind: Kind, value: Any, text: str) -> None:
    found = constraints.check(constraint, kind, value)

    assert found is not None
    assert found.startswith(text)


def test_a_custom_constraint_is_asked_by_name() -> None:
    custom = {"even": lambda value: None if value % 2 == 0 else f"{value} is odd"}

    assert constraints.check(CustomConstraint("even"), Kind.INTEGER, 2, custom=custom) is None
    assert constraints.check(CustomConstraint("even"), Kind.INTEGER, 3, custom=custom) == "3 is odd"
