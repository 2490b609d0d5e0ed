from __future__ import annotations

from typing import Any

import grpc
import pytest
import yaml
from google.protobuf.json_format import MessageToDict
from isotherm.v1 import common_pb2, stack_pb2, template_pb2

from kit.served import HOT, Served

TEMPLATE = f"""{HOT}# as it was written
description: Of many parameters.
parameter_groups:
  - label: Sizes
    parameters: [size]
parameters:
  size:
    type: number
    label: How long
    default: 8
    constraints:
      - range: {{min: 1, max: 20}}
        description: From 1 to 20.
  secret: {{type: string, hidden: true}}
  colour:
    type: string
    tags: [paint]
    constraints: [{{allowed_values: [red, blue]}}, {{length: {{max: 9}}}}, {{allowed_pattern: "[a-z]+"}}]
  count:
    type: number
    default: 3
    constraints: [{{modulo: {{step: 2, offset: 1}}}}]
resources:
  box:
    type: box.yaml
    properties: {{content: {{get_param: colour}}}}
"""
BOX = f"{HOT}description: A box.\nparameters:\n  content: {{type: string}}\n"
GIVEN = {"size": 9, "secret": "sesame", "colour": "red"}


def about(served: Served, **fields: Any) -> template_pb2.ValidateTemplateResponse:
    request = template_pb2.ValidateTemplateRequest(template=TEMPLATE, files={"box.yaml": BOX}, **fields)
    answer: template_pb2.ValidateTemplateResponse = served.call("ValidateTemplate", request)
    return answer


@pytest.fixture(scope="module")
def stack(served: Served) -> common_pb2.StackIdentity:
    return served.create("of-parameters", TEMPLATE, parameters=GIVEN, files={"box.yaml": BOX})


def test_a_template_comes_back_as_it_was_written(served: Served, stack: common_pb2.StackIdentity) -> None:
    request = template_pb2.GetTemplateRequest(stack_identity=stack)

    assert served.call("GetTemplate", request).template == TEMPLATE


def test_files_come_back_as_they_were_given(served: Served, stack: common_pb2.StackIdentity) -> None:
    assert dict(served.call("GetFiles", template_pb2.GetFilesRequest(stack_identity=stack)).files) == {"box.yaml": BOX}


def test_an_environment_hides_what_is_hidden(served: Served, stack: common_pb2.StackIdentity) -> None:
    request = template_pb2.GetEnvironmentRequest(stack_identity=stack)

    environment = MessageToDict(served.call("GetEnvironment", request).environment)

    assert environment["parameters"] == {"size": 9.0, "secret": "******", "colour": "red"}


def test_a_deleted_stack_still_has_its_template(served: Served) -> None:
    identity = served.create("left-behind", HOT)
    served.delete(identity)

    assert served.call("GetTemplate", template_pb2.GetTemplateRequest(stack_identity=identity)).template == HOT


def test_a_template_tells_what_it_wants(served: Served) -> None:
    answer = about(served, parameters={"size": 9, "secret": "sesame"})

    size, secret, colour, count = (answer.parameters[name] for name in ("size", "secret", "colour", "count"))
    assert answer.description == "Of many parameters."
    assert (size.type, size.label, size.no_echo) == ("Number", "How long", False)
    assert (size.default.number_value, size.value.number_value) == (8, 9)
    assert (size.min_value.number_value, size.max_value.number_value) == (1, 20)
    assert size.constraint_description == "From 1 to 20."
    assert (secret.no_echo, secret.label) == (True, "secret")
    assert "sesame" not in str(secret)
    assert not secret.HasField("default")
    assert [one.string_value for one in colour.allowed_values] == ["red", "blue"]
    assert (colour.max_length, colour.HasField("min_length")) == (9, False)
    assert (colour.allowed_pattern, colour.tags) == ("[a-z]+", ["paint"])
    assert (count.step.number_value, count.offset.number_value) == (2, 1)
    assert [(group.label, group.parameters) for group in answer.parameter_groups] == [("Sizes", ["size"])]
    assert not answer.nested_parameters


def test_nested_templates_are_told_of_when_asked(served: Served) -> None:
    nested = about(served, show_nested=True).nested_parameters["box"]

    assert (nested.type, nested.description) == ("box.yaml", "A box.")
    assert nested.parameters["content"].type == "String"
    assert not nested.parameters["content"].HasField("value")


def test_a_template_that_is_not_valid_is_refused_with_every_problem(served: Served) -> None:
    bad = f"{HOT}resources:\n  a: {{type: OS::Heat::Nothing}}\n  b:\n    type: OS::Heat::None\n    depends_on: c\n"

    refused = served.refusal("ValidateTemplate", template_pb2.ValidateTemplateRequest(template=bad))

    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [text.partition(":")[0] for _, text in refused.violations] == ["line 3", "line 6"]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="no template"),
        pytest.param({"template": HOT, "ignorable_errors": ["1"]}, id="a code that there is not"),
    ],
)
def test_a_validation_that_makes_no_sense_is_refused(served: Served, fields: dict[str, Any]) -> None:
    request = template_pb2.ValidateTemplateRequest(**fields)

    assert served.refusal("ValidateTemplate", request).reason == "INVALID_ARGUMENT"


def test_the_known_code_may_be_ignored(served: Served) -> None:
    assert about(served, ignorable_errors=["99001"]).description


def test_versions_come_with_their_aliases(served: Served) -> None:
    versions = {one.version: one for one in served.call("ListTemplateVersions").template_versions}

    assert list(versions) == sorted(versions)
    newest = versions["heat_template_version.2021-04-16"]
    assert (newest.type, newest.aliases) == (template_pb2.TEMPLATE_TYPE_HOT, ["heat_template_version.wallaby"])


def functions(served: Served, version: str, *, with_condition: bool = False) -> list[str]:
    request = template_pb2.ListTemplateFunctionsRequest(template_version=version, with_condition=with_condition)
    return [one.functions for one in served.call("ListTemplateFunctions", request).template_functions]


def test_functions_of_a_version(served: Served) -> None:
    plain = functions(served, "heat_template_version.2021-04-16")

    assert {"get_attr", "get_param", "str_replace"} <= set(plain)
    assert set(functions(served, "heat_template_version.wallaby", with_condition=True)) - set(plain) >= {
        "equals",
        "not",
    }
    assert "if" not in functions(served, "heat_template_version.2013-05-23")


def test_functions_of_no_version_are_not_found(served: Served) -> None:
    request = template_pb2.ListTemplateFunctionsRequest(template_version="heat_template_version.1999-01-01")

    assert served.refusal("ListTemplateFunctions", request).reason == "NOT_FOUND"


def generated(served: Served, type_name: str, **fields: Any) -> str:
    request = template_pb2.GenerateTemplateRequest(type_name=type_name, **fields)
    return str(served.call("GenerateTemplate", request).template)


@pytest.mark.parametrize(
    ("fields", "key", "version"),
    [
        pytest.param({}, "HeatTemplateFormatVersion", "2012-12-12", id="not told"),
        pytest.param(
            {"template_type": template_pb2.TEMPLATE_TYPE_CFN}, "HeatTemplateFormatVersion", "2012-12-12", id="CFN"
        ),
        pytest.param(
            {"template_type": template_pb2.TEMPLATE_TYPE_HOT}, "heat_template_version", "2016-10-14", id="HOT"
        ),
    ],
)
def test_a_template_is_generated_in_the_language_that_is_asked_for(
    served: Served, fields: dict[str, Any], key: str, version: str
) -> None:
    text = generated(served, "OS::Heat::RandomString", **fields)

    assert text.startswith(f"{key}: '{version}'\n")
    sections = {name.lower(): section for name, section in yaml.safe_load(text).items()}
    assert sections["description"] == "Initial template of RandomString"
    assert set(sections["parameters"]) == {"length", "character_classes", "character_sequences", "salt"}
    assert set(sections["resources"]) == {"RandomString"}
    assert set(sections["outputs"]) == {"value", "show", "OS::stack_id"}


def test_a_generated_template_makes_a_stack_as_it_is(served: Served) -> None:
    text = generated(served, "OS::Heat::RandomString", template_type=template_pb2.TEMPLATE_TYPE_HOT)

    identity = served.create("generated", text, parameters={"length": 7, "character_sequences": [], "salt": ""})

    (stack,) = served.call(
        "ShowStack", stack_pb2.ShowStackRequest(stack_identity=identity, resolve_outputs=True)
    ).stacks
    assert stack.stack_status == common_pb2.STATUS_COMPLETE
    outputs = {one.output_key: one.output_value.string_value for one in stack.outputs}
    assert len(outputs["value"]) == 7
    assert outputs["OS::stack_id"] == outputs["value"]


@pytest.mark.parametrize(
    ("fields", "code", "reason"),
    [
        pytest.param({}, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_RESOURCE_TYPE", id="no name"),
        pytest.param(
            {"type_name": "OS::Heat::Nothing"}, grpc.StatusCode.NOT_FOUND, "RESOURCE_TYPE_NOT_FOUND", id="unknown"
        ),
        pytest.param(
            {"type_name": "Isotherm::Template"},
            grpc.StatusCode.FAILED_PRECONDITION,
            "RESOURCE_TYPE_HIDDEN",
            id="hidden",
        ),
        pytest.param(
            {"type_name": "OS::Heat::None", "template_type": 3},
            grpc.StatusCode.INVALID_ARGUMENT,
            "INVALID_ARGUMENT",
            id="a language that there is not",
        ),
    ],
)
def test_a_template_that_can_not_be_generated(
    served: Served, fields: dict[str, Any], code: grpc.StatusCode, reason: str
) -> None:
    refused = served.refusal("GenerateTemplate", template_pb2.GenerateTemplateRequest(**fields))

    assert (refused.code, refused.reason) == (code, reason)


def test_a_language_that_there_is_not_is_named_by_its_field(served: Served) -> None:
    request = template_pb2.GenerateTemplateRequest(type_name="OS::Heat::None", template_type=3)

    refused = served.refusal("GenerateTemplate", request)

    assert [field for field, _ in refused.violations] == ["template_type"]
    assert "TEMPLATE_TYPE_HOT" in refused.message
