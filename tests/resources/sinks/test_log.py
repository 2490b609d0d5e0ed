from __future__ import annotations

import json
import logging

import pytest

from engine.plugin.event_sink import as_message
from engine.resources.sinks.log import LogSink
from engine.schema.properties import PropertyValues
from kit import stored


def test_an_event_is_one_line_without_what_may_be_secret(caplog: pytest.LogCaptureFixture) -> None:
    event = stored.event(stored.stack(), "web\nserver", properties={"password": "hush"})
    with caplog.at_level(logging.INFO, logger="isotherm.events"):
        LogSink(PropertyValues({})).consume(as_message(event))

    (line,) = caplog.messages
    told = json.loads(line)
    assert "\n" not in line
    assert "hush" not in line
    assert (told["id"], told["payload"]["resource_name"]) == (event.id, "web\nserver")
