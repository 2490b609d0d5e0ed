"""`isotherm stack watch`: of a real engine what happens in it, and of a written one what no test can wait for."""

from __future__ import annotations

import json

import pytest
import yaml
from isotherm.v1 import event_pb2, stack_pb2

from engine.cli import waiting
from engine.cli.client import Client
from kit.houses import BROKEN, FILES, STREET
from kit.served import HOT

IDENTITY = {"tenant": "default", "stack_name": "web", "stack_id": "root-id"}
SLOW = f"{HOT}\nresources:\n  größe: {{type: OS::Heat::TestResource, properties: {{wait_secs: 0.3}}}}\n"


def states(text: str) -> list[tuple[str, str]]:
    """Return path and state of each line."""
    return [(line.split()[2], line.split()[1]) for line in text.splitlines()]


def test_a_stack_that_builds_is_followed_to_its_end(served, ask) -> None:
    served.call("CreateStack", stack_pb2.CreateStackRequest(stack_name="building", template=SLOW))

    result = ask("stack", "watch", "building")

    assert result.exit_code == 0
    assert states(result.stdout) == [
        ("building", "CREATE_IN_PROGRESS"),
        ("building/größe", "CREATE_IN_PROGRESS"),
        ("building/größe", "CREATE_COMPLETE"),
        ("building", "CREATE_COMPLETE"),
    ]


def test_a_stack_at_rest_tells_its_last_action_and_that_is_all(served, ask) -> None:
    identity = served.create("resting", SLOW)
    request = stack_pb2.UpdateStackRequest(stack_identity=identity, template=SLOW.replace("0.3", "0"))
    served.call("UpdateStack", request)
    served.settle(identity)

    result = ask("stack", "watch", "resting")

    assert result.exit_code == 0
    assert states(result.stdout)[0] == ("resting", "UPDATE_IN_PROGRESS")
    assert states(result.stdout)[-1] == ("resting", "UPDATE_COMPLETE")


def test_what_fails_deep_inside_is_told_with_its_place(served, ask) -> None:
    served.create("broken", STREET, files=FILES, parameters=BROKEN)

    result = ask("stack", "watch", "broken")

    assert result.exit_code == 1
    assert ("broken/right/door", "CREATE_FAILED") in states(result.stdout)
    assert result.stderr.splitlines() == [
        "Root cause:",
        "  house.yaml, line 8: resources.right.resources.door (OS::Heat::TestResource), CREATE_FAILED",
        "  ResourceFailed: resources.door: Test Resource failed door",
        'Error: stack "broken" is CREATE_FAILED',
    ]


def test_what_was_rolled_back_has_failed(served, ask) -> None:
    served.create("undone", STREET, files=FILES, parameters=BROKEN, disable_rollback=False)

    result = ask("stack", "watch", "undone")

    assert result.exit_code == 1
    assert states(result.stdout)[-1] == ("undone", "ROLLBACK_COMPLETE")
    assert "  resources.right.resources.door (OS::Heat::TestResource), CREATE_FAILED" in result.stderr.splitlines()


def test_a_watch_goes_on_after_any_event_and_sees_the_rest_once(served, ask) -> None:
    served.create("resumed", STREET, files=FILES)
    records = [json.loads(line) for line in ask("stack", "watch", "resumed", "-o", "json").stdout.splitlines()]

    rest = [
        ask("stack", "watch", "resumed", "-o", "json", "--after", records[number]["event_id"]).stdout
        for number in (0, len(records) // 2, len(records) - 1)
    ]

    seen = [[json.loads(line)["event_id"] for line in text.splitlines()] for text in rest]
    ids = [record["event_id"] for record in records]
    assert seen == [ids[1:], ids[len(ids) // 2 + 1 :], []]
    assert records[0]["path"] == "resumed"
    assert {record["path"] for record in records if record["resource_name"] == "wände"} == {
        "resumed/left/wände",
        "resumed/right/wände",
    }


def test_records_as_yaml_are_documents(served, ask) -> None:
    served.create("documents", SLOW)

    documents = list(yaml.safe_load_all(ask("stack", "watch", "documents", "-o", "yaml").stdout))

    assert [one["status"] for one in documents][-1] == "CREATE_COMPLETE"
    assert len(documents) == 4


def test_a_depth_leaves_out_what_lies_deeper(served, ask) -> None:
    served.create("shallow", STREET, files=FILES)

    result = ask("stack", "watch", "shallow", "--depth", "0")

    assert {path for path, _ in states(result.stdout)} == {
        "shallow",
        "shallow/ground",
        "shallow/left",
        "shallow/right",
        "shallow/lamp",
    }


def test_a_deleted_stack_tells_how_it_went(served, ask) -> None:
    identity = served.create("gone", SLOW)
    served.delete(identity)

    result = ask("stack", "watch", identity.stack_id)

    assert result.exit_code == 0
    assert states(result.stdout)[0] == ("gone", "DELETE_IN_PROGRESS")
    assert states(result.stdout)[-1] == ("gone", "DELETE_COMPLETE")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        pytest.param(["nobody"], "STACK_NOT_FOUND", id="no such stack"),
        pytest.param(["there", "--after", "nothing"], "EVENT_NOT_FOUND", id="no such event"),
    ],
)
def test_what_does_not_exist_is_exit_code_4(served, ask, arguments: list[str], reason: str) -> None:
    if "there" in arguments:
        served.create("there", SLOW)

    result = ask("stack", "watch", *arguments)

    assert result.exit_code == 4
    assert reason in result.stderr


def test_the_last_action_of_a_stack_begins_after_the_event_before_it(served) -> None:
    identity = served.create("twice", SLOW)
    client = Client(served.address, "default")
    first = waiting.beginning(client, identity)
    created = waiting.last_event(client, identity)
    request = stack_pb2.UpdateStackRequest(stack_identity=identity, template=SLOW.replace("0.3", "0"))
    served.call("UpdateStack", request)
    served.settle(identity)

    second = waiting.beginning(client, identity)
    client.close()

    assert (first, second) == ("", created)


@pytest.fixture
def at_rest(engine, stack_in, happening):
    """Return an engine with a stack that has come to rest."""
    engine.events = [
        happening("web", "CREATE_IN_PROGRESS"),
        happening("first", "CREATE_COMPLETE"),
        happening("web", "CREATE_COMPLETE"),
    ]
    engine.answers |= {
        "IdentifyStack": stack_pb2.IdentifyStackResponse(stack_identity=IDENTITY),
        "ListEvents": [
            event_pb2.ListEventsResponse(events=engine.events[-1:]),  # the newest
            event_pb2.ListEventsResponse(events=engine.events[:1]),  # with which the last action began
            event_pb2.ListEventsResponse(),  # nothing before it
        ],
        "ShowStack": stack_in("CREATE_COMPLETE"),
    }
    return engine


def test_a_watch_goes_on_when_the_engine_comes_back(at_rest, isotherm) -> None:
    at_rest.breaks_after = 1

    result = isotherm("stack", "watch", "web", "--after", "event-1")

    assert result.exit_code == 0, result.output
    assert [request.after_event_id for request in at_rest.asked["WatchEvents"]] == ["event-1", "event-2"]
    assert states(result.stdout) == [("web/first", "CREATE_COMPLETE"), ("web", "CREATE_COMPLETE")]


def test_one_that_follows_on_stops_for_an_interrupt_only_and_says_how_to_go_on(
    at_rest, isotherm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    at_rest.breaks_after = 3
    monkeypatch.setattr("engine.cli.client.Client.reconnect", interrupt)  # as Ctrl-C would after the last event

    result = isotherm("stack", "watch", "web", "--follow")

    assert result.exit_code == 130
    assert len(result.stdout.splitlines()) == 3
    assert result.stderr.splitlines() == [
        "Error: interrupted",
        "  to go on from here: isotherm stack watch web --after event-3",
    ]


def test_a_terminal_gets_the_tree(served, ask) -> None:
    served.create("drawn", STREET, files=FILES)

    result = ask("stack", "watch", "drawn", TTY_COMPATIBLE="1")

    assert result.exit_code == 0
    assert "10/10" in result.stdout
    assert "│  ✓ wände" in result.stdout
