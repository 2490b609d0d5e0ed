"""The sink `log`: the events of a stack in the engine's own log, for stacks that somebody looks into."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any, Final

from engine.plugin import EventSink

log: Final = logging.getLogger("isotherm.events")


class LogSink(EventSink):
    """Writes each event to the logger isotherm.events, as one line of JSON.

    Without the properties: they may be secret, and who reads the log is not who created the stack.
    """

    type_name = "log"

    def consume(self, event: Mapping[str, Any]) -> None:
        """Write one line."""
        told = {name: value for name, value in event["payload"].items() if name != "resource_properties"}
        log.info("%s", json.dumps({**event, "payload": told}))
