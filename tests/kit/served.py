"""A whole engine in this process, behind its API on a loopback port, and short words for calls to it.

Nothing here sleeps: whoever waits for a stack watches its events, as a client does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
from google.protobuf import message_factory
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status
from isotherm.v1 import common_pb2, engine_service_pb2, engine_service_pb2_grpc, event_pb2, stack_pb2

from engine.api.interceptors import DETAILS
from engine.config import Config
from engine.service import EngineService
from kit import databases

SERVICE = engine_service_pb2.DESCRIPTOR.services_by_name["EngineService"]
PATIENCE: Final = 20.0  # seconds
HOT: Final = "heat_template_version: 2021-04-16\n"


class Refused:
    """A call that failed, as its client sees it."""

    def __init__(self, error: Any) -> None:
        self.code: grpc.StatusCode = error.code()
        self.message: str = error.details()
        self.trailing: Mapping[str, Any] = dict(error.trailing_metadata())
        self.info = error_details_pb2.ErrorInfo()
        self.violations: list[tuple[str, str]] = []
        bad = error_details_pb2.BadRequest()
        for packed in Status.FromString(self.trailing[DETAILS]).details:
            packed.Unpack(self.info)
            if packed.Unpack(bad):
                self.violations = [(one.field, one.description) for one in bad.field_violations]

    @property
    def reason(self) -> str:
        """Return the reason that programs read."""
        return str(self.info.reason)


class Served:
    """A client of a server, as the project `default` unless a call says otherwise."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.channel = grpc.insecure_channel(address)
        self.stub = engine_service_pb2_grpc.EngineServiceStub(self.channel)

    def call(self, rpc: str, request: Any = None, **metadata: str) -> Any:
        """Call an RPC; keywords are metadata, with `_` for `-`."""
        if request is None:
            request = message_factory.GetMessageClass(SERVICE.methods_by_name[rpc].input_type)()
        headers = [(name.replace("_", "-"), value) for name, value in metadata.items()]
        return getattr(self.stub, rpc)(request, metadata=headers, timeout=PATIENCE)

    def refusal(self, rpc: str, request: Any = None, **metadata: str) -> Refused:
        """Call an RPC that must fail, and return how."""
        with pytest.raises(grpc.RpcError) as caught:
            self.call(rpc, request, **metadata)
        return Refused(caught.value)

    def create(self, name: str, template: str, **fields: Any) -> common_pb2.StackIdentity:
        """Create a stack, wait until it has settled, and return its identity."""
        request = stack_pb2.CreateStackRequest(stack_name=name, template=template, **fields)
        identity: common_pb2.StackIdentity = self.call("CreateStack", request).stack_identity
        self.settle(identity)
        return identity

    def settle(self, identity: common_pb2.StackIdentity, **metadata: str) -> None:
        """Wait until nothing is under way on a stack."""
        stream = self.call("WatchEvents", event_pb2.WatchEventsRequest(stack_identity=identity), **metadata)
        shown = stack_pb2.ShowStackRequest(stack_identity=identity, resolve_outputs=False)
        for answer in stream:
            if answer.event.resource_type == "OS::Heat::Stack":
                (stack,) = self.call("ShowStack", shown, **metadata).stacks
                if stack.stack_status != common_pb2.STATUS_IN_PROGRESS:
                    break
        stream.cancel()

    def delete(self, identity: common_pb2.StackIdentity) -> None:
        """Delete a stack and wait until it is gone."""
        self.call("DeleteStack", stack_pb2.DeleteStackRequest(stack_identity=identity))
        self.settle(identity)


@contextmanager
def connected(address: str) -> Iterator[Served]:
    """Yield a client, and close its channel."""
    client = Served(address)
    try:
        yield client
    finally:
        client.channel.close()


@contextmanager
def engine(folder: Path, **options: Any) -> Iterator[tuple[EngineService, Served]]:
    """Yield a running engine on a database in the folder, and a client of it; options are those of Config."""
    running = EngineService(
        Config(database=databases.sqlite(folder), listen="127.0.0.1:0", revision="first", **options)
    )
    running.start()
    try:
        with connected(running.address) as client:
            yield running, client
    finally:
        running.stop()
