from __future__ import annotations

import grpc
import pytest
from isotherm.v1 import common_pb2, output_pb2, resource_pb2, stack_pb2

from kit.served import HOT, Served

TEMPLATE = f"""{HOT}
description: Two texts.
parameters:
  size: {{type: number, default: 8}}
  secret: {{type: string, default: sesame, hidden: true}}
resources:
  text:
    type: OS::Heat::RandomString
    properties: {{length: {{get_param: size}}}}
  copy:
    type: OS::Heat::Value
    properties: {{value: {{get_attr: [text, value]}}}}
outputs:
  copied: {{value: {{get_attr: [copy, value]}}}}
  big: {{value: 9007199254740993, description: beyond a double}}
"""


def show(served: Served, identity: common_pb2.StackIdentity, **fields: object) -> stack_pb2.Stack:
    (stack,) = served.call("ShowStack", stack_pb2.ShowStackRequest(stack_identity=identity, **fields)).stacks
    return stack


def test_a_stack_is_shown_with_everything_about_it(served: Served) -> None:
    identity = served.create("shown", TEMPLATE, tags=["a", "b"], timeout_mins=5, parameters={"size": 6})

    stack = show(served, identity)

    assert stack.stack_identity == identity
    assert (stack.stack_action, stack.stack_status) == (common_pb2.STACK_ACTION_CREATE, common_pb2.STATUS_COMPLETE)
    assert stack.stack_status_reason == "Stack CREATE completed successfully"
    assert (stack.description, stack.template_description) == ("Two texts.", "Two texts.")
    assert dict(stack.parameters) == {
        "size": "6",
        "secret": "******",
        "OS::stack_name": "shown",
        "OS::stack_id": identity.stack_id,
        "OS::project_id": "default",
    }
    assert (sorted(stack.tags), stack.timeout_mins, stack.disable_rollback) == (["a", "b"], 5, True)
    assert stack.HasField("creation_time")
    assert not stack.HasField("updated_time")
    assert not stack.HasField("deletion_time")


def test_outputs_come_with_their_values(served: Served) -> None:
    outputs = {one.output_key: one for one in show(served, served.create("outputs", TEMPLATE)).outputs}

    assert len(outputs["copied"].output_value.string_value) == 8
    assert outputs["copied"].description == "No description given"
    assert outputs["big"].output_value.string_value == "9007199254740993"
    assert outputs["big"].description == "beyond a double"


def test_outputs_are_left_out_when_they_are_not_wanted(served: Served) -> None:
    identity = served.create("unresolved", TEMPLATE)

    assert show(served, identity, resolve_outputs=False).outputs == []


def test_one_output_is_shown_and_an_unknown_one_is_not_found(served: Served) -> None:
    identity = served.create("one-output", TEMPLATE)
    listed = served.call("ListOutputs", output_pb2.ListOutputsRequest(stack_identity=identity)).outputs
    big = output_pb2.ShowOutputRequest(stack_identity=identity, output_key="big")
    no_such = output_pb2.ShowOutputRequest(stack_identity=identity, output_key="small")

    assert [one.output_key for one in listed] == ["copied", "big"]
    assert not any(one.HasField("output_value") for one in listed)
    assert served.call("ShowOutput", big).output.output_value.string_value == "9007199254740993"
    assert served.refusal("ShowOutput", no_such).reason == "OUTPUT_NOT_FOUND"


def test_a_deleted_stack_is_shown_by_its_identity(served: Served) -> None:
    identity = served.create("deleted", TEMPLATE)
    served.delete(identity)

    stack = show(served, identity)

    assert (stack.stack_action, stack.stack_status) == (common_pb2.STACK_ACTION_DELETE, common_pb2.STATUS_COMPLETE)
    assert stack.HasField("deletion_time")
    assert stack.outputs == []


@pytest.mark.parametrize(
    "short",
    [
        pytest.param(lambda full: {"stack_name": full.stack_name}, id="name"),
        pytest.param(lambda full: {"stack_id": full.stack_id}, id="id"),
        pytest.param(lambda full: {"stack_name": full.stack_id}, id="id as name"),
    ],
)
def test_a_name_or_an_id_alone_is_enough(served: Served, short: object) -> None:
    full = served.call("IdentifyStack", stack_pb2.IdentifyStackRequest(stack_name="short"), x_project_id="default")
    assert callable(short)

    assert show(served, common_pb2.StackIdentity(**short(full.stack_identity))).stack_name == "short"


@pytest.fixture(autouse=True, scope="module")
def short(served: Served) -> None:
    served.create("short", HOT)


def test_a_call_about_a_stack_says_which(served: Served) -> None:
    refused = served.refusal("DeleteStack")

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert [field for field, _ in refused.violations] == ["stack_identity"]


def test_pages_follow_each_other(served: Served) -> None:
    for number in range(5):
        served.call(
            "CreateStack", stack_pb2.CreateStackRequest(stack_name=f"page-{number}", template=HOT), x_project_id="pages"
        )
    names: list[str] = []
    marker = ""
    for _ in range(3):
        request = stack_pb2.ListStacksRequest(limit=2, marker=marker, sort_keys=["stack_name"])
        page = served.call("ListStacks", request, x_project_id="pages")
        names += [stack.stack_name for stack in page.stacks]
        marker = page.next_marker

    assert names == [f"page-{number}" for number in range(5)]
    assert marker == ""
    assert served.call("CountStacks", x_project_id="pages").count == 5


def test_filters_narrow_a_list_and_its_count_alike(served: Served) -> None:
    filters = stack_pb2.StackFilters(stack_name=["page-1", "page-2"], stack_status=["CREATE_COMPLETE", "UPDATE_FAILED"])
    listed = stack_pb2.ListStacksRequest(filters=stack_pb2.StackFilters(name=["page-1"]))

    for stack in served.call("ListStacks", x_project_id="pages").stacks:
        served.settle(stack.stack_identity, x_project_id="pages")

    assert [one.stack_name for one in served.call("ListStacks", listed, x_project_id="pages").stacks] == ["page-1"]
    assert served.call("CountStacks", stack_pb2.CountStacksRequest(filters=filters), x_project_id="pages").count == 2


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        pytest.param(stack_pb2.ListStacksRequest(limit=-1), "limit", id="negative limit"),
        pytest.param(stack_pb2.ListStacksRequest(sort_dir=7), "sort_dir", id="no direction"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(
    served: Served, request_: stack_pb2.ListStacksRequest, field: str
) -> None:
    assert [named for named, _ in served.refusal("ListStacks", request_).violations] == [field]


def test_only_an_administrator_sees_all_projects(served: Served) -> None:
    everything = stack_pb2.ListStacksRequest(tenant_safe=False)

    assert served.refusal("ListStacks", everything, x_project_id="pages").reason == "FORBIDDEN"
    tenants = {stack.stack_identity.tenant for stack in served.call("ListStacks", everything).stacks}
    assert {"default", "pages"} <= tenants


def test_a_name_is_taken_once(served: Served) -> None:
    refused = served.refusal("CreateStack", stack_pb2.CreateStackRequest(stack_name="short", template=HOT))

    assert (refused.code, refused.reason) == (grpc.StatusCode.ALREADY_EXISTS, "STACK_EXISTS")
    assert refused.info.metadata["stack_name"] == "short"


def test_a_repeated_request_gets_the_first_answer(served: Served) -> None:
    request = stack_pb2.CreateStackRequest(stack_name="once", template=HOT, request_id="r-1")

    first, second = served.call("CreateStack", request), served.call("CreateStack", request)

    assert first == second


def test_every_problem_of_a_template_is_a_violation(served: Served) -> None:
    template = (
        f"{HOT}resources:\n  a:\n    type: OS::Heat::Nothing\n  b:\n    type: OS::Heat::None\n    depends_on: c\n"
    )

    refused = served.refusal("CreateStack", stack_pb2.CreateStackRequest(stack_name="bad", template=template))

    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [field for field, _ in refused.violations] == ["resources.a.type", "resources.b.depends_on"]
    assert [text.partition(":")[0] for _, text in refused.violations] == ["line 4", "line 7"]
    assert served.refusal("IdentifyStack", stack_pb2.IdentifyStackRequest(stack_name="bad")).reason == "STACK_NOT_FOUND"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({"adopt_stack_data": "{}"}, "FEATURE_DISABLED", id="adopt"),
        pytest.param({"files_container": "box"}, "NOT_YET_IMPLEMENTED", id="files in an object store"),
        pytest.param({"tags": ["a,b"]}, "INVALID_ARGUMENT", id="a tag with a comma"),
        pytest.param({"timeout_mins": -1}, "INVALID_ARGUMENT", id="a negative timeout"),
        pytest.param({"parameters": {"x": float("nan")}}, "INVALID_ARGUMENT", id="a parameter that is no number"),
    ],
)
def test_what_cannot_be_done_is_refused_and_not_left_out(
    served: Served, fields: dict[str, object], reason: str
) -> None:
    request = stack_pb2.CreateStackRequest(stack_name="refused", template=HOT, **fields)

    assert served.refusal("CreateStack", request).reason == reason


def update(served: Served, identity: common_pb2.StackIdentity, **fields: object) -> stack_pb2.Stack:
    served.call("UpdateStack", stack_pb2.UpdateStackRequest(stack_identity=identity, **fields))
    served.settle(identity)
    return show(served, identity)


@pytest.mark.parametrize(
    ("fields", "tags"),
    [
        pytest.param({"existing": True}, ["old"], id="laid over: kept"),
        pytest.param({"existing": True, "clear_tags": True}, [], id="laid over and cleared: none"),
        pytest.param({"existing": True, "tags": ["new"]}, ["new"], id="laid over with tags: these"),
        pytest.param({"template": HOT}, [], id="a whole declaration without tags: none"),
        pytest.param({"template": HOT, "tags": ["new"]}, ["new"], id="a whole declaration with tags: these"),
    ],
)
def test_tags_after_an_update(
    served: Served, fields: dict[str, object], tags: list[str], request: pytest.FixtureRequest
) -> None:
    identity = served.create(f"tags-{abs(hash(request.node.name))}", HOT, tags=["old"], timeout_mins=7)

    stack = update(served, identity, **fields)

    assert (stack.tags, stack.timeout_mins) == (tags, 7)
    assert stack.stack_action == common_pb2.STACK_ACTION_UPDATE
    assert stack.HasField("updated_time")


def test_an_update_is_previewed_and_nothing_happens(served: Served) -> None:
    identity = served.create("previewed", TEMPLATE)
    request = stack_pb2.PreviewUpdateStackRequest(stack_identity=identity, existing=True, parameters={"size": 9})

    preview = served.call("PreviewUpdateStack", request)

    assert [one.resource_name for one in preview.replaced] == ["text"]
    assert [one.resource_name for one in (*preview.unchanged, *preview.added, *preview.deleted)] == []
    assert show(served, identity).stack_action == common_pb2.STACK_ACTION_CREATE


def test_a_preview_of_an_update_tells_each_property_with_its_values(served: Served) -> None:
    identity = served.create("compared", TEMPLATE)
    request = stack_pb2.PreviewUpdateStackRequest(stack_identity=identity, existing=True, parameters={"size": 9})

    preview = served.call("PreviewUpdateStack", request)

    (length,) = preview.replaced[0].changes
    assert (length.property_name, length.before.number_value, length.after.number_value) == ("length", 8, 9)
    assert length.effect == resource_pb2.CHANGE_EFFECT_REPLACEMENT
    (copied,) = preview.updated[0].changes
    assert (len(copied.before.string_value), copied.HasField("after"), copied.after_is_unknown) == (8, False, True)
    assert preview.replaced[0].replaced_type == ""


def test_a_create_is_previewed_and_nothing_is_stored(served: Served) -> None:
    request = stack_pb2.PreviewStackRequest(stack_name="imagined", template=TEMPLATE)

    stack = served.call("PreviewStack", request).stack

    assert (stack.stack_identity.stack_id, stack.stack_action, stack.stack_status) == ("None", 0, 0)
    first, second = stack.resources
    assert (first.properties["length"], second.properties["value"]) == (8, None)
    assert (first.resource_action, first.HasField("creation_time")) == (0, False)
    assert served.call("CountStacks", stack_pb2.CountStacksRequest(filters={"name": ["imagined"]})).count == 0
