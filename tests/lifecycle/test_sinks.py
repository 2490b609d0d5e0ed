"""Event sinks and notifications of a whole engine: everything is told, in order, and no walk waits for who is told."""

from __future__ import annotations

import base64
import json
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from isotherm.v1 import action_pb2, common_pb2, stack_pb2

from engine.config import Config, ConfigInvalid
from engine.model.ids import StackId
from engine.service import EngineService
from engine.store import events
from kit import databases, served, shelves
from kit.served import HOT, Served
from kit.shelves import Shelf

INNER = HOT + "resources: {deep: {type: OS::Heat::Value, properties: {value: 1}}}"
OUTER = HOT + "resources: {near: {type: OS::Heat::Value, properties: {value: 1}}, in: {type: inner.yaml}}"
FILES = {"inner.yaml": INNER}
KEY = base64.b64encode(databases.KEY).decode()


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with shelves.shelf("a") as shelf:
        yield shelf


def engine(folder: Path, **options: Any) -> AbstractContextManager[tuple[EngineService, Served]]:
    """Return an engine that knows the sinks of the kit; when it has stopped, it has told all that it had to tell."""
    return served.engine(folder, plugin_packages=("kit.shelves",), encryption_keys=(KEY,), **options)


def to(*shelves: str, **types: str) -> str:
    """Return an environment with sinks: on these shelves, and of a type by shelf."""
    sinks = {**dict.fromkeys(shelves, "shelf"), **types}
    return json.dumps({"event_sinks": [{"type": f"test-{type_}", "shelf": name} for name, type_ in sinks.items()]})


def create(client: Served, environment: str) -> common_pb2.StackIdentity:
    """Create a stack with a nested one, and wait until it has settled."""
    return client.create("outer", OUTER, files=FILES, environment=environment)


def on(shelf: Shelf) -> Mapping[str, list[str]]:
    """Return the ids of the events on a shelf by stack, in the order in which they came."""
    found: dict[str, list[str]] = defaultdict(list)
    for event in shelf.events:
        found[event["payload"]["stack_id"]].append(event["id"])
    return found


def happened(folder: Path, identity: common_pb2.StackIdentity) -> Mapping[str, list[str]]:
    """Return the ids of the events of a stack and of those nested in it, by stack, as they are stored."""
    found: dict[str, list[str]] = defaultdict(list)
    with databases.opened(f"sqlite:///{folder / 'isotherm.db'}") as db, db.read() as tx:
        for event in events.after(tx, root_id=StackId(identity.stack_id), position=0, limit=1000):
            found[event.stack_id].append(event.id)
    return found


def test_a_sink_gets_all_events_of_a_stack_and_of_what_is_nested_in_it_in_order(tmp_path: Path, shelf: Shelf) -> None:
    with engine(tmp_path) as (_, client):
        identity = create(client, to("a"))
        client.delete(identity)

    assert on(shelf) == happened(tmp_path, identity)
    assert len(on(shelf)) == 2
    ends = ("outer DELETE_COMPLETE", "near CREATE_COMPLETE", "in CREATE_COMPLETE", "deep CREATE_COMPLETE")
    assert {*ends} <= {*shelf.lines}


def test_an_update_that_names_another_sink_moves_all_there(tmp_path: Path, shelf: Shelf) -> None:
    with shelves.shelf("b") as other:
        with engine(tmp_path) as (_, client):
            identity = create(client, to("a"))
            before = [*shelf.until("outer CREATE_COMPLETE")]
            update = stack_pb2.UpdateStackRequest(
                stack_identity=identity, template=OUTER, files=FILES, environment=to("b")
            )
            client.call("UpdateStack", update)
            client.settle(identity)

        assert shelf.lines == before
        assert {line.split()[1] for line in other.lines} == {"UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"}
        assert len(on(other)) == 2, "the nested stack has them from its parent"


def test_a_sink_that_breaks_or_hangs_stops_neither_the_walk_nor_another_sink(tmp_path: Path, shelf: Shelf) -> None:
    with shelves.shelf("broken") as broken, shelves.shelf("stuck") as stuck:
        with engine(tmp_path) as (_, client):
            identity = create(client, to("a", broken="broken", stuck="hanging"))
            client.delete(identity)
            shelf.until("outer DELETE_COMPLETE")
            broken.until("outer DELETE_COMPLETE")

            assert len(stuck.events) == 1, "the walk was over while the sink still held the first event"
            stuck.gate.set()

        assert on(shelf) == on(broken) == on(stuck) == happened(tmp_path, identity)


def test_what_happens_while_the_engine_stops_is_told_too(tmp_path: Path, shelf: Shelf) -> None:
    with engine(tmp_path) as (_, client):
        request = stack_pb2.CreateStackRequest(stack_name="outer", template=OUTER, files=FILES, environment=to("a"))
        identity = client.call("CreateStack", request).stack_identity

    assert on(shelf) == happened(tmp_path, identity)
    assert shelf.lines[0] == "outer CREATE_IN_PROGRESS"


def test_a_sink_with_wrong_arguments_is_refused(tmp_path: Path) -> None:
    environment = '{"event_sinks": [{"type": "test-shelf", "shelv": "a"}, {"type": "zaqar-queue", "target": "q"}]}'
    with engine(tmp_path) as (_, client):
        request = stack_pb2.CreateStackRequest(stack_name="s", template=OUTER, files=FILES, environment=environment)
        refusal = client.refusal("CreateStack", request)

    assert refusal.reason == "INVALID_ENVIRONMENT"
    assert [field for field, _ in refusal.violations] == [
        "environment.event_sinks[0].shelv",
        "environment.event_sinks[0]",
        "environment.event_sinks[1].type",
    ]


def test_the_log_says_when_actions_on_stacks_begin_and_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), engine(tmp_path) as (_, client):
        identity = create(client, "")

    told = [record.getMessage().split(" ", 1) for record in caplog.records if record.name == "isotherm.notifications"]
    bodies = [json.loads(body) for _, body in told]
    mine = [kind for (kind, _), body in zip(told, bodies, strict=True) if body["stack_identity"] == identity.stack_id]
    assert mine == ["orchestration.stack.create.start", "orchestration.stack.create.end"]
    assert {body["stack_name"].split("-")[0] for body in bodies} == {"outer"}
    assert len(bodies) == 4, "the nested stack has two of its own"


def test_every_action_is_notified_as_it_begins_and_as_it_ends(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def thing(fails: bool) -> str:
        return f"{HOT}resources: {{it: {{type: OS::Heat::TestResource, properties: {{fail: {fails}}}}}}}"

    with caplog.at_level(logging.INFO), engine(tmp_path) as (_, client):
        identity = client.create("s", thing(False))
        for rpc in ("StackSuspend", "StackResume", "StackCheck"):
            client.call(rpc, getattr(action_pb2, f"{rpc}Request")(stack_identity=identity))
            client.settle(identity)
        client.call("UpdateStack", stack_pb2.UpdateStackRequest(stack_identity=identity, template=thing(True)))
        client.settle(identity)
        client.delete(identity)

    told = [record.getMessage().split(" ")[0] for record in caplog.records if record.name == "isotherm.notifications"]
    ends = {"create": "end", "suspend": "end", "resume": "end", "check": "end", "update": "error", "delete": "end"}
    assert told == [f"orchestration.stack.{action}.{when}" for action in ends for when in ("start", ends[action])]


def test_nobody_is_notified_where_the_operator_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), engine(tmp_path, notifications=()) as (_, client):
        create(client, '{"event_sinks": [{"type": "log"}]}')

    assert {record.name for record in caplog.records if record.name.startswith("isotherm")} == {"isotherm.events"}


def test_a_notifier_that_there_is_not_stops_the_start(tmp_path: Path) -> None:
    config = Config(database=databases.sqlite(tmp_path), notifications=("mail",))

    with pytest.raises(ConfigInvalid, match=r'notifications: there is no notifier "mail"; there are: log'):
        EngineService(config)
