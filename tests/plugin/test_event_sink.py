"""Event sinks: found by their type, made with their arguments, and told of events as plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest

import engine.resources
from engine.model.states import Action, Status
from engine.plugin import EventSink
from engine.plugin.event_sink import as_message
from engine.plugin.registry import DuplicateType, Registry, UnknownSink, discover
from engine.schema.properties import PropertyGroup, integer, string
from kit import stored


class Post(EventSink):
    """Posts each event."""

    type_name = "test.post"

    class Arguments(PropertyGroup):
        to = string("The address.", required=True)
        tries = integer("How often.", default=3)

    def consume(self, event: Mapping[str, Any]) -> None:
        pass


class OtherPost(EventSink):
    """Posts too."""

    type_name = "test.post"


class Nameless(EventSink):
    """A base of others."""


def module_with(**names: Any) -> ModuleType:
    """Return a module that looks as if it were this one."""
    module = ModuleType(__name__)
    vars(module).update(names)
    return module


def test_sinks_are_found_beside_the_types_and_have_their_arguments() -> None:
    found = discover(engine.resources, module_with(Post=Post, Nameless=Nameless)).sinks()

    assert {*found} == {"log", "test.post"}
    assert found["log"] == {}
    assert {*found["test.post"]} == {"to", "tries"}


def test_a_sink_is_made_with_its_arguments() -> None:
    sink = Registry([], [], [Post]).sink({"type": "test.post", "to": "x"})

    assert isinstance(sink, Post)
    assert (sink.arguments.to, sink.arguments.tries) == ("x", 3)


def test_a_type_that_is_there_no_more_is_told() -> None:
    with pytest.raises(UnknownSink, match=r"test\.post"):
        Registry([]).sink({"type": "test.post"})


def test_two_sinks_of_one_name_are_refused_with_both_places() -> None:
    with pytest.raises(DuplicateType, match=r"sink test\.post is declared twice: in .*\.Post and .*\.OtherPost"):
        Registry([], [], [Post, OtherPost])


def test_an_event_is_told_as_plain_data() -> None:
    owner = stored.stack(id="stack-1", name="web")
    event = stored.event(
        owner,
        "server",
        id="event-1",
        action=Action.UPDATE,
        status=Status.FAILED,
        reason="no more room",
        physical_id=None,
        properties={"size": 1},
    )
    message = as_message(event)

    assert json.loads(json.dumps(message)) == message
    assert message == {
        "timestamp": "2024-02-29T12:30:15.123456+00:00",
        "version": "0.1",
        "type": "os.heat.event",
        "id": "event-1",
        "payload": {
            "resource_name": "server",
            "physical_resource_id": None,
            "stack_id": "stack-1",
            "resource_action": "UPDATE",
            "resource_status": "FAILED",
            "resource_status_reason": "no more room",
            "resource_type": "OS::Heat::Value",
            "resource_properties": {"size": 1},
            "version": "0.1",
        },
    }
