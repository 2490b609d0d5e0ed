from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from isotherm.v1 import common_pb2, resource_pb2

from kit.served import HOT, Served

OUTER = f"""{HOT}
resources:
  text:
    type: OS::Heat::RandomString
    description: A text.
    metadata: {{shelf: [1, {{row: 2.5}}]}}
    properties: {{length: 5}}
  box:
    type: box.yaml
    properties: {{content: {{get_resource: text}}}}
  last:
    type: OS::Heat::None
    depends_on: [box, text]
"""
BOX = f"""{HOT}
parameters:
  content: {{type: string}}
resources:
  inside:
    type: bag.yaml
  beside:
    type: OS::Heat::RandomString
outputs:
  told: {{value: {{get_param: content}}}}
"""
BAG = f"""{HOT}
resources:
  coin: {{type: OS::Heat::RandomString}}
"""


@pytest.fixture(scope="module")
def stack(served: Served) -> common_pb2.StackIdentity:
    return served.create("outer", OUTER, files={"box.yaml": BOX, "bag.yaml": BAG})


def listed(served: Served, stack: common_pb2.StackIdentity, **fields: Any) -> list[str]:
    request = resource_pb2.ListStackResourcesRequest(stack_identity=stack, **fields)
    return [one.resource_name for one in served.call("ListStackResources", request).resources]


def described(served: Served, stack: common_pb2.StackIdentity, name: str, **fields: Any) -> resource_pb2.Resource:
    request = resource_pb2.DescribeStackResourceRequest(stack_identity=stack, resource_name=name, **fields)
    resource: resource_pb2.Resource = served.call("DescribeStackResource", request).resource
    return resource


def test_a_resource_is_described_with_its_details(served: Served, stack: common_pb2.StackIdentity) -> None:
    text = described(served, stack, "text")

    assert (text.resource_type, text.description) == ("OS::Heat::RandomString", "A text.")
    assert text.resource_identity.path == "/resources/text"
    assert (text.stack_identity, text.stack_name) == (stack, "outer")
    assert text.physical_resource_id.startswith("outer-text-")
    assert (text.resource_action, text.resource_status) == (
        common_pb2.RESOURCE_ACTION_CREATE,
        common_pb2.STATUS_COMPLETE,
    )
    assert text.required_by == ["box", "last"]
    assert text.creation_time.seconds <= text.updated_time.seconds
    assert MessageToDict(text.metadata) == {"shelf": [1.0, {"row": 2.5}]}
    assert len(text.attributes["value"]) == 5


def test_attributes_can_be_asked_for_by_name_or_left_out(served: Served, stack: common_pb2.StackIdentity) -> None:
    named = described(served, stack, "text", with_attr=["other"])
    bare = described(served, stack, "text", without_attributes=True)

    assert set(named.attributes) == {"value", "other"}
    assert named.attributes["other"] is None
    assert not bare.HasField("attributes")
    assert bare.description == "A text."


def test_a_nested_stack_is_told_where_it_stands_for(served: Served, stack: common_pb2.StackIdentity) -> None:
    box = described(served, stack, "box")
    inside = described(served, box.nested_stack_id, "inside")

    assert box.attributes["told"] == described(served, stack, "text").attributes["value"]
    assert inside.parent_resource == "box"
    assert box.parent_resource == ""
    assert not described(served, stack, "text").HasField("nested_stack_id")


@pytest.mark.parametrize(
    ("depth", "names"),
    [
        pytest.param(0, ["text", "box", "last"], id="the stack alone"),
        pytest.param(1, ["text", "box", "last", "inside", "beside"], id="one level down"),
        pytest.param(2, ["text", "box", "last", "inside", "beside", "coin"], id="all"),
        pytest.param(9, ["text", "box", "last", "inside", "beside", "coin"], id="more than there is"),
    ],
)
def test_nested_resources_come_level_by_level(
    served: Served, stack: common_pb2.StackIdentity, depth: int, names: list[str]
) -> None:
    assert listed(served, stack, nested_depth=depth) == names


def test_a_nested_stack_is_listed_by_itself(served: Served, stack: common_pb2.StackIdentity) -> None:
    nested = described(served, stack, "box", without_attributes=True).nested_stack_id

    assert listed(served, nested, nested_depth=1) == ["inside", "beside", "coin"]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        pytest.param({"type": "Random"}, ["text", "beside", "coin"], id="part of the type"),
        pytest.param({"name": ["coin", "text"]}, ["text", "coin"], id="names, at every depth"),
        pytest.param({"status": ["CREATE_COMPLETE"], "name": ["box"]}, ["box"], id="a state"),
        pytest.param({"status": ["FAILED"]}, [], id="a status that none has"),
        pytest.param({"status": ["rubbish"]}, [], id="no status at all"),
        pytest.param({"action": ["UPDATE", "DELETE"]}, [], id="actions"),
        pytest.param({"physical_resource_id": ["nothing"]}, [], id="a physical id that none has"),
    ],
)
def test_filters(served: Served, stack: common_pb2.StackIdentity, filters: dict[str, Any], names: list[str]) -> None:
    assert listed(served, stack, nested_depth=2, filters=filters) == names


def test_pages_follow_each_other(served: Served, stack: common_pb2.StackIdentity) -> None:
    names: list[str] = []
    marker, pages = "", 0
    while marker or not pages:
        request = resource_pb2.ListStackResourcesRequest(stack_identity=stack, nested_depth=2, limit=4, marker=marker)
        page = served.call("ListStackResources", request)
        names += [one.resource_name for one in page.resources]
        marker, pages = page.next_marker, pages + 1

    assert (names, pages) == (["text", "box", "last", "inside", "beside", "coin"], 2)


def test_a_marker_that_is_none_is_refused(served: Served, stack: common_pb2.StackIdentity) -> None:
    request = resource_pb2.ListStackResourcesRequest(stack_identity=stack, marker="x")

    assert [field for field, _ in served.refusal("ListStackResources", request).violations] == ["marker"]


def test_a_negative_depth_is_refused(served: Served, stack: common_pb2.StackIdentity) -> None:
    request = resource_pb2.ListStackResourcesRequest(stack_identity=stack, nested_depth=-1)

    assert [field for field, _ in served.refusal("ListStackResources", request).violations] == ["nested_depth"]


def test_details_come_in_a_list_too(served: Served, stack: common_pb2.StackIdentity) -> None:
    plain = resource_pb2.ListStackResourcesRequest(stack_identity=stack)
    detailed = resource_pb2.ListStackResourcesRequest(stack_identity=stack, with_detail=True)

    assert not any(one.HasField("attributes") for one in served.call("ListStackResources", plain).resources)
    text, *_ = served.call("ListStackResources", detailed).resources
    assert text == described(served, stack, "text")


def test_resources_of_one_stack_are_described_together(served: Served, stack: common_pb2.StackIdentity) -> None:
    every = resource_pb2.DescribeStackResourcesRequest(stack_identity=stack)
    one = resource_pb2.DescribeStackResourcesRequest(stack_identity=stack, resource_name="box")
    none = resource_pb2.DescribeStackResourcesRequest(stack_identity=stack, resource_name="nothing")

    assert [it.resource_name for it in served.call("DescribeStackResources", every).resources] == [
        "text",
        "box",
        "last",
    ]
    assert served.call("DescribeStackResources", one).resources == [described(served, stack, "box")]
    assert served.call("DescribeStackResources", none).resources == []


@pytest.mark.parametrize("name", ["nothing", ""])
def test_what_the_stack_does_not_have_is_not_found(served: Served, stack: common_pb2.StackIdentity, name: str) -> None:
    request = resource_pb2.DescribeStackResourceRequest(stack_identity=stack, resource_name=name)

    assert served.refusal("DescribeStackResource", request).reason == "RESOURCE_NOT_FOUND"


def test_a_real_thing_leads_to_its_resource(served: Served, stack: common_pb2.StackIdentity) -> None:
    text = described(served, stack, "text")
    request = resource_pb2.FindPhysicalResourceRequest(physical_resource_id=text.physical_resource_id)

    assert served.call("FindPhysicalResource", request).resource_identity == text.resource_identity
    refused = served.refusal("FindPhysicalResource", request, x_project_id="blue")
    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "PHYSICAL_RESOURCE_NOT_FOUND")


def test_the_resources_of_a_deleted_stack_read_deleted(served: Served) -> None:
    identity = served.create("emptied", OUTER, files={"box.yaml": BOX, "bag.yaml": BAG})
    served.delete(identity)
    request = resource_pb2.ListStackResourcesRequest(stack_identity=identity, nested_depth=2, with_detail=True)

    resources = served.call("ListStackResources", request).resources

    assert [one.resource_name for one in resources] == ["text", "box", "last"]
    assert {(one.resource_action, one.resource_status) for one in resources} == {
        (common_pb2.RESOURCE_ACTION_DELETE, common_pb2.STATUS_COMPLETE)
    }
