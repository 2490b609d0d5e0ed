from __future__ import annotations

import json
from pathlib import Path

import pytest
from isotherm.v1 import event_pb2, resource_pb2, stack_pb2, template_pb2

TEMPLATE = """\
heat_template_version: 2018-08-31
resources:
  first:
    type: OS::Heat::TestResource
  second:
    type: OS::Heat::TestResource
    properties: {fail: true}
"""
IDENTITY = {"tenant": "default", "stack_name": "web", "stack_id": "root-id"}


@pytest.fixture
def template(tmp_path: Path) -> Path:
    file = tmp_path / "web.yaml"
    file.write_text(TEMPLATE)
    return file


@pytest.fixture
def creating(engine, stack_in, happening):
    engine.answers["CreateStack"] = stack_pb2.CreateStackResponse(stack_identity=IDENTITY)
    engine.answers["ShowStack"] = stack_in("CREATE_COMPLETE")
    engine.events = [
        happening("web", "CREATE_IN_PROGRESS"),
        happening("first", "CREATE_IN_PROGRESS"),
        happening("first", "CREATE_COMPLETE"),
        happening("web", "CREATE_COMPLETE"),
    ]
    return engine


def test_away_from_a_terminal_each_event_is_a_line(creating, isotherm, template) -> None:
    result = isotherm("stack", "create", "web", "-t", str(template), "--wait")

    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "2027-01-15T08:00:01Z  CREATE_IN_PROGRESS  web  OS::Heat::Stack",
        "2027-01-15T08:00:02Z  CREATE_IN_PROGRESS  web/first  OS::Heat::TestResource",
        "2027-01-15T08:00:03Z  CREATE_COMPLETE  web/first  OS::Heat::TestResource  1.0 s",
        "2027-01-15T08:00:04Z  CREATE_COMPLETE  web  OS::Heat::Stack",
    ]


def test_with_json_standard_output_is_the_stack_alone(creating, isotherm, template) -> None:
    result = isotherm("stack", "create", "web", "-t", str(template), "--wait", "-o", "json")

    assert json.loads(result.stdout)["status"] == "CREATE_COMPLETE"
    assert "web/first" in result.stderr


def test_a_stream_that_breaks_goes_on_after_the_last_event(creating, isotherm, template) -> None:
    creating.breaks_after = 2

    result = isotherm("stack", "create", "web", "-t", str(template), "--wait")

    assert result.exit_code == 0, result.output
    assert [request.after_event_id for request in creating.asked["WatchEvents"]] == ["", "event-2"]
    assert result.stdout.count("web/first") == 2


def test_a_failure_ends_with_its_root_cause_and_the_line_of_the_template(
    creating, isotherm, template, stack_in, happening
) -> None:
    creating.answers["ShowStack"] = stack_in("CREATE_FAILED")
    creating.events[2:] = [
        happening("second", "CREATE_FAILED", reason="out of luck"),
        happening("first", "CREATE_FAILED", reason="CREATE aborted"),
        happening("web", "CREATE_FAILED", reason="Resource CREATE failed"),
    ]

    result = isotherm("stack", "create", "web", "-t", str(template), "--wait")

    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "Root cause:",
        f"  {template}, line 5: resources.second (OS::Heat::TestResource), CREATE_FAILED",
        "  out of luck",
        'Error: stack "web" is CREATE_FAILED',
    ]


def test_a_failed_create_whose_rollback_begins_is_not_over(creating, isotherm, template, stack_in, happening) -> None:
    creating.answers["ShowStack"] = [stack_in("ROLLBACK_IN_PROGRESS"), stack_in("ROLLBACK_COMPLETE")]
    creating.events[2:] = [
        happening("first", "CREATE_FAILED", reason="out of luck"),
        happening("web", "CREATE_FAILED"),
        happening("web", "ROLLBACK_IN_PROGRESS"),
        happening("first", "DELETE_COMPLETE"),
        happening("web", "ROLLBACK_COMPLETE"),
    ]

    result = isotherm("stack", "create", "web", "-t", str(template), "--wait", "--enable-rollback")

    assert result.exit_code == 1
    assert creating.asked["CreateStack"][0].disable_rollback is False
    assert "web/first  OS::Heat::TestResource" in result.stdout.splitlines()[-2]
    assert "out of luck" in result.stderr
    assert 'stack "web" is ROLLBACK_COMPLETE' in result.stderr


def test_patience_that_ends_is_exit_code_6(creating, isotherm, template) -> None:
    creating.events = creating.events[:2]

    result = isotherm("stack", "create", "web", "-t", str(template), "--wait-timeout", "0.3")

    assert result.exit_code == 6
    assert "not over after 0.3 seconds" in result.stderr


def test_an_update_is_watched_from_the_event_before_it(engine, isotherm, template, stack_in, happening) -> None:
    engine.events = [
        happening("web", "CREATE_COMPLETE"),
        happening("web", "UPDATE_IN_PROGRESS"),
        happening("web", "UPDATE_COMPLETE"),
    ]
    engine.answers |= {
        "IdentifyStack": stack_pb2.IdentifyStackResponse(stack_identity=IDENTITY),
        "ListEvents": event_pb2.ListEventsResponse(events=engine.events[:1], next_marker="event-1"),
        "UpdateStack": stack_pb2.UpdateStackResponse(stack_identity=IDENTITY),
        "ShowStack": stack_in("UPDATE_COMPLETE"),
    }

    result = isotherm("stack", "update", "web", "-t", str(template), "--wait")

    assert result.exit_code == 0, result.output
    assert engine.asked["WatchEvents"][0].after_event_id == "event-1"
    assert len(engine.asked["ListEvents"]) == 1
    assert result.stdout.count("\n") == 2


def test_a_delete_names_the_line_in_the_stored_template(engine, isotherm, stack_in, happening) -> None:
    engine.events = [
        happening("web", "DELETE_IN_PROGRESS"),
        happening("second", "DELETE_FAILED", reason="it clings"),
        happening("web", "DELETE_FAILED"),
    ]
    engine.answers |= {
        "IdentifyStack": stack_pb2.IdentifyStackResponse(stack_identity=IDENTITY),
        "ListEvents": event_pb2.ListEventsResponse(),
        "ListStackResources": resource_pb2.ListStackResourcesResponse(),
        "GetTemplate": template_pb2.GetTemplateResponse(template=TEMPLATE),
        "DeleteStack": stack_pb2.DeleteStackResponse(),
        "ShowStack": stack_in("DELETE_FAILED"),
    }

    result = isotherm("stack", "delete", "web", "--wait")

    assert result.exit_code == 1
    assert "  template, line 5: resources.second (OS::Heat::TestResource), DELETE_FAILED" in result.stderr


def test_an_interrupt_ends_the_waiting_and_says_that_the_stack_goes_on(
    creating, isotherm, template, monkeypatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.cli.drawing.Lines.event", interrupt)  # as Ctrl-C would at the first event

    result = isotherm("stack", "create", "web", "-t", str(template), "--wait")

    assert result.exit_code == 130
    assert 'stack "web" goes on' in result.stderr


def test_events_are_followed_until_an_interrupt(creating, isotherm, monkeypatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    creating.answers["IdentifyStack"] = stack_pb2.IdentifyStackResponse(stack_identity=IDENTITY)
    creating.breaks_after = 4
    monkeypatch.setattr("engine.cli.client.Client.reconnect", interrupt)  # as Ctrl-C would after the last event

    result = isotherm("stack", "events", "web", "--follow")

    assert result.stdout.count("\n") == 4
    assert result.exit_code == 130
