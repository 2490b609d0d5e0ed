"""The server as a whole: what is served, who is let in, what happens around every call."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2 as pb
from isotherm.v1 import common_pb2, resource_pb2, service_pb2, stack_pb2

from engine.api import callers
from engine.api.server import LIVE, READY, CannotListen, Door, Listen, Server, is_loopback
from kit.served import HOT, PATIENCE, SERVICE, Refused, Served, connected

# The calls whose issue has not come yet. This list may only shrink.
NOT_YET = {
    "CheckSoftwareDeployment",
    "CreateSoftwareConfig",
    "CreateSoftwareDeployment",
    "CreateWatchData",
    "DeleteSoftwareConfig",
    "DeleteSoftwareDeployment",
    "ListSoftwareConfigs",
    "ListSoftwareDeployments",
    "MetadataSoftwareDeployments",
    "SetWatchState",
    "ShowSoftwareConfig",
    "ShowSoftwareDeployment",
    "ShowWatch",
    "ShowWatchMetric",
    "SignalSoftwareDeployment",
    "UpdateSoftwareDeployment",
}
REQUEST_ID = "req-01234567-89ab-cdef-0123-456789abcdef"
GRPCURL = shutil.which("grpcurl") or str(Path(sys.executable).with_name("grpcurl"))


@contextmanager
def serving(*rooms: Any) -> Iterator[tuple[Server, Served]]:
    """Yield a server with rooms of a test's own, and a client of it."""
    with ThreadPoolExecutor(2) as pool:
        server = Server(Listen("127.0.0.1:0"), Door(SERVICE, rooms, callers.noauth), pool)
        with connected(f"127.0.0.1:{server.start()}") as client:
            yield server, client
        server.stop()


def outcome(served: Served, rpc: str) -> str:
    """Return the reason with which an RPC refuses an empty request; "": it does not."""
    try:
        answer = served.call(rpc)
        if SERVICE.methods_by_name[rpc].server_streaming:
            answer.initial_metadata()
            answer.cancel()
    except grpc.RpcError as error:
        return Refused(error).reason
    return ""


def test_every_rpc_of_the_contract_is_served_or_not_yet(served: Served) -> None:
    reasons = {method.name: outcome(served, method.name) for method in SERVICE.methods}

    assert {name for name, reason in reasons.items() if reason == "NOT_YET_IMPLEMENTED"} == NOT_YET
    assert set(reasons.values()) <= {
        "",
        "NOT_YET_IMPLEMENTED",
        "INVALID_ARGUMENT",
        "STACK_NOT_FOUND",
        "NOT_FOUND",
        "STACK_VALIDATION_FAILED",
        "INVALID_RESOURCE_TYPE",
        "PHYSICAL_RESOURCE_NOT_FOUND",
    }


def test_what_is_not_there_yet_says_so(served: Served) -> None:
    refused = served.refusal("ShowWatch")

    assert refused.code is grpc.StatusCode.UNIMPLEMENTED
    assert refused.info.metadata["method"] == "ShowWatch"


def test_two_rooms_with_the_same_call_stop_the_start() -> None:
    class Room:
        def GetRevision(self, request: Any, caller: Any) -> None:
            """Answer nothing."""

    with pytest.raises(ValueError, match="GetRevision"), ThreadPoolExecutor(1) as pool:
        Server(Listen("127.0.0.1:0"), Door(SERVICE, (Room(), Room()), callers.noauth), pool)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("0.0.0.0:0", id="every address"),
        pytest.param("[::]:0", id="every address of v6"),
        pytest.param("192.0.2.1:0", id="another machine's"),
        pytest.param("no.such.host.invalid:0", id="a name that means nothing"),
    ],
)
def test_without_authentication_only_a_loopback_address_is_bound(address: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        server = Server(Listen(address, loopback_only=True), Door(SERVICE, (), callers.noauth), pool)
        with pytest.raises(CannotListen, match="loopback"):
            server.start()


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("0.0.0.0", False)],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize("address", ["127.0.0.1", ":8790", "127.0.0.1:http", ""])
def test_an_address_is_host_and_port(address: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        server = Server(Listen(address), Door(SERVICE, (), callers.noauth), pool)
        with pytest.raises(CannotListen, match="host:port"):
            server.start()


def test_a_port_that_is_taken_cannot_be_had_twice(served: Served) -> None:
    with ThreadPoolExecutor(1) as pool:
        second = Server(Listen(served.address), Door(SERVICE, (), callers.noauth), pool)
        with pytest.raises(CannotListen, match=served.address):
            second.start()


def health(client: Served, name: str) -> str:
    stub = health_pb2_grpc.HealthStub(client.channel)
    answer = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=PATIENCE)
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


def test_health_tells_live_from_ready() -> None:
    with serving() as (server, client):
        assert health(client, LIVE) == "SERVING"
        assert {health(client, name) for name in ("", READY, SERVICE.full_name)} == {"NOT_SERVING"}

        server.ready()

        assert {health(client, name) for name in ("", READY, SERVICE.full_name)} == {"SERVING"}


def test_a_well_formed_request_id_comes_back(served: Served) -> None:
    answer, call = served.stub.GetRevision.with_call(
        service_pb2.GetRevisionRequest(), metadata=[("x-openstack-request-id", REQUEST_ID)], timeout=PATIENCE
    )

    assert answer.revision == "first"
    assert dict(call.trailing_metadata())["x-openstack-request-id"] == REQUEST_ID


@pytest.mark.parametrize("given", ["", "req-1", f"{REQUEST_ID}x", "x" * 500])
def test_any_other_request_id_is_replaced(served: Served, given: str) -> None:
    refused = served.refusal("ShowWatch", x_openstack_request_id=given)

    assert refused.trailing["x-openstack-request-id"] != given
    assert len(refused.trailing["x-openstack-request-id"]) == len(REQUEST_ID)


def test_every_call_leaves_one_line_in_the_log(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    """One that went well is only told at the level debug: an engine answers thousands of calls a second."""
    with caplog.at_level(logging.DEBUG, "engine.api.interceptors"):
        served.call("GetRevision", x_project_id="blue", x_user_id="ann", x_openstack_request_id=REQUEST_ID)
        served.refusal("ShowWatch")

    assert [record.levelname for record in caplog.records] == ["DEBUG", "INFO"]
    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith("rpc=GetRevision status=OK reason= ms=")
    assert first.endswith(f"project=blue user=ann request_id={REQUEST_ID}")
    assert second.startswith("rpc=ShowWatch status=UNIMPLEMENTED reason=NOT_YET_IMPLEMENTED ms=")


class Broken:
    """A room with a bug in it."""

    def GetRevision(self, request: Any, caller: Any) -> None:
        raise RuntimeError("password=hunter2")


def test_an_error_that_nobody_foresaw_stays_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with serving(Broken()) as (_, client):
        refused = client.refusal("GetRevision", x_openstack_request_id=REQUEST_ID)

    assert refused.code is grpc.StatusCode.INTERNAL
    assert REQUEST_ID in refused.message
    assert "hunter2" not in refused.message
    assert "hunter2" in caplog.text


def test_bytes_that_are_no_request_are_an_invalid_argument(served: Served) -> None:
    call = served.channel.unary_unary(f"/{SERVICE.full_name}/IdentifyStack")
    with pytest.raises(grpc.RpcError) as caught:
        call(b"\xff\xff", timeout=PATIENCE)

    refused = Refused(caught.value)
    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")


def test_who_names_neither_project_nor_roles_is_the_operator(served: Served) -> None:
    assert len(served.call("ListServices").services) == 1


def test_who_acts_for_a_project_has_the_roles_that_are_named(served: Served) -> None:
    assert served.refusal("ListServices", x_project_id="blue").reason == "FORBIDDEN"
    assert served.refusal("ListServices", x_roles="member").reason == "FORBIDDEN"
    assert served.call("ListServices", x_project_id="blue", x_roles="member, admin") is not None


def test_a_project_with_a_slash_is_nobody(served: Served) -> None:
    assert served.refusal("GetRevision", x_project_id="a/b").reason == "NOT_AUTHENTICATED"


def test_a_project_sees_nothing_of_another(served: Served) -> None:
    identity = served.create("web", HOT)
    by_name = stack_pb2.ShowStackRequest(stack_identity=common_pb2.StackIdentity(stack_name="web"))
    by_id = resource_pb2.ListStackResourcesRequest(stack_identity=common_pb2.StackIdentity(stack_id=identity.stack_id))

    assert served.call("ListStacks", x_project_id="blue").stacks == []
    assert served.refusal("ShowStack", by_name, x_project_id="blue").reason == "STACK_NOT_FOUND"
    assert served.refusal("ListStackResources", by_id, x_project_id="blue").reason == "STACK_NOT_FOUND"
    full = stack_pb2.ShowStackRequest(stack_identity=identity)
    assert served.refusal("ShowStack", full, x_project_id="blue").reason == "INVALID_TENANT"


needs_grpcurl = pytest.mark.skipif(not Path(GRPCURL).is_file(), reason="there is no grpcurl for this machine")


def grpcurl(served: Served, *words: str, data: str = "") -> str:
    """Run grpcurl, which learns everything by reflection, and return what it prints."""
    command = [GRPCURL, "-plaintext", *(["-d", data] if data else []), served.address, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout


@needs_grpcurl
def test_grpcurl_lists_what_there_is(served: Served) -> None:
    assert f"{SERVICE.full_name}\n" in grpcurl(served, "list")


@needs_grpcurl
def test_grpcurl_describes_a_message(served: Served) -> None:
    assert "string stack_name" in grpcurl(served, "describe", "isotherm.v1.StackIdentity")


@needs_grpcurl
def test_grpcurl_calls(served: Served) -> None:
    assert '"revision": "first"' in grpcurl(served, f"{SERVICE.full_name}/GetRevision", data="{}")


@needs_grpcurl
def test_grpcurl_names_a_choice_by_its_word(served: Served) -> None:
    wanted = '{"type_name": "OS::Heat::None", "template_type": "TEMPLATE_TYPE_HOT"}'

    answer = grpcurl(served, f"{SERVICE.full_name}/GenerateTemplate", data=wanted)

    assert "description: Initial template of None\n" in json.loads(answer)["template"]


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection_answers_in_both_versions(served: Served, version: str) -> None:
    call = served.channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=pb.ServerReflectionRequest.SerializeToString,
        response_deserializer=pb.ServerReflectionResponse.FromString,
    )
    (answer,) = call(iter([pb.ServerReflectionRequest(list_services="")]), timeout=PATIENCE)

    assert SERVICE.full_name in {one.name for one in answer.list_services_response.service}
