from __future__ import annotations

import json
from collections.abc import Iterator

import grpc
import pytest
from isotherm.v1 import common_pb2, stack_export_pb2, stack_pb2

from kit import served as engines
from kit.served import HOT, Served

TEMPLATE = f"""{HOT}
parameters:
  secret: {{type: string, hidden: true}}
resources:
  box: {{type: inner.yaml}}
  text: {{type: OS::Heat::RandomString, metadata: {{role: db}}}}
  big: {{type: OS::Heat::Value, properties: {{value: 9007199254740993}}}}
"""
INNER = f"{HOT}resources: {{x: {{type: OS::Heat::RandomString}}}}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("engine")
    with engines.engine(folder, enable_stack_abandon=True, enable_stack_adopt=True) as (_, client):
        yield client


def created(served: Served, name: str) -> common_pb2.StackIdentity:
    return served.create(name, TEMPLATE, parameters={"secret": "sesame"}, files={"inner.yaml": INNER}, tags=["blue"])


def export(served: Served, identity: common_pb2.StackIdentity) -> stack_export_pb2.ExportStackResponse:
    answer: stack_export_pb2.ExportStackResponse = served.call(
        "ExportStack", stack_export_pb2.ExportStackRequest(stack_identity=identity)
    )
    return answer


def test_an_export_tells_all_of_a_stack_and_of_what_is_in_it(served: Served) -> None:
    identity = created(served, "exported")
    stack = export(served, identity).stack

    assert (stack.name, stack.id, stack.project_id) == ("exported", identity.stack_id, "default")
    assert (stack.action, stack.status) == (common_pb2.STACK_ACTION_CREATE, common_pb2.STATUS_COMPLETE)
    assert (stack.template, dict(stack.files), list(stack.tags)) == (TEMPLATE, {"inner.yaml": INNER}, ["blue"])
    assert stack.environment["parameters"]["secret"] == "sesame"
    text, box = stack.resources["text"], stack.resources["box"]
    assert (text.name, text.type, text.metadata["role"]) == ("text", "OS::Heat::RandomString", "db")
    assert (text.action, text.status) == (common_pb2.RESOURCE_ACTION_CREATE, common_pb2.STATUS_COMPLETE)
    assert text.resource_id
    assert text.resource_data
    assert not text.HasField("stack")
    assert (box.name, box.resource_id, box.stack.template) == ("", "", INNER)
    assert list(box.stack.resources) == ["x"]


def test_the_text_is_the_same_data_exactly(served: Served) -> None:
    identity = created(served, "text")
    answer = export(served, identity)
    data = json.loads(answer.adopt_stack_data)

    assert set(data) == {
        *("name", "id", "action", "status", "environment", "files", "template", "resources"),
        *("project_id", "stack_user_project_id", "tags"),
    }
    assert data["resources"]["text"]["resource_id"] == answer.stack.resources["text"].resource_id
    assert data["resources"]["box"]["id"] == answer.stack.resources["box"].stack.id


def test_an_abandon_answers_as_an_export_and_a_repeated_one_again(served: Served) -> None:
    identity = created(served, "abandoned")
    exported = export(served, identity)
    request = stack_export_pb2.AbandonStackRequest(stack_identity=identity, request_id="once")
    answer = served.call("AbandonStack", request)
    served.settle(identity)

    assert (answer.stack, answer.adopt_stack_data) == (exported.stack, exported.adopt_stack_data)
    assert served.call("AbandonStack", request) == answer
    shown = stack_pb2.ShowStackRequest(stack_identity=identity)
    assert served.call("ShowStack", shown).stacks[0].stack_action == common_pb2.STACK_ACTION_DELETE


def test_what_was_exported_begins_to_be_adopted(served: Served) -> None:
    data = export(served, created(served, "given")).adopt_stack_data
    request = stack_pb2.CreateStackRequest(stack_name="taken", adopt_stack_data=data)
    identity = served.call("CreateStack", request).stack_identity

    shown = stack_pb2.ShowStackRequest(stack_identity=identity, resolve_outputs=False)
    (stack,) = served.call("ShowStack", shown).stacks
    assert stack.stack_action == common_pb2.STACK_ACTION_ADOPT
    assert dict(stack.parameters)["secret"] == "******"


def test_an_adopt_is_previewed(served: Served) -> None:
    data = export(served, created(served, "to-preview")).adopt_stack_data
    request = stack_pb2.PreviewStackRequest(stack_name="imagined", adopt_stack_data=data)

    resources = served.call("PreviewStack", request).stack.resources
    assert [one.resource_name for one in resources] == ["box", "text", "big"]


def test_data_that_are_none_are_refused(served: Served) -> None:
    request = stack_pb2.CreateStackRequest(stack_name="bad", template=HOT, adopt_stack_data="{resources: 5}")
    refused = served.refusal("CreateStack", request)

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert refused.message.startswith("Invalid adopt data: line 1: resources: this is a number")
    assert [field for field, _ in refused.violations] == ["adopt_stack_data"]


def test_without_the_switches_nothing_is_given_or_taken(tmp_path) -> None:
    with engines.engine(tmp_path) as (_, client):
        identity = common_pb2.StackIdentity(stack_name="nowhere")
        refusals = {
            "Stack Abandon": [
                client.refusal("ExportStack", stack_export_pb2.ExportStackRequest(stack_identity=identity)),
                client.refusal("AbandonStack", stack_export_pb2.AbandonStackRequest(stack_identity=identity)),
            ],
            "Stack Adopt": [
                client.refusal("CreateStack", stack_pb2.CreateStackRequest(stack_name="s", adopt_stack_data="{}")),
                client.refusal("PreviewStack", stack_pb2.PreviewStackRequest(stack_name="s", adopt_stack_data="{}")),
            ],
        }

    for feature, refused in refusals.items():
        for one in refused:
            assert (one.code, one.reason) == (grpc.StatusCode.UNIMPLEMENTED, "FEATURE_DISABLED")
            assert feature in one.message
