from __future__ import annotations

from typing import Any

import grpc
import pytest
from isotherm.v1 import resource_type_pb2 as pb

from kit.served import Served


def names(served: Served, **fields: Any) -> list[str]:
    page = served.call("ListResourceTypes", pb.ListResourceTypesRequest(**fields))
    return [one.resource_type for one in page.resource_types]


def test_types_come_sorted_and_without_the_hidden(served: Served) -> None:
    found = names(served)

    assert found == sorted(found)
    assert {"OS::Heat::RandomString", "OS::Heat::Value", "OS::Heat::None"} <= set(found)
    assert "Isotherm::Template" not in found


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param("OS::Heat::Random", ["OS::Heat::RandomString"], id="the beginning"),
        pytest.param("OS::.*String$", ["OS::Heat::RandomString"], id="an expression"),
        pytest.param("(?i)os::heat::random", ["OS::Heat::RandomString"], id="with a flag"),
        pytest.param("None|OS::Heat::None", ["OS::Heat::None"], id="one of two"),
        pytest.param("Heat", [], id="the middle"),
        pytest.param("(", [], id="no expression"),
        pytest.param("(a+)+b", [], id="one that would take years"),
    ],
)
def test_names_that_begin_with(served: Served, pattern: str, expected: list[str]) -> None:
    assert names(served, type_name=pattern) == expected


def test_support_narrows_the_list(served: Served) -> None:
    assert "OS::Heat::RandomString" in names(served, support_status=pb.SUPPORT_LEVEL_SUPPORTED)
    assert names(served, support_status=pb.SUPPORT_LEVEL_HIDDEN) == []
    assert names(served, heat_version="1.0") == []
    unknown = pb.ListResourceTypesRequest(support_status=77)
    assert [field for field, _ in served.refusal("ListResourceTypes", unknown).violations] == ["support_status"]


def test_pages_follow_each_other(served: Served) -> None:
    everything = names(served)
    first = served.call("ListResourceTypes", pb.ListResourceTypesRequest(limit=2))
    rest = names(served, marker=first.next_marker)

    assert [one.resource_type for one in first.resource_types] + rest == everything
    assert served.call("ListResourceTypes").next_marker == ""


def test_descriptions_come_when_they_are_wanted(served: Served) -> None:
    plain = served.call("ListResourceTypes", pb.ListResourceTypesRequest())
    described = served.call("ListResourceTypes", pb.ListResourceTypesRequest(with_description=True))

    assert {one.description for one in plain.resource_types} == {""}
    assert all(one.description for one in described.resource_types)


def test_the_schema_of_a_type(served: Served) -> None:
    request = pb.ResourceSchemaRequest(type_name="OS::Heat::RandomString", with_description=True)

    schema = served.call("ResourceSchema", request)

    length = schema.properties["length"]
    assert (schema.resource_type, schema.support_status.status) == (
        "OS::Heat::RandomString",
        pb.SUPPORT_LEVEL_SUPPORTED,
    )
    assert schema.description
    assert (length.type, length.default.number_value, length.update_allowed) == ("integer", 32, False)
    (constraint,) = length.constraints
    assert (constraint.range.min.number_value, constraint.range.max.number_value) == (1, 512)
    item = schema.properties["character_classes"].schema["*"]
    assert item.type == "map"
    assert item.schema["class"].constraints[0].allowed_values.values[0].string_value == "lettersdigits"
    assert schema.attributes["value"].type == "string"
    assert schema.attributes["show"].type == "map"


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        pytest.param("", grpc.StatusCode.INVALID_ARGUMENT, "INVALID_RESOURCE_TYPE", id="no name"),
        pytest.param("OS::Heat::Nothing", grpc.StatusCode.NOT_FOUND, "RESOURCE_TYPE_NOT_FOUND", id="unknown"),
        pytest.param("Isotherm::Template", grpc.StatusCode.FAILED_PRECONDITION, "RESOURCE_TYPE_HIDDEN", id="hidden"),
    ],
)
def test_a_schema_that_is_not_to_be_had(served: Served, name: str, code: grpc.StatusCode, reason: str) -> None:
    refused = served.refusal("ResourceSchema", pb.ResourceSchemaRequest(type_name=name))

    assert (refused.code, refused.reason) == (code, reason)
