"""`isotherm stack suspend|resume|check|cancel|rollback`: what the engine is asked, and what is waited for."""

from __future__ import annotations

import json

import pytest
from isotherm.v1 import action_pb2, event_pb2, stack_pb2, template_pb2

TEMPLATE = "heat_template_version: 2018-08-31\nresources:\n  first:\n    type: OS::Heat::TestResource\n"
IDENTITY = {"tenant": "default", "stack_name": "web", "stack_id": "root-id"}
CALLS = {
    "suspend": "StackSuspend",
    "resume": "StackResume",
    "check": "StackCheck",
    "cancel": "StackCancelUpdate",
    "rollback": "StackRollback",
}


@pytest.fixture
def acting(engine, stack_in):
    """Return an engine that does what it is asked."""
    engine.answers |= {rpc: getattr(action_pb2, f"{rpc}Response")() for rpc in CALLS.values()}
    engine.answers |= {
        "IdentifyStack": stack_pb2.IdentifyStackResponse(stack_identity=IDENTITY),
        "GetTemplate": template_pb2.GetTemplateResponse(template=TEMPLATE),
        "ShowStack": stack_in("CREATE_COMPLETE"),
    }
    return engine


@pytest.fixture
def watched(acting, happening, stack_in):
    """Return a function that tells the engine what happens after it is asked."""

    def tell(*states: str, resource: str = "") -> None:
        before = happening("web", "CREATE_COMPLETE")
        begun = happening("web", states[0])
        between = [happening("first", resource, reason="it is gone")] if resource else []
        acting.events = [before, begun, *between, *(happening("web", state) for state in states[1:])]
        acting.answers["ListEvents"] = [
            event_pb2.ListEventsResponse(events=[before]),
            event_pb2.ListEventsResponse(events=[begun]),
        ]
        acting.answers["ShowStack"] = stack_in(states[-1])

    return tell


@pytest.mark.parametrize(("verb", "rpc"), CALLS.items())
def test_a_verb_asks_for_its_action_and_prints_the_stack(acting, isotherm, verb: str, rpc: str) -> None:
    result = isotherm("stack", verb, "web", "-o", "json")
    (request,) = acting.asked[rpc]

    assert result.exit_code == 0, result.output
    assert request.stack_identity.stack_id == "root-id"
    assert request.request_id
    assert json.loads(result.stdout)["status"] == "CREATE_COMPLETE"
    assert "WatchEvents" not in acting.asked


@pytest.mark.parametrize(
    ("arguments", "rolls_back"), [pytest.param((), True, id="as a rule"), pytest.param(("--no-rollback",), False)]
)
def test_a_cancel_rolls_back_unless_told_not_to(acting, isotherm, arguments: tuple[str, ...], rolls_back: bool) -> None:
    isotherm("stack", "cancel", "web", *arguments)

    assert acting.asked["StackCancelUpdate"][0].cancel_with_rollback is rolls_back


def test_a_rollback_names_what_it_skips(acting, isotherm) -> None:
    isotherm("stack", "rollback", "web", "--skip", "a", "--skip", "b")

    assert list(acting.asked["StackRollback"][0].skip_resources) == ["a", "b"]


@pytest.mark.parametrize(
    ("verb", "action"),
    [
        ("suspend", "SUSPEND"),
        ("resume", "RESUME"),
        ("check", "CHECK"),
        ("cancel", "ROLLBACK"),
        ("rollback", "ROLLBACK"),
    ],
)
def test_what_was_asked_for_is_watched_to_its_end(acting, watched, isotherm, verb: str, action: str) -> None:
    watched(f"{action}_IN_PROGRESS", f"{action}_COMPLETE")

    result = isotherm("stack", verb, "web", "--wait")

    assert result.exit_code == 0, result.output
    assert [line.split()[1] for line in result.stdout.splitlines()] == [f"{action}_IN_PROGRESS", f"{action}_COMPLETE"]
    assert acting.asked["WatchEvents"][0].after_event_id == "event-1"


def test_a_failure_names_the_line_in_the_stored_template(watched, isotherm) -> None:
    watched("CHECK_IN_PROGRESS", "CHECK_FAILED", resource="CHECK_FAILED")

    result = isotherm("stack", "check", "web", "--wait")

    assert result.exit_code == 1
    assert "  template, line 3: resources.first (OS::Heat::TestResource), CHECK_FAILED" in result.stderr
    assert "it is gone" in result.stderr


def test_a_failed_rollback_names_no_line_of_a_template_that_it_does_not_lead_to(watched, isotherm) -> None:
    watched("ROLLBACK_IN_PROGRESS", "ROLLBACK_FAILED", resource="UPDATE_FAILED")

    result = isotherm("stack", "rollback", "web", "--wait")

    assert result.exit_code == 1
    assert "resources.first (OS::Heat::TestResource), UPDATE_FAILED" in result.stderr
    assert "line" not in result.stderr


def test_nothing_is_waited_for_when_nothing_begins(acting, isotherm, happening, stack_in) -> None:
    acting.answers["ListEvents"] = event_pb2.ListEventsResponse(events=[happening("web", "SUSPEND_COMPLETE")])
    acting.answers["ShowStack"] = stack_in("SUSPEND_COMPLETE")

    result = isotherm("stack", "suspend", "web", "--wait")

    assert result.exit_code == 0, result.output
    assert "SUSPEND_COMPLETE" in result.stdout
    assert "WatchEvents" not in acting.asked


def test_a_cancel_without_rollback_is_over_at_once(acting, isotherm, stack_in) -> None:
    acting.answers["ShowStack"] = stack_in("UPDATE_FAILED")

    result = isotherm("stack", "cancel", "web", "--no-rollback", "--wait")

    assert result.exit_code == 0, result.output
    assert "UPDATE_FAILED" in result.stdout
    assert "WatchEvents" not in acting.asked


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        pytest.param((), None, id="not said"),
        pytest.param(("--converge",), True, id="yes"),
        pytest.param(("--no-converge",), False, id="no"),
    ],
)
def test_an_update_says_whether_reality_is_looked_at(
    acting, isotherm, arguments: tuple[str, ...], asked: object
) -> None:
    acting.answers["UpdateStack"] = stack_pb2.UpdateStackResponse(stack_identity=IDENTITY)
    result = isotherm("stack", "update", "web", "--existing", *arguments)
    (request,) = acting.asked["UpdateStack"]

    assert result.exit_code == 0, result.output
    assert (request.converge if request.HasField("converge") else None) is asked
