"""What is wrong is told where it is, and makes nothing else wrong."""

from __future__ import annotations

import pytest

from kit.catalogue import problems_of, summaries_of


@pytest.mark.parametrize("condition", ["{equals: [1]}", "5"])
def test_a_condition_that_can_not_be_read_makes_nothing_else_wrong(condition: str) -> None:
    text = f"""
        conditions:
          c: {condition}
        resources:
          a: {{type: Test::Thing, condition: c, depends_on: nosuch}}
          b: {{type: Test::Thing, properties: {{name: {{get_attr: [a, value]}}}}}}
          d: {{type: Test::Thing, deletion_policy: {{if: [c, Retain, Delete]}}}}
        outputs:
          o: {{value: {{get_attr: [a, value]}}}}
        """

    assert [problem.path[:2] for problem in problems_of(text)] == [("conditions", "c"), ("resources", "a")]
    assert summaries_of(text)["resources.a.depends_on"].startswith('there is no resource "nosuch"')


def test_a_condition_in_place_that_can_not_be_read_makes_nothing_else_wrong() -> None:
    text = """
        resources:
          a: {type: Test::Thing, condition: {equals: [1]}}
          b: {type: Test::Thing, depends_on: a, properties: {name: {get_attr: [a, value]}}}
          c: {type: Test::Thing, deletion_policy: {if: [{equals: [1]}, Retain, Delete]}}
        """

    assert [problem.path[:3] for problem in problems_of(text)] == [
        ("resources", "a", "condition"),
        ("resources", "c", "deletion_policy"),
    ]


@pytest.mark.parametrize("keyword", ["deletion_policy", "external_id"])
def test_a_wrong_call_is_told_once(keyword: str) -> None:
    text = f"resources: {{a: {{type: Test::Thing, {keyword}: {{list_join: x}}}}}}"

    assert [problem.where() for problem in problems_of(text)] == [f"resources.a.{keyword}.list_join"]


def test_a_resource_whose_external_id_is_a_wrong_call_misses_no_property() -> None:
    inner = "heat_template_version: 2021-04-16\nparameters: {needed: {type: string}}"
    text = "resources: {a: {type: inner.yaml, external_id: {list_join: x}}}"

    assert {one.where() for one in problems_of(text, files={"inner.yaml": inner})} == {
        "resources.a.external_id",  # a template can't have one
        "resources.a.external_id.list_join",
    }
