"""What is told of a stack that failed: judged from values first, then asked of a real engine."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from isotherm.v1 import common_pb2, resource_pb2, stack_pb2

from engine.cli import failures, inventory, messages
from engine.cli.failures import Role
from engine.cli.inventory import Inventory
from engine.cli.progress import Progress, Seen
from kit.houses import BROKEN, FILES, STREET
from kit.served import HOT

BEGIN = datetime(2027, 1, 1, tzinfo=UTC)


def resource(name: str, state: str, *, stack: str = "root-id", nested: str = "", **fields: Any) -> dict[str, Any]:
    """Return a resource as the inventory has it."""
    action, _, status = state.partition("_")
    identity = common_pb2.StackIdentity(stack_name=stack, stack_id=stack)
    message = resource_pb2.Resource(
        resource_name=name,
        resource_type="T",
        stack_identity=identity,
        resource_action=common_pb2.ResourceAction.Value(f"RESOURCE_ACTION_{action}"),
        resource_status=common_pb2.Status.Value(f"STATUS_{status}"),
        nested_stack_id=common_pb2.StackIdentity(stack_name=nested, stack_id=nested) if nested else None,
        **fields,
    )
    return messages.of_resource(messages.plain(message))


def stack_of(state: str, *resources: dict[str, Any], reason: str = "why") -> Inventory:
    action, _, status = state.partition("_")
    message = stack_pb2.Stack(
        stack_name="web",
        stack_identity=common_pb2.StackIdentity(stack_name="web", stack_id="root-id"),
        stack_action=common_pb2.StackAction.Value(f"STACK_ACTION_{action}"),
        stack_status=common_pb2.Status.Value(f"STATUS_{status}"),
        stack_status_reason=reason,
    )
    return Inventory(messages.of_stack(messages.plain(message)), inventory.placed("root-id", resources))


def events(*told: tuple[str, str] | tuple[str, str, str]) -> Progress:
    """Return what was seen: (name, state), with a third text in the nested stack of that id; one a second."""
    progress = Progress("root-id", "web")
    for number, (name, state, *stack) in enumerate(told):
        action, _, status = state.partition("_")
        stack_id = stack[0] if stack else "root-id"
        is_stack, time = name == "web", BEGIN + timedelta(seconds=number)
        about = ("OS::Heat::Stack", "root-id") if is_stack else ("T", f"{name}-id")
        seen = Seen("e", stack_id, stack_id, name, about[0], action, status, f"seen {name}", about[1], time)
        progress.take(seen, 0.0)
    return progress


def told(found: Inventory, seen: Progress) -> list[tuple[Role, str, str | None]]:
    return [
        (one.role, "/".join(one.told.path), None if one.because_of is None else "/".join(one.because_of))
        for one in failures.findings(found, seen)
    ]


def test_what_is_well_tells_nothing() -> None:
    assert told(stack_of("CREATE_COMPLETE", resource("a", "CREATE_COMPLETE")), events()) == []


def test_the_deepest_failure_is_the_root_cause_and_what_holds_it_failed_because_of_it() -> None:
    found = stack_of(
        "CREATE_FAILED",
        resource("box", "CREATE_FAILED", nested="box-id"),
        resource("leaf", "CREATE_FAILED", stack="box-id"),
    )
    seen = events(("leaf", "CREATE_FAILED", "box-id"), ("box", "CREATE_FAILED"))

    assert told(found, seen) == [
        (Role.ROOT_CAUSE, "box/leaf", None),
        (Role.CONSEQUENCE, "box", "box/leaf"),
        (Role.CONSEQUENCE, "", "box/leaf"),
    ]


def test_of_failures_beside_each_other_the_first_is_the_root_cause() -> None:
    found = stack_of("CREATE_FAILED", resource("a", "CREATE_FAILED"), resource("b", "CREATE_FAILED"))

    assert told(found, events(("b", "CREATE_FAILED"), ("a", "CREATE_FAILED"))) == [
        (Role.ROOT_CAUSE, "b", None),
        (Role.CONSEQUENCE, "", "b"),
        (Role.FAILED_TOO, "a", None),
    ]


def test_what_waits_for_a_failure_is_not_reached_the_nearest_first() -> None:
    found = stack_of(
        "UPDATE_FAILED",
        resource("far", "CREATE_COMPLETE"),
        resource("near", "UPDATE_COMPLETE", required_by=["far"]),
        resource("a", "UPDATE_FAILED", required_by=["near", "far"]),
        resource("other", "CREATE_COMPLETE"),
    )

    assert told(found, events(("a", "UPDATE_FAILED")))[2:] == [
        (Role.NOT_REACHED, "near", "a"),
        (Role.NOT_REACHED, "far", "a"),
    ]


@pytest.mark.parametrize("action", ["DELETE", "SUSPEND"])
def test_an_action_that_begins_with_the_users_does_not_reach_what_they_use(action: str) -> None:
    found = stack_of(
        f"{action}_FAILED",
        resource("ground", "CREATE_COMPLETE", required_by=["house"]),
        resource("house", f"{action}_FAILED", required_by=["roof"]),
        resource("roof", f"{action}_COMPLETE"),
    )

    seen = events(("roof", f"{action}_COMPLETE"), ("house", f"{action}_FAILED"))

    assert told(found, seen)[2:] == [(Role.NOT_REACHED, "ground", "house")]


def test_a_check_reaches_everything_whatever_it_finds() -> None:
    found = stack_of("CHECK_FAILED", resource("a", "CHECK_FAILED", required_by=["b"]), resource("b", "CREATE_COMPLETE"))

    assert told(found, events(("a", "CHECK_FAILED")))[2:] == []


def test_what_a_walk_that_ended_never_came_to_is_not_reached() -> None:
    left_out = (resource("a", "CREATE_COMPLETE"), resource("b", "INIT_COMPLETE"))

    assert told(stack_of("CREATE_FAILED", *left_out, reason="Timed out"), events()) == [
        (Role.ROOT_CAUSE, "", None),
        (Role.NOT_REACHED, "b", None),
    ]
    assert told(stack_of("CREATE_IN_PROGRESS", *left_out), events()) == []


def test_while_it_goes_on_only_what_waits_for_a_failure_is_not_reached() -> None:
    found = stack_of(
        "CREATE_IN_PROGRESS",
        resource("a", "CREATE_FAILED", required_by=["b"]),
        resource("b", "INIT_COMPLETE"),
        resource("c", "INIT_COMPLETE"),
    )

    assert told(found, events(("a", "CREATE_FAILED"))) == [(Role.ROOT_CAUSE, "a", None), (Role.NOT_REACHED, "b", "a")]


def test_what_was_rolled_back_is_told_from_the_events() -> None:
    found = stack_of("ROLLBACK_COMPLETE", resource("a", "UPDATE_COMPLETE"))
    seen = events(("a", "UPDATE_FAILED"), ("web", "UPDATE_FAILED"), ("web", "ROLLBACK_IN_PROGRESS"))

    (finding,) = failures.findings(found, seen)

    assert (finding.role, finding.told.path, finding.told.reason) == (Role.ROOT_CAUSE, ("a",), "seen a")


def test_what_has_been_mended_since_does_not_count() -> None:
    found = stack_of("CHECK_COMPLETE", resource("a", "CHECK_COMPLETE"))

    assert told(found, events(("a", "CHECK_FAILED"), ("a", "CHECK_COMPLETE"))) == []


def test_an_old_resource_that_could_not_be_cleaned_away_counts_although_the_new_one_stands_well() -> None:
    found = stack_of("UPDATE_COMPLETE", resource("a", "CREATE_COMPLETE"))
    seen = events(("web", "UPDATE_IN_PROGRESS"), ("a", "CREATE_COMPLETE"), ("a", "DELETE_FAILED"))

    assert told(found, seen) == [(Role.ROOT_CAUSE, "a", None)]


def test_a_failure_from_before_the_last_action_counts_as_long_as_it_stands() -> None:
    found = stack_of(
        "SNAPSHOT_COMPLETE", resource("a", "UPDATE_FAILED", required_by=["b"]), resource("b", "CREATE_COMPLETE")
    )

    assert told(found, events()) == [(Role.ROOT_CAUSE, "a", None)]


def test_the_whole_reason_is_told_where_an_event_has_only_its_beginning() -> None:
    found = stack_of("CREATE_FAILED", resource("a", "CREATE_FAILED", resource_status_reason="long " * 100))

    assert failures.findings(found, events(("a", "CREATE_FAILED")))[0].told.reason == "long " * 100


def test_a_broken_house_in_a_street_is_told_in_order(served, ask) -> None:
    served.create("broken", STREET, files=FILES, parameters=BROKEN)

    result = ask("stack", "failures", "broken")

    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "Root cause:",
        "  house.yaml, line 8: resources.right.resources.door (OS::Heat::TestResource), CREATE_FAILED",
        "  ResourceFailed: resources.door: Test Resource failed door",
        "Failed because of it:",
        "  broken/right (house.yaml), CREATE_FAILED: "
        "ResourceFailed: resources.right.resources.door: Test Resource failed door",
        "  broken (OS::Heat::Stack), CREATE_FAILED: Resource CREATE failed: "
        "ResourceFailed: resources.right.resources.door: Test Resource failed door",
        "Not reached:",
        "  broken/right/roof (OS::Heat::TestResource), INIT_COMPLETE: after broken/right/door",
        "  broken/lamp (OS::Heat::Value), INIT_COMPLETE: after broken/right",
    ]


def test_programs_get_a_list_in_the_same_order(served, ask) -> None:
    served.create("broken-data", STREET, files=FILES, parameters=BROKEN)

    result = ask("stack", "failures", "broken-data", "-o", "json")

    rows = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [(row["role"], row["path"], row["status"]) for row in rows] == [
        ("root_cause", "broken-data/right/door", "CREATE_FAILED"),
        ("consequence", "broken-data/right", "CREATE_FAILED"),
        ("consequence", "broken-data", "CREATE_FAILED"),
        ("not_reached", "broken-data/right/roof", "INIT_COMPLETE"),
        ("not_reached", "broken-data/lamp", "INIT_COMPLETE"),
    ]


def test_a_create_that_was_rolled_back_still_tells_what_failed_in_stacks_that_are_gone(served, ask) -> None:
    served.create("undone", STREET, files=FILES, parameters=BROKEN, disable_rollback=False)

    result = ask("stack", "failures", "undone")

    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "Root cause:",
        "  resources.right.resources.door (OS::Heat::TestResource), CREATE_FAILED",
        "  ResourceFailed: resources.door: Test Resource failed door",
        "Failed because of it:",
        "  undone/right (house.yaml), CREATE_FAILED: "
        "ResourceFailed: resources.right.resources.door: Test Resource failed door",
        'Stack "undone" is ROLLBACK_COMPLETE.',
    ]


def test_an_update_that_came_well_makes_an_earlier_failure_forgotten(served, ask) -> None:
    identity = served.create("mended", STREET, files=FILES, parameters=BROKEN)
    request = stack_pb2.UpdateStackRequest(stack_identity=identity, existing=True, parameters={"broken": False})
    served.call("UpdateStack", request)
    served.settle(identity)

    result = ask("stack", "failures", "mended")

    assert (result.exit_code, result.stdout) == (0, 'nothing has failed in stack "mended", which is UPDATE_COMPLETE\n')


def test_a_failure_is_found_in_the_file_that_an_environment_maps_a_type_to(served, ask) -> None:
    template = STREET.replace("type: house.yaml", "type: My::House")
    environment = "resource_registry: {'My::House': house.yaml}"
    served.create("mapped", template, files=FILES, parameters=BROKEN, environment=environment)

    result = ask("stack", "failures", "mapped")

    assert "  house.yaml, line 8: resources.right.resources.door (OS::Heat::TestResource), CREATE_FAILED" in (
        result.stdout.splitlines()
    )


def test_a_name_that_is_no_ascii_is_told_as_it_is(served, ask) -> None:
    template = f"{HOT}\nresources:\n  größe: {{type: OS::Heat::TestResource, properties: {{fail: true}}}}\n"
    served.create("unicode", template)

    result = ask("stack", "failures", "unicode")

    assert "  template, line 4: resources.größe (OS::Heat::TestResource), CREATE_FAILED" in result.stdout


def test_a_deleted_stack_in_which_nothing_failed_says_so(served, ask) -> None:
    identity = served.create("deleted", STREET, files=FILES)
    served.delete(identity)

    result = ask("stack", "failures", identity.stack_id)

    assert (result.exit_code, result.stdout) == (0, 'nothing has failed in stack "deleted", which is DELETE_COMPLETE\n')


def test_a_stack_that_does_not_exist_is_exit_code_4(ask) -> None:
    assert ask("stack", "failures", "nobody").exit_code == 4
