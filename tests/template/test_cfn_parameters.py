from __future__ import annotations

from typing import Any

import pytest

from engine.model.errors import Code
from engine.schema.constraints import AllowedPattern, AllowedValues, Constraint, Length, Range
from engine.template import validate
from engine.template.declarations import ParameterType
from kit.cfn_templates import (
    in_both_formats,
    outputs_of,
    parsed,
    problems_of,
    summaries_of,
    target_of,
)


@pytest.mark.parametrize("name", ["p", "AWS::StackName", "AWS::Region"])
@in_both_formats
def test_a_parameter_and_a_resource_can_not_share_a_name(head: str, name: str) -> None:
    found = summaries_of(
        f"{head}Parameters: {{p: {{Type: String, Default: x}}}}\nResources: {{'{name}': {{Type: Test::Thing}}}}"
    )

    assert found == {f"Resources.{name}": f'a parameter has the name "{name}" too'}


@in_both_formats
def test_the_engine_sets_the_pseudo_parameters(head: str) -> None:
    built = target_of(
        head
        + "Outputs: {n: {Value: {Ref: 'AWS::StackName'}}, i: {Value: {Ref: 'AWS::StackId'}},"
        + " r: {Value: {Ref: 'AWS::Region'}}, o: {Value: {Ref: 'OS::stack_id'}}, a: {Value: {Ref: 'AWS::AccountId'}}}"
    )
    found = outputs_of(built)

    assert (found["n"], found["r"]) == ("web", "ap-southeast-1")
    assert found["i"] == "arn:openstack:heat::acme:stacks/web/11-22"
    assert 'there is no parameter "OS::stack_id"' in found["o"]
    assert 'there is no parameter "AWS::AccountId"' in found["a"]
    assert built.parameters.shown().keys() == {"AWS::StackName", "AWS::StackId", "AWS::Region"}


def test_pseudo_parameters_can_not_be_given() -> None:
    problems = problems_of("Resources: {}", env={"parameters": {"AWS::Region": "mars"}})

    assert [problem.code for problem in problems] == [Code.PARAMETER_UNKNOWN]
    assert "is set by the engine" in problems[0].summary


@pytest.mark.parametrize(
    ("entry", "kind", "given", "value", "constraints"),
    [
        pytest.param(
            "{Type: String, MinLength: 1, MaxLength: '4', AllowedValues: [a, 5], AllowedPattern: '[a5]'}",
            ParameterType.STRING,
            5,
            "5",
            (Length(1, 4), AllowedValues(("a", "5")), AllowedPattern("[a5]")),
            id="String",
        ),
        pytest.param(
            "{Type: Number, MinValue: '1', MaxValue: 2.5, AllowedValues: ['2'], ConstraintDescription: Two.}",
            ParameterType.NUMBER,
            "2",
            2,
            (Range(1, 2.5, "Two."), AllowedValues((2,), "Two.")),
            id="Number",
        ),
        pytest.param(
            "{Type: Boolean, AllowedValues: ['True', 'true']}",
            ParameterType.BOOLEAN,
            "yes",
            True,
            (AllowedValues((True, True)),),
            id="Boolean",
        ),
        pytest.param(
            "{Type: CommaDelimitedList, MaxLength: 2, AllowedValues: [a, b]}",
            ParameterType.LIST,
            "a,b",
            ["a", "b"],
            (Length(None, 2), AllowedValues(("a", "b"))),
            id="CommaDelimitedList",
        ),
        pytest.param(
            "{Type: Json, MinLength: 1}", ParameterType.JSON, '{"a": [1]}', {"a": [1]}, (Length(1, None),), id="Json"
        ),
    ],
)
@in_both_formats
def test_a_parameter_has_a_type_and_constraints(
    head: str, entry: str, kind: ParameterType, given: Any, value: Any, constraints: tuple[Constraint, ...]
) -> None:
    built = target_of(f"{head}Parameters: {{p: {entry}}}", env={"parameters": {"p": given}})
    schema = built.template.parameters["p"]

    assert (schema.type, schema.constraints) == (kind, constraints)
    assert built.parameters.values["p"] == value


@pytest.mark.parametrize(
    ("entry", "given"),
    [
        pytest.param("{Type: String, MinLength: 2}", "a", id="shorter"),
        pytest.param("{Type: String, MaxLength: 2}", "abc", id="longer"),
        pytest.param("{Type: String, AllowedValues: [a]}", "b", id="not allowed"),
        pytest.param("{Type: String, AllowedPattern: '[a-z]*'}", "a1", id="another pattern"),
        pytest.param("{Type: Number, MinValue: 2}", 1, id="smaller"),
        pytest.param("{Type: Number, MaxValue: 2}", "2.5", id="larger"),
        pytest.param("{Type: Number}", "two", id="no number"),
        pytest.param("{Type: Boolean}", "maybe", id="no boolean"),
        pytest.param("{Type: CommaDelimitedList, AllowedValues: [a]}", "a,b", id="an item that is not allowed"),
        pytest.param("{Type: CommaDelimitedList}", {"a": 1}, id="no list"),
        pytest.param("{Type: Json}", "junk", id="no JSON"),
        pytest.param("{Type: Json, MaxLength: 1}", {"a": 1, "b": 2}, id="more keys"),
    ],
)
def test_a_value_that_does_not_fit_is_a_problem(entry: str, given: Any) -> None:
    problems = problems_of(f"\nParameters:\n  p: {entry}\n", env={"parameters": {"p": given}})

    assert [(one.where(), one.line, one.code) for one in problems] == [
        ("Parameters.p", 4, Code.STACK_VALIDATION_FAILED)
    ]


@pytest.mark.parametrize(
    ("entry", "where", "expected"),
    [
        pytest.param("{}", "", "has to have a Type; known: String, Number", id="no type"),
        pytest.param("x", "", "a map with at least a Type", id="text"),
        pytest.param("{Type: string}", ".Type", "did you mean String?", id="type in small letters"),
        pytest.param("{Type: 'List<Number>'}", ".Type", "is not a type of parameter", id="a type of elsewhere"),
        pytest.param("{Type: [String]}", ".Type", "is not a type of parameter", id="a list of types"),
        pytest.param("{Type: String, Defualt: x}", ".Defualt", "did you mean Default", id="keyword"),
        pytest.param("{Type: String, hidden: true}", ".hidden", "is not a keyword", id="a keyword of HOT"),
        pytest.param("{Type: String, MinValue: 1}", ".MinValue", "of type String can't have MinValue", id="range"),
        pytest.param("{Type: Boolean, MaxValue: 1}", ".MaxValue", "Boolean can't have MaxValue", id="end"),
        pytest.param("{Type: Number, MinLength: 1}", ".MinLength", "Number can't have MinLength", id="length"),
        pytest.param(
            "{Type: Json, AllowedValues: [1]}", ".AllowedValues", "Json can't have AllowedValues", id="values"
        ),
        pytest.param(
            "{Type: CommaDelimitedList, AllowedPattern: a}",
            ".AllowedPattern",
            "CommaDelimitedList can't have AllowedPattern",
            id="pattern",
        ),
        pytest.param("{Type: String, MinLength: 1, MaxLength: x}", ".MaxLength", '"x" is not a number', id="a word"),
        pytest.param("{Type: String, MinLength: 1.5}", ".MinLength", "not a whole number", id="half"),
        pytest.param("{Type: String, AllowedValues: a}", ".AllowedValues", "has to be a list", id="no list"),
        pytest.param("{Type: String, AllowedPattern: '(a'}", ".AllowedPattern", "regular expression", id="no pattern"),
        pytest.param("{Type: Number, MaxValue: 5, Default: 9}", ".Default", "invalid default", id="default"),
        pytest.param("{Type: Number, MaxValue: 5, Default: x}", ".Default", "invalid default", id="default type"),
        pytest.param("{Type: String, AllowedValues: [a], Default: ''}", ".Default", "invalid default", id="empty"),
    ],
)
@in_both_formats
def test_a_parameter_is_a_problem(head: str, entry: str, where: str, expected: str) -> None:
    problems = parsed(f"{head}Parameters:\n  p: {entry}").problems

    assert [(one.where(), one.line, one.code) for one in problems] == [(f"Parameters.p{where}", 3, Code.INVALID_SCHEMA)]
    assert expected in problems[0].summary


def test_both_ends_of_a_bound_are_told_if_both_are_wrong() -> None:
    problems = parsed("Parameters: {p: {Type: Number, MinLength: 1, MaxLength: 2}}").problems

    assert [problem.where() for problem in problems] == ["Parameters.p.MinLength", "Parameters.p.MaxLength"]


@pytest.mark.parametrize(
    ("written", "hidden"),
    [("true", True), ("'TRUE'", True), ("'false'", False), ("false", False), ("", False), ("1", False)],
)
def test_no_echo_hides_the_value(written: str, hidden: bool) -> None:
    built = target_of(f"Parameters: {{p: {{Type: String, Default: secret, NoEcho: {written}}}}}")

    assert built.parameters.shown()["p"] == ("******" if hidden else "secret")


def test_a_value_that_is_missing_is_told_once() -> None:
    problems = problems_of("""
        Parameters: {p: {Type: String}, q: {Type: Number, Default: }}
        Resources: {a: {Type: Test::Thing, Properties: {name: {Ref: p}, size: {Ref: q}}}}
        """)

    assert [(one.where(), one.code) for one in problems] == [
        ("Parameters.p", Code.PARAMETER_MISSING),
        ("Parameters.q", Code.PARAMETER_MISSING),
    ]


def test_without_values_only_conditions_need_them() -> None:
    text = "Parameters: {p: {Type: String}}\nResources: {a: {Type: Test::Thing, Properties: {name: {Ref: p}}"
    conditional = f"{text}, Condition: {{'Fn::Equals': [{{Ref: p}}, x]}}"

    assert [one.code for one in problems_of(conditional + "}}", strict=False)] == [Code.PARAMETER_MISSING]
    assert list(target_of(text + "}}", strict=False).declarations) == ["a"]
    assert (
        "has neither a value nor a default"
        in summaries_of(conditional + "}}", strict=False)["Resources.a.Condition.Fn::Equals[0].Ref"]
    )


def test_the_report_on_a_template_speaks_of_its_parameters() -> None:
    built = target_of(
        """
        Parameters:
          p: {Type: Number, Default: 2, MinValue: 1, AllowedValues: [1, 2], ConstraintDescription: Few., Label: P}
          q: {Type: String, NoEcho: true, Description: Secret., AllowedPattern: a*}
        """,
        strict=False,
    )

    assert validate.parameters_of(built) == {
        "p": {
            "Type": "Number",
            "Description": "",
            "NoEcho": "false",
            "Label": "P",
            "Default": 2,
            "MinValue": 1,
            "AllowedValues": [1, 2],
            "ConstraintDescription": "Few. Few.",
        },
        "q": {"Type": "String", "Description": "Secret.", "NoEcho": "true", "Label": "q", "AllowedPattern": "a*"},
    }
