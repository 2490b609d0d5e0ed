from __future__ import annotations

from dataclasses import replace

import pytest

from engine.model.errors import Code
from engine.schema.types import UNKNOWN
from engine.template import expressions, target
from engine.template.expressions import OutOfBudget
from engine.template.facts import Meter
from engine.template.scopes import WalkScope
from engine.template.target import NodeValue
from kit.cfn_templates import (
    AWS,
    HEAT,
    in_both_formats,
    outputs_of,
    problems_of,
    properties_of,
    summaries_of,
    target_of,
)

HOT = "heat_template_version: 2021-04-16\n"

WHOLE = """
    Description: All of it.
    Parameters:
      Stage: {Type: String, Default: test}
      Size: {Type: Number, Default: '3'}
    Mappings:
      Images: {test: {Name: small, Ports: [80]}, prod: {Name: large, Ports: [80, 443]}}
    Conditions:
      IsProd: {'Fn::Equals': [{Ref: Stage}, prod]}
      IsTest: {'Fn::Not': [IsProd]}
    Resources:
      Disk:
        Type: Test::Disk
        Description: Where data stays.
        DeletionPolicy: Snapshot
        Condition: IsProd
      Server:
        Type: Test::Thing
        Metadata: {Stage: {Ref: Stage}, Stack: {Ref: 'AWS::StackName'}}
        DependsOn: [Disk, Key]
        DeletionPolicy: Retain
        Properties:
          name: {'Fn::Join': ['-', [{Ref: 'AWS::StackName'}, {'Fn::FindInMap': [Images, {Ref: Stage}, Name]}]]}
          size: {'Fn::If': [IsProd, 9, {Ref: Size}]}
          tags: {'Fn::Split': [',', 'a,b']}
      Key:
        Type: Test::Anything
        Properties: {For: {'Fn::If': [IsTest, {'Fn::GetAtt': [Address, value]}, none]}}
        UpdatePolicy: {Pause: 1}
      Address: {Type: Test::Thing, DependsOn: Disk, Condition: IsTest}
    Outputs:
      Where: {Value: {'Fn::GetAtt': [Server, data]}, Description: Its place.}
      Which: {Value: {Ref: Disk}, Condition: IsProd}
      Ports: {Value: {'Fn::FindInMap': [Images, {Ref: Stage}, Ports]}}
      Nothing: {Value: }
    """


def test_a_template_has_every_section_and_keyword() -> None:
    built = target_of(WHOLE)
    server, key = built.declarations["Server"], built.declarations["Key"]

    assert built.template.description == "All of it."
    assert list(built.declarations) == ["Server", "Key", "Address"]
    assert (server.requires, server.deletion_policy) == ({"Key"}, "Retain")
    assert (key.requires, key.update_policy is None) == ({"Address"}, False)
    assert built.attributes_needed == {"Address": {("value", ())}, "Server": {("data", ())}}
    assert properties_of(built, "Server") == {
        "name": "web-small",
        "size": 3,
        "is_public": False,
        "tags": ["a", "b"],
        "rules": None,
    }
    assert target.evaluate_metadata(server, target.scope_of(built, {})) == {"Stage": "test", "Stack": "web"}
    assert outputs_of(built, {"Server": NodeValue("s", {"data": {"x": [1]}})}) == {
        "Where": {"x": [1]},
        "Which": None,
        "Ports": [80],
        "Nothing": None,
    }


def test_conditions_bring_other_resources_and_values() -> None:
    built = target_of(WHOLE, env={"parameters": {"Stage": "prod"}})

    assert list(built.declarations) == ["Disk", "Server", "Key"]
    assert built.declarations["Disk"].deletion_policy == "Snapshot"
    assert built.declarations["Disk"].description == "Where data stays."
    assert built.declarations["Server"].requires == {"Disk", "Key"}
    assert properties_of(built, "Server")["size"] == 9
    assert properties_of(built, "Key") == {"For": "none"}
    assert outputs_of(built, {"Disk": NodeValue("d")})["Which"] == "d"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            '{"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"a": {"Type": "Test::Thing"}}}', id="JSON"
        ),
        pytest.param(
            '{"AWSTemplateFormatVersion": "2010-09-09",\n "Resources": {"a": {"Type": "Test::Thing",},},}', id="commas"
        ),
        pytest.param(
            "{'HeatTemplateFormatVersion': '2012-12-12', 'Resources': {'a': {'Type': 'Test::Thing'}}}", id="quotes"
        ),
        pytest.param(
            '{"AWSTemplateFormatVersion" : "2010-09-09",\r\n\t"Resources" : {"a": {"Type": "Test::Thing"}}}', id="tabs"
        ),
        pytest.param(
            '\ufeff{"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"a": {"Type": "Test::Thing"}}}', id="a mark"
        ),
        pytest.param(
            '\ufeff{"AWSTemplateFormatVersion": "2010-09-09",\n\t"Resources": {"a": {"Type": "Test::Thing"}}}',
            id="both",
        ),
    ],
)
def test_json_and_what_people_take_for_it_is_read(text: str) -> None:
    assert list(target_of(text).declarations) == ["a"]


def test_a_problem_in_json_has_its_line() -> None:
    text = '{"AWSTemplateFormatVersion": "2010-09-09",\n "Resources": {\n  "a": {"Type": "Test::Thng"}\n}}'

    assert [(one.line, one.where()) for one in problems_of(text)] == [(3, "Resources.a.Type")]


@in_both_formats
def test_a_template_may_have_nothing_in_it(head: str) -> None:
    template = target_of(head + "Parameters:\nMappings:\nResources:\nOutputs:\n").template

    assert (template.resources, template.outputs, template.description) == ({}, {}, "No description")


@pytest.mark.parametrize(
    ("text", "code", "path", "expected"),
    [
        pytest.param(
            HEAT + "Conditions: {}", Code.INVALID_TEMPLATE_SECTION, "Conditions", "version 2012-12-12", id="conditions"
        ),
        pytest.param("Metadata: {}", Code.INVALID_TEMPLATE_SECTION, "Metadata", "is not a section", id="metadata"),
        pytest.param(
            "resources: {}", Code.INVALID_TEMPLATE_SECTION, "resources", "did you mean Resources?", id="small letters"
        ),
        pytest.param("Output: {}", Code.INVALID_TEMPLATE_SECTION, "Output", "did you mean Outputs?", id="misspelt"),
        pytest.param(
            "parameter_groups: []", Code.INVALID_TEMPLATE_SECTION, "parameter_groups", "is not a section", id="groups"
        ),
        pytest.param(
            AWS + "heat_template_version: 5",
            Code.INVALID_TEMPLATE_SECTION,
            "heat_template_version",
            "is not a section",
            id="another family's version that is no text",
        ),
        pytest.param("Conditions:", Code.STACK_VALIDATION_FAILED, "Conditions", "and is null", id="no conditions"),
        pytest.param("Conditions: [a]", Code.STACK_VALIDATION_FAILED, "Conditions", "and is a list", id="a list"),
        pytest.param(
            "Conditions: {c: x}", Code.STACK_VALIDATION_FAILED, "Conditions.c", "is not true, false or", id="a name"
        ),
        pytest.param(
            "Conditions: {c: {Condition: d}, d: true}",
            Code.STACK_VALIDATION_FAILED,
            "Conditions.c",
            "a condition has to be",
            id="a condition by reference",
        ),
        pytest.param(
            "Conditions: {c: {'Fn::Equals': [{'Fn::Join': ['', [a]]}, a]}}",
            Code.STACK_VALIDATION_FAILED,
            "Conditions.c.Fn::Equals[0].Fn::Join",
            "can't be used in a condition",
            id="a function that conditions lack",
        ),
        pytest.param("Mappings: [a]", Code.STACK_VALIDATION_FAILED, "Mappings", "and is a list", id="mappings"),
        pytest.param("Mappings: {m: 5}", Code.STACK_VALIDATION_FAILED, "Mappings.m", "a map of maps", id="mapping"),
        pytest.param("Mappings: {m: {k: v}}", Code.STACK_VALIDATION_FAILED, "Mappings.m", "map of maps", id="a key"),
        pytest.param(
            "Mappings: {m: }\nResources: {a: {Type: Test::Anything, Properties: {x: {'Fn::FindInMap': [m, k, v]}}}}",
            Code.STACK_VALIDATION_FAILED,
            "Mappings.m",
            "a map of maps",
            id="null, and somebody reads it",
        ),
        pytest.param("Mappings: {m: }", Code.STACK_VALIDATION_FAILED, "Mappings.m", "a map of maps", id="null"),
        pytest.param("Resources: x", Code.STACK_VALIDATION_FAILED, "Resources", "and is a string", id="resources"),
        pytest.param(
            "Resources: {a: }", Code.STACK_VALIDATION_FAILED, "Resources.a", "and is null", id="an empty resource"
        ),
        pytest.param("Resources: {a: {}}", Code.STACK_VALIDATION_FAILED, "Resources.a.Type", "and is missing", id="t"),
        pytest.param("Resources: {a: {Type: ''}}", Code.STACK_VALIDATION_FAILED, "Resources.a.Type", 'is ""', id="''"),
        pytest.param(
            "Resources: {a: {Type: {Ref: b}}}", Code.STACK_VALIDATION_FAILED, "Resources.a.Type", "string", id="Ref"
        ),
        pytest.param("Resources: {5: {Type: T}}", Code.STACK_VALIDATION_FAILED, "Resources.5", "in quotes", id="5"),
        pytest.param("Outputs: [a]", Code.STACK_VALIDATION_FAILED, "Outputs", "and is a list", id="outputs"),
        pytest.param("Outputs: {o: x}", Code.STACK_VALIDATION_FAILED, "Outputs.o", "and is a string", id="an output"),
        pytest.param("Outputs: {o: {}}", Code.STACK_VALIDATION_FAILED, "Outputs.o", "have a Value", id="no value"),
        pytest.param("Parameters: [a]", Code.STACK_VALIDATION_FAILED, "Parameters", "and is a list", id="parameters"),
    ],
)
def test_a_structure_is_a_problem(text: str, code: Code, path: str, expected: str) -> None:
    found = problems_of(text)

    assert [(problem.where(), problem.code) for problem in found] == [(path, code)]
    assert expected in found[0].summary


def test_an_output_without_a_value_says_why_and_harms_nothing() -> None:
    built = target_of("""
        Outputs:
          lost: {Value: {Ref: nope}}
          unmapped: {Value: {'Fn::FindInMap': [m, k, v]}}
          junk: {Value: {'Fn::Select': ['0', junk]}, Export: {Name: x}}
          fine: {Value: {get_param: nope}}
        """)
    found = outputs_of(built)

    assert 'there is no resource "nope"' in found["lost"]
    assert 'there is no mapping "m"' in found["unmapped"]
    assert "is not JSON" in found["junk"]
    assert found["fine"] == {"get_param": "nope"}


def test_outputs_are_checked_for_attributes_and_forms_only() -> None:
    found = summaries_of("""
        Resources: {a: {Type: Test::Thing}}
        Outputs:
          o: {Value: {'Fn::GetAtt': [a, valeu]}}
          p: {Value: {'Fn::GetAtt': [b, value]}}
          q: {Value: {'Fn::Join': x}}
        """)

    assert list(found) == ["Outputs.o.Value.Fn::GetAtt", "Outputs.p.Value.Fn::GetAtt", "Outputs.q.Value.Fn::Join"]


@in_both_formats
@pytest.mark.parametrize("key", ["'2'", "2"])
def test_a_number_finds_its_name_in_a_mapping(head: str, key: str) -> None:
    built = target_of(f"""{head}
Parameters: {{n: {{Type: Number, Default: 2}}}}
Mappings: {{m: {{'1': {{x: one}}, {key}: {{x: two}}}}}}
Outputs: {{o: {{Value: {{'Fn::FindInMap': [m, {{Ref: n}}, x]}}}}, p: {{Value: {{'Fn::FindInMap': [m, '2', x]}}}}}}
""")

    assert outputs_of(built) == {"o": "two", "p": "two"}


@pytest.mark.parametrize(
    "value",
    [
        "{Ref: long}",
        "{'Fn::FindInMap': [m, k, v]}",
        "{'Fn::Join': [',', [abc, def]]}",
        "{'Fn::Split': [',', 'a,b']}",
        "{'Fn::Replace': [{a: b}, abcabc]}",
        "{'Fn::Select': ['0', '[1, 2, 3]']}",
        "{'Fn::MemberListToMap': [k, v, [.member.0.k=x]]}",
    ],
)
def test_what_functions_make_is_counted(value: str) -> None:
    built = target_of(f"""
        Parameters: {{long: {{Type: String, Default: {"x" * 2_000}}}}}
        Mappings: {{m: {{k: {{v: [1, 2]}}}}}}
        Outputs: {{o: {{Value: {value}}}}}
        """)
    scope = WalkScope(replace(built.facts, meter=Meter(allowance=5)), built.conditions, {}, {})

    with pytest.raises(OutOfBudget):
        expressions.evaluate(built.template.outputs["o"].value, scope)


def test_functions_in_mappings_are_data() -> None:
    built = target_of("""
        Mappings: {m: {k: {v: {Ref: nope}}}}
        Outputs: {o: {Value: {'Fn::FindInMap': [m, k, v]}}}
        """)

    assert outputs_of(built) == {"o": {"Ref": "nope"}}


CFN_CHILD = """HeatTemplateFormatVersion: 2012-12-12
Parameters:
  n: {Type: Number, MaxValue: 10}
  words: {Type: CommaDelimitedList, Default: a}
Resources:
  x:
    Type: Test::Thing
    Metadata: {'Fn::ResourceFacade': Metadata}
    DeletionPolicy: {'Fn::ResourceFacade': DeletionPolicy}
    Properties: {size: {Ref: n}, tags: {Ref: words}, name: {Ref: 'AWS::StackName'}}
Outputs:
  v: {Value: {'Fn::GetAtt': [x, value]}}
  r: {Value: {Ref: 'AWS::Region'}}
"""


HOT_CHILD = """heat_template_version: 2021-04-16
parameters: {n: {type: number, constraints: [{range: {max: 10}}]}, words: {type: comma_delimited_list, default: a}}
resources: {x: {type: Test::Thing, properties: {size: {get_param: n}}, metadata: {resource_facade: metadata}}}
outputs: {v: {value: {get_attr: [x, value]}}}
"""


HOT_PARENT = """heat_template_version: 2021-04-16
resources:
  a:
    type: child.template
    metadata: {role: db}
    deletion_policy: retain
    properties: {n: 3, words: [x, y]}
  b: {type: Test::Thing, properties: {name: {get_attr: [a, v]}}}
"""


CFN_PARENT = """AWSTemplateFormatVersion: 2010-09-09
Resources:
  a:
    Type: child.template
    Metadata: {role: db}
    DeletionPolicy: Retain
    Properties: {n: 3, words: 'x,y'}
  b: {Type: Test::Thing, Properties: {name: {'Fn::GetAtt': [a, v]}, tags: [{'Fn::GetAtt': [a, resource.x]}]}}
"""


@pytest.mark.parametrize("parent", [HOT_PARENT, CFN_PARENT], ids=["HOT", "CloudFormation"])
@pytest.mark.parametrize("child", [HOT_CHILD, CFN_CHILD], ids=["HOT", "CloudFormation"])
def test_templates_of_both_families_nest_in_each_other(parent: str, child: str) -> None:
    built = target_of(parent, files={"child.template": child})
    inner = built.nested["a"]

    assert built.declarations["b"].requires == {"a"}
    assert (inner.parameters.values["n"], inner.parameters.values["words"]) == (3, ["x", "y"])
    metadata = target.evaluate_metadata(inner.declarations["x"], target.scope_of(inner, {}))
    assert metadata == {"role": "db"}


def test_a_nested_template_reads_what_its_parent_says_and_where_it_is() -> None:
    inner = target_of(HOT_PARENT, files={"child.template": CFN_CHILD}).nested["a"]

    assert inner.declarations["x"].deletion_policy == "Retain"
    assert inner.parameters.values["AWS::Region"] == "ap-southeast-1"
    assert inner.parameters.values["AWS::StackName"] is UNKNOWN


@pytest.mark.parametrize(
    ("parent", "child", "expected"),
    [
        pytest.param(
            HOT_PARENT,
            CFN_CHILD.replace("size: ", "siez: "),
            "resources.a<child.template>.Resources.x.Properties.siez",
            id="CloudFormation in HOT",
        ),
        pytest.param(
            CFN_PARENT,
            HOT_CHILD.replace("size: ", "siez: "),
            "Resources.a<child.template>.resources.x.properties.siez",
            id="HOT in CloudFormation",
        ),
        pytest.param(CFN_PARENT.replace("n: 3", "n: 30"), CFN_CHILD, "Resources.a.Properties.n", id="a value outside"),
        pytest.param(CFN_PARENT.replace("n: 3, ", ""), CFN_CHILD, "Resources.a.Properties", id="a value that lacks"),
        pytest.param(
            HOT_PARENT,
            CFN_CHILD.replace("v: {", "v: {Export: {Name: x}, "),
            "resources.a<child.template>.Outputs.v.Export",
            id="a strange key of an output, which only a root may have",
        ),
    ],
)
def test_problems_of_nested_templates_have_paths_in_the_words_of_each(parent: str, child: str, expected: str) -> None:
    assert list(summaries_of(parent, files={"child.template": child})) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("AWSTemplateFormatVersion: 2012-12-12", "known: 2010-09-09", id="the version of the other"),
        pytest.param("HeatTemplateFormatVersion: 2013-05-23", "known: 2012-12-12", id="a version of HOT"),
        pytest.param("HeatTemplateFormatVersion: 20121212", "quote it", id="a number"),
        pytest.param(AWS + HEAT, "ambiguous", id="both"),
        pytest.param(AWS + HOT, "ambiguous", id="two families"),
    ],
)
def test_a_version_is_refused(text: str, expected: str) -> None:
    problems = problems_of(text)

    assert [problem.code for problem in problems] == [Code.INVALID_TEMPLATE_VERSION]
    assert expected in problems[0].summary


def test_the_key_of_the_other_format_is_a_section_that_means_nothing() -> None:
    assert target_of(AWS + "HeatTemplateFormatVersion: 5").template.dialect.version == "2010-09-09"
