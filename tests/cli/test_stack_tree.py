"""`isotherm stack tree`, against a real engine."""

from __future__ import annotations

import json

from isotherm.v1 import event_pb2, stack_pb2

from kit.houses import BROKEN, FILES, STREET


def test_nested_resources_stand_below_what_holds_them_and_failures_say_why(served, ask) -> None:
    served.create("broken-street", STREET, files=FILES, parameters=BROKEN)

    result = ask("stack", "tree", "broken-street")

    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert lines[0].startswith("✗ broken-street CREATE_FAILED OS::Heat::Stack")
    assert lines[0].endswith("Test Resource failed door")
    assert [line.partition(" OS::")[0].partition(" house.yaml")[0] for line in lines[1:]] == [
        "│ ✓ ground CREATE_COMPLETE",
        "│ ✓ left CREATE_COMPLETE",
        "│ │ ✓ wände CREATE_COMPLETE",
        "│ │ ✓ door CREATE_COMPLETE",
        "│ │ ✓ roof CREATE_COMPLETE",
        "│ ✗ right CREATE_FAILED",
        "│ │ ✓ wände CREATE_COMPLETE",
        "│ │ ✗ door CREATE_FAILED",
        "│ │ roof INIT_COMPLETE",
        "│ lamp INIT_COMPLETE",
    ]
    assert lines[8].endswith("OS::Heat::TestResource ResourceFailed: resources.door: Test Resource failed door")


def test_a_resource_shows_the_id_of_the_real_thing(served, ask) -> None:
    served.create("ids", STREET, files=FILES)
    rows = json.loads(ask("stack", "resources", "ids", "-o", "json").stdout)

    lines = ask("stack", "tree", "ids", "--depth", "0").stdout.splitlines()[1:]

    assert [line.split()[-1] for line in lines] == [row["physical_resource_id"] for row in rows]


def test_a_depth_leaves_out_what_lies_deeper(served, ask) -> None:
    served.create("flat-street", STREET, files=FILES)

    assert "wände" not in ask("stack", "tree", "flat-street", "--depth", "0").stdout
    assert "wände" in ask("stack", "tree", "flat-street", "--depth", "1").stdout


def test_programs_get_the_tree_as_a_tree(served, ask) -> None:
    served.create("data-street", STREET, files=FILES)

    stack = json.loads(ask("stack", "tree", "data-street", "-o", "json").stdout)

    assert (stack["stack_name"], stack["status"]) == ("data-street", "CREATE_COMPLETE")
    inside = {
        one["resource_name"]: [inner["resource_name"] for inner in one["resources"]] for one in stack["resources"]
    }
    assert inside == {"ground": [], "left": ["wände", "door", "roof"], "right": ["wände", "door", "roof"], "lamp": []}


def test_a_resource_that_waits_at_a_breakpoint_says_at_which(served, ask) -> None:
    environment = "resource_registry: {resources: {lamp: {hooks: pre-create}}}"
    request = stack_pb2.CreateStackRequest(
        stack_name="waiting-street", template=STREET, files=FILES, environment=environment
    )
    identity = served.call("CreateStack", request).stack_identity
    stream = served.call("WatchEvents", event_pb2.WatchEventsRequest(stack_identity=identity))
    while next(stream).event.resource_name != "lamp":
        pass
    stream.cancel()

    lines = ask("stack", "tree", "waiting-street").stdout.splitlines()

    assert lines[-1].split(maxsplit=4)[1:3] == ["lamp", "INIT_COMPLETE"]
    assert lines[-1].rstrip().endswith("waits at the hook pre-create")


def test_a_deleted_stack_is_shown_by_its_id(served, ask) -> None:
    identity = served.create("gone-street", STREET, files=FILES)
    served.delete(identity)

    result = ask("stack", "tree", identity.stack_id)

    assert result.exit_code == 0
    assert "gone-street" in result.stdout.splitlines()[0]
    assert "DELETE_COMPLETE" in result.stdout.splitlines()[1]


def test_a_stack_that_does_not_exist_is_exit_code_4(ask) -> None:
    result = ask("stack", "tree", "nobody")

    assert result.exit_code == 4
    assert "The stack (nobody) could not be found." in result.stderr
