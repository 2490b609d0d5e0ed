"""A real engine in a process of its own, on a loopback port, and calls to it through the generated stubs.

Ended by its process id only. `kill` is kill -9: nothing is said goodbye to.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict, ParseDict
from isotherm.v1 import common_pb2, engine_service_pb2, engine_service_pb2_grpc, event_pb2

REPOSITORY = Path(__file__).parents[2]
PATIENCE = 60.0  # seconds until a test gives up waiting for an engine or for a stack


class EngineProcess:
    """`isotherm serve`, and a client of it."""

    def __init__(self, database: str, *, settings: Mapping[str, str] | None = None, python_path: str = "") -> None:
        self.database = database
        self._settings = settings or {}
        self._python_path = python_path
        self._process: subprocess.Popen[str] | None = None
        self._channel: grpc.Channel | None = None
        self.address = ""

    def __enter__(self) -> EngineProcess:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> EngineProcess:
        """Start the engine and wait for its ready line."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ISOTHERM_")}
        environment |= {f"ISOTHERM_{name.upper()}": value for name, value in self._settings.items()}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(REPOSITORY / "tests"), self._python_path]))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "engine", "serve", "--listen", "127.0.0.1:0", "--database", self.database],
            cwd=REPOSITORY,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        ready = self._process.stdout.readline()
        if not ready.startswith("isotherm ready on "):
            self.kill()
            raise AssertionError(f"the engine did not start; it said {ready!r}")
        self.address = ready.split()[3]
        self._channel = grpc.insecure_channel(self.address)
        return self

    def stop(self) -> int:
        """Ask the engine to stop, and return its exit status."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        return self._end()

    def kill(self) -> None:
        """End the engine as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._end()

    def _end(self) -> int:
        assert self._process is not None
        if self._channel is not None:
            self._channel.close()
        status = self._process.wait(PATIENCE)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None
        return status

    @property
    def channel(self) -> grpc.Channel:
        assert self._channel is not None
        return self._channel

    @property
    def stub(self) -> engine_service_pb2_grpc.EngineServiceStub:
        return engine_service_pb2_grpc.EngineServiceStub(self.channel)

    def call(self, method: str, request: Mapping[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        """Call an RPC with JSON, as grpcurl does, and return the answer as JSON with the names of the proto file."""
        described = engine_service_pb2.DESCRIPTOR.services_by_name["EngineService"].methods_by_name[method]
        message = ParseDict({**(request or {}), **fields}, described.input_type._concrete_class())
        answer = getattr(self.stub, method)(message, timeout=PATIENCE)
        return MessageToDict(answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)

    def create(self, name: str, template: str, **fields: Any) -> str:
        """Create a stack and return its id."""
        return self.call("CreateStack", stack_name=name, template=template, **fields)["stack_identity"]["stack_id"]

    def show(self, stack: str) -> dict[str, Any]:
        """Return a stack, by name or id, with its state joined: `CREATE_COMPLETE`."""
        shown = self.call("ShowStack", stack_identity={"stack_name": stack})["stacks"][0]
        shown["state"] = f"{_plain(shown['stack_action'])}_{_plain(shown['stack_status'])}"
        return shown

    def watch(self, stack: str, timeout: float = PATIENCE) -> Iterator[event_pb2.Event]:
        """Yield the events of a stack from its first on."""
        request = {"stack_identity": {"stack_name": stack}}
        described = engine_service_pb2.DESCRIPTOR.services_by_name["EngineService"].methods_by_name["WatchEvents"]
        message = ParseDict(request, described.input_type._concrete_class())
        for answer in self.stub.WatchEvents(message, timeout=timeout):
            yield answer.event

    def settled(self, stack: str, timeout: float = PATIENCE) -> dict[str, Any]:
        """Wait until no action is under way on the stack, following its events, and return it."""
        while True:
            shown = self.show(stack)
            if not shown["state"].endswith("IN_PROGRESS"):
                return shown
            for event in self.watch(stack, timeout):
                of_the_stack = event.resource_type == "OS::Heat::Stack" and event.resource_name == shown["stack_name"]
                if of_the_stack and event.resource_status != common_pb2.STATUS_IN_PROGRESS:
                    break


def _plain(name: str) -> str:
    """Return the name of a state without the prefix of its enum."""
    return name.removeprefix("STACK_ACTION_").removeprefix("STATUS_").removeprefix("RESOURCE_ACTION_")
