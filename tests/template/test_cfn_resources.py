from __future__ import annotations

import pytest

from engine.model.errors import Code
from engine.template.target import NodeValue
from kit.cfn_templates import (
    HEAT,
    in_both_formats,
    outputs_of,
    problems_of,
    properties_of,
    summaries_of,
    target_of,
)


@pytest.mark.parametrize(
    ("entry", "path", "expected"),
    [
        pytest.param("Type: Test::Thng", "Type", "did you mean Test::Thing", id="a type"),
        pytest.param("Type: Test::Thing, Properties: ", "Properties", "and are null", id="no properties"),
        pytest.param("Type: Test::Thing, Properties: {Ref: p}", "Properties", "can't stand for all", id="all at once"),
        pytest.param("Type: Test::Thing, Properties: {siez: 1}", "Properties.siez", "did you mean size", id="name"),
        pytest.param("Type: Test::Thing, Properties: {size: 11}", "Properties.size", "out of range", id="value"),
        pytest.param("Type: Test::Thing, Metadata: x", "Metadata", "and is a string", id="metadata"),
        pytest.param(
            "Type: Test::Thing, Metadata: {m: {Ref: nope}}", "Metadata.m.Ref", "no resource", id="metadata refers"
        ),
        pytest.param("Type: Test::Thing, UpdatePolicy: [x]", "UpdatePolicy", "and is a list", id="update policy"),
        pytest.param("Type: Test::Thing, UpdatePolicy: {x: 1}", "UpdatePolicy.x", '"x"', id="in the update policy"),
        pytest.param("Type: Test::Thing, DependsOn: ", "DependsOn", "and is null", id="depends on null"),
        pytest.param("Type: Test::Thing, DependsOn: 5", "DependsOn", "and is 5", id="depends on a number"),
        pytest.param("Type: Test::Thing, DependsOn: [5]", "DependsOn", "and is [5]", id="depends on numbers"),
        pytest.param("Type: Test::Thing, DependsOn: {Ref: b}", "DependsOn", "list of names", id="depends on Ref"),
        pytest.param("Type: Test::Thing, DependsOn: bb", "DependsOn", "did you mean b?", id="depends on nothing"),
        pytest.param("Type: Test::Thing, DependsOn: [b, p]", "DependsOn[1]", 'no resource "p"', id="on a parameter"),
        pytest.param("Type: Test::Thing, DeletionPolicy: retain", "DeletionPolicy", "known: Delete", id="small"),
        pytest.param("Type: Test::Thing, DeletionPolicy: RETAIN", "DeletionPolicy", "known: Delete", id="capitals"),
        pytest.param("Type: Test::Thing, DeletionPolicy: Snapshot", "DeletionPolicy", "as a snapshot", id="snapshot"),
        pytest.param("Type: Test::Thing, DeletionPolicy: {Ref: p}", "DeletionPolicy", '"x" is not', id="Ref to it"),
        pytest.param("Type: Test::Thing, Description: [x]", "Description", "and is a list", id="description"),
        pytest.param(
            "Type: Test::Thing, Properties: {name: {Ref: bb}}", "Properties.name.Ref", "did you mean b?", id="Ref"
        ),
        pytest.param(
            "Type: Test::Thing, Properties: {name: {Ref: 'AWS::NoValue'}}",
            "Properties.name.Ref",
            'And there is no parameter "AWS::NoValue"',
            id="no value",
        ),
        pytest.param(
            "Type: Test::Thing, Properties: {name: {'Fn::GetAtt': [b, valeu]}}",
            "Properties.name.Fn::GetAtt",
            "did you mean value",
            id="attribute",
        ),
        pytest.param(
            "Type: Test::Thing, Properties: {tags: [x, {'Fn::GetAtt': b.value}]}",
            "Properties.tags[1].Fn::GetAtt",
            'write ["b", "value"]',
            id="attribute as text",
        ),
        pytest.param(
            "Type: Test::Thing, Properties: {name: {'Fn::FindInMap': [m, k, v]}}",
            "Properties.name.Fn::FindInMap",
            'no mapping "m"',
            id="mapping",
        ),
        pytest.param(
            "Type: Test::Anything, Properties: {x: {'Fn::ResourceFacade': Metadata}}",
            "Properties.x.Fn::ResourceFacade",
            "only a template that is used as a resource type",
            id="the facade of a root",
        ),
    ],
)
@in_both_formats
def test_a_resource_is_a_problem(head: str, entry: str, path: str, expected: str) -> None:
    text = (
        f"{head}Parameters: {{p: {{Type: String, Default: x}}}}\n"
        f"Resources:\n  b: {{Type: Test::Thing}}\n  a: {{{entry}}}"
    )
    found = problems_of(text)

    assert [(problem.where(), problem.line) for problem in found] == [(f"Resources.a.{path}", 5)]
    assert expected in found[0].summary


@in_both_formats
def test_strange_keywords_of_a_resource_are_passed_over(head: str) -> None:
    built = target_of(
        head + "Resources: {a: {Type: Test::Thing, Foo: {Ref: nope}, external_id: 5, Properties: {size: 2}}}"
    )

    assert properties_of(built, "a")["size"] == 2
    assert built.declarations["a"].external_id is None


def test_conditions_on_resources_and_outputs_mean_nothing_in_the_other_format() -> None:
    built = target_of(
        HEAT + "Resources: {a: {Type: Test::Thing, Condition: no}}\nOutputs: {o: {Value: 1, Condition: no}}"
    )

    assert list(built.declarations) == ["a"]
    assert outputs_of(built) == {"o": 1}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        pytest.param("c", True, id="a name"),
        pytest.param("false", False, id="a boolean"),
        pytest.param("{'Fn::Or': [d, {'Fn::Not': [{Ref: flag}]}]}", False, id="functions"),
        pytest.param("{'Fn::Equals': [{'Fn::FindInMap': [m, {Ref: key}, v]}, 1]}", True, id="a mapping"),
        pytest.param("{Ref: flag}", True, id="a boolean parameter"),
    ],
)
def test_a_condition_decides(condition: str, expected: bool) -> None:
    built = target_of(f"""
        Parameters: {{flag: {{Type: Boolean, Default: yes}}, key: {{Type: String, Default: k}}}}
        Mappings: {{m: {{k: {{v: 1}}}}}}
        Conditions: {{c: {{'Fn::And': [true, {{'Fn::Not': [d]}}]}}, d: false, unused: {{'Fn::Not': [unused]}}}}
        Resources: {{a: {{Type: Test::Thing, Condition: {condition}}}, b: {{Type: Test::Thing, DependsOn: a}}}}
        Outputs: {{o: {{Value: there, Condition: {condition}}}, p: {{Value: always, Condition: }}}}
        """)

    assert ("a" in built.declarations) is expected
    assert built.declarations["b"].requires == ({"a"} if expected else frozenset())
    assert outputs_of(built) == {"o": "there" if expected else None, "p": "always"}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        pytest.param("nope", 'there is no condition "nope"', id="a name that is not there"),
        pytest.param("", "has to be a string, a boolean", id="null"),
        pytest.param("5", "a condition has to be", id="a number"),
        pytest.param("{Condition: c}", "a condition has to be", id="a condition by reference"),
        pytest.param("circle", "in a circle: circle → circle", id="a circle"),
        pytest.param("text", "neither true nor false", id="text"),
        pytest.param("lost", 'there is no parameter "stag"; did you mean stage', id="a parameter that is misspelt"),
        pytest.param("unmapped", 'the mapping "m" has no "x"; it has k', id="a key that is not there"),
        pytest.param("resource", 'there is no parameter "b"', id="a resource"),
    ],
)
def test_a_condition_is_a_problem(condition: str, expected: str) -> None:
    found = summaries_of(f"""
        Parameters: {{stage: {{Type: String, Default: x}}}}
        Mappings: {{m: {{k: {{v: 1}}}}}}
        Conditions:
          circle: {{'Fn::Not': [circle]}}
          text: {{Ref: stage}}
          lost: {{'Fn::Equals': [{{Ref: stag}}, x]}}
          unmapped: {{'Fn::Equals': [{{'Fn::FindInMap': [m, x, v]}}, x]}}
          resource: {{'Fn::Equals': [{{Ref: b}}, x]}}
        Resources:
          a: {{Type: Test::Thing, Condition: {condition}}}
          b: {{Type: Test::Thing}}
        """)

    assert list(found) == ["Resources.a.Condition"]
    assert expected in found["Resources.a.Condition"]


def test_a_resource_that_is_not_there_can_not_be_referred_to() -> None:
    found = summaries_of("""
        Resources:
          gone: {Type: Nobody::Knows, Condition: false, Properties: {'Fn::GetAtt': x}}
          a: {Type: Test::Thing, Properties: {name: {Ref: gone}}}
          b: {Type: Test::Thing, Properties: {name: {'Fn::GetAtt': [gone, value]}}}
        """)

    assert list(found) == ["Resources.a.Properties.name.Ref", "Resources.b.Properties.name.Fn::GetAtt"]
    assert all("because its condition does not hold" in text for text in found.values())


def test_a_reference_that_leads_nowhere_has_a_code_of_its_own() -> None:
    problems = problems_of("""
        Conditions: {c: {'Fn::Equals': [{Ref: nope}, 1]}}
        Resources:
          a: {Type: Test::Thing, Properties: {name: {Ref: nope}}}
          b: {Type: Test::Thing, Condition: c}
        """)

    assert [problem.code for problem in problems] == [Code.INVALID_TEMPLATE_REFERENCE] * 2


@pytest.mark.parametrize(
    ("resources", "way"),
    [
        pytest.param("a: {Type: Test::Thing, Properties: {name: {Ref: a}}}", "a → a", id="itself"),
        pytest.param(
            "a: {Type: Test::Thing, Properties: {name: {Ref: b}}}\n  b: {Type: Test::Thing, DependsOn: a}",
            "a → b → a",
            id="Ref and DependsOn",
        ),
        pytest.param(
            "a: {Type: Test::Thing, Metadata: {x: {'Fn::GetAtt': [b, value]}}}\n"
            "  b: {Type: Test::Thing, Properties: {tags: {'Fn::Split': [',', {'Fn::GetAtt': [c, value]}]}}}\n"
            "  c: {Type: Test::Thing, DependsOn: [a]}",
            "a → b → c → a",
            id="GetAtt in metadata and in a function",
        ),
    ],
)
@in_both_formats
def test_resources_that_wait_for_each_other_are_a_problem(head: str, resources: str, way: str) -> None:
    problems = problems_of(f"{head}Resources:\n  {resources}")

    assert [(one.where(), one.code) for one in problems] == [("Resources.a", Code.CIRCULAR_DEPENDENCY)]
    assert problems[0].summary.endswith(way)


@in_both_formats
def test_references_are_waited_for_and_read_on_the_walk(head: str) -> None:
    built = target_of(f"""{head}
Resources:
  a: {{Type: Test::Thing}}
  b:
    Type: Test::Thing
    Properties:
      name: {{Ref: a}}
      size: {{'Fn::Select': [size, {{'Fn::GetAtt': [a, data]}}]}}
      tags: ['<', {{'Fn::Replace': [{{x: {{'Fn::GetAtt': [a, value]}}}}, xx]}}]
""")

    assert built.declarations["b"].requires == {"a"}
    assert not built.declarations["b"].is_settled
    assert built.attributes_needed == {"a": {("value", ()), ("data", ())}}
    values = {"a": NodeValue("id-a", {"value": "v", "data": {"size": 7}})}
    assert properties_of(built, "b", values) | {"rules": 0} == {
        "name": "id-a",
        "size": 7,
        "is_public": False,
        "tags": ["<", "vv"],
        "rules": 0,
    }
