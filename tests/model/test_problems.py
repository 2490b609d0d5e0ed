"""Problems as people read them."""

from __future__ import annotations

import pytest

from engine.model.errors import Code, TemplateInvalid
from engine.model.problems import Path, Problem, render_path, summarise


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param((), "", id="the document"),
        pytest.param(("resources",), "resources", id="one name"),
        pytest.param(
            ("resources", "web", "properties", "ports", 0, "port"),
            "resources.web.properties.ports[0].port",
            id="an index",
        ),
        pytest.param((0, 1), "[0][1]", id="indices only"),
    ],
)
def test_a_path_is_names_with_dots_and_indices_in_brackets(path: Path, text: str) -> None:
    assert render_path(path) == text


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        pytest.param(Problem((), "is empty"), "is empty", id="the document itself"),
        pytest.param(Problem(("a", 1), "is wrong"), "a[1]: is wrong", id="a path"),
        pytest.param(Problem(("a",), "is wrong", line=3), "line 3: a: is wrong", id="a line"),
        pytest.param(
            Problem(("a",), "is wrong", line=3, source="in.yaml"), "in.yaml: line 3: a: is wrong", id="a file"
        ),
    ],
)
def test_a_problem_says_where_before_it_says_what(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_a_problem_can_be_put_under_a_path_and_keeps_the_rest() -> None:
    problem = Problem(("size",), "is too small", line=7, code="INVALID_SCHEMA")

    assert problem.under("resources", "disk") == Problem(
        ("resources", "disk", "size"), "is too small", line=7, code="INVALID_SCHEMA"
    )
    assert problem.under() == problem


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "invalid"), (1, "a: no"), (2, "a: no (and 1 more problem)"), (4, "a: no (and 3 more problems)")],
)
def test_a_summary_is_the_first_problem_and_how_many_more(count: int, text: str) -> None:
    assert summarise([Problem(("a",), "no")] * count) == text


def test_the_error_of_many_problems_has_the_code_of_the_first_and_all_of_them() -> None:
    problems = [Problem(("a",), "no", code="PARAMETER_MISSING"), Problem(("b",), "neither")]
    error = TemplateInvalid(iter(problems))

    assert (error.code, error.problems) == (Code.PARAMETER_MISSING, tuple(problems))
    assert str(error) == "a: no (and 1 more problem)"
