"""A gRPC server of ours: built from doors, bound, drained.

Made by service: once for users, and once more, on a port of its own, for other engines. The pool of RPC threads comes
in as a value, because threads are no business of this floor. What a reader could not guess: the health names of the
public server are `isotherm.live` (the process answers) and `isotherm.ready` (it takes calls: false before the start
is over and from the moment it drains); "" and the name of the service mean the same as ready.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_channelz.v1 import channelz, channelz_pb2  # type: ignore[import-untyped]
from grpc_health.v1 import health, health_pb2, health_pb2_grpc  # type: ignore[import-untyped]
from grpc_reflection.v1alpha import (  # type: ignore[import-untyped]
    reflection,
    reflection_pb2,
    reflection_pb2_grpc,
)

from engine.api import interceptors
from engine.api.interceptors import Authenticate, Room

LIVE: Final = "isotherm.live"
READY: Final = "isotherm.ready"
_CHANNELZ: Final = channelz_pb2.DESCRIPTOR.services_by_name["Channelz"].full_name
_REFLECTION_V1: Final = "grpc.reflection.v1.ServerReflection"
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class CannotListen(Exception):
    """The address is not to be had, or not to be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Door:
    """A service, the rooms that serve it, and who is let in."""

    service: ServiceDescriptor
    rooms: Sequence[Room]
    authenticate: Authenticate


@dataclass(frozen=True, slots=True)
class Listen:
    """Where and how a server listens."""

    address: str  # host:port; port 0: any that is free
    max_message_bytes: int = 64 * 1024 * 1024  # of one request
    loopback_only: bool = False  # refuse every address that another machine could reach
    reuse_port: bool = False  # several processes on one port; off, because a second engine is usually a mistake
    is_public: bool = True  # health, reflection and channelz, too


class Server:
    """One listening server; `start` once, `stop` once."""

    def __init__(self, listen: Listen, door: Door, pool: Any) -> None:
        """Build it, without touching the network. `pool` is a ThreadPoolExecutor, which the caller shuts down."""
        self._listen = listen
        self._grpc = grpc.server(pool, options=_options(listen))
        handlers = interceptors.handlers(door.service, door.rooms, door.authenticate)
        self._grpc.add_registered_method_handlers(door.service.full_name, handlers)
        self._health = health.HealthServicer()
        self._ready_names = ("", READY, door.service.full_name)
        if listen.is_public:
            self._add_services_of_grpc(door.service.full_name)

    def start(self) -> int:
        """Bind and serve; return the port. Raise CannotListen. Not ready yet: `ready` says when it is."""
        host, _ = split_address(self._listen.address)
        if self._listen.loopback_only and not is_loopback(host):
            text = (
                f"{self._listen.address}: without authentication the engine listens on a loopback address only, such "
                "as 127.0.0.1:8790; anyone who reaches the port could act for any project"
            )
            raise CannotListen(text)
        try:
            port = self._grpc.add_insecure_port(self._listen.address)
        except RuntimeError as error:
            raise CannotListen(f"{self._listen.address}: cannot be bound: {error}") from error
        self.ready(False)
        self._health.set(LIVE, _SERVING)
        self._grpc.start()
        return port

    def ready(self, is_ready: bool = True) -> None:
        """Say by the health service whether calls are welcome."""
        for name in self._ready_names:
            self._health.set(name, _SERVING if is_ready else _NOT_SERVING)

    def stop(self, grace: float | None = None) -> None:
        """Take no new call, wait up to `grace` seconds (None: not at all) for those under way, and end."""
        self._health.enter_graceful_shutdown()
        self._grpc.stop(grace).wait()

    def _add_services_of_grpc(self, service: str) -> None:
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        channelz.add_channelz_servicer(self._grpc)
        names = (service, health.SERVICE_NAME, _CHANNELZ, reflection.SERVICE_NAME)
        mirror = reflection.ReflectionServicer(names)
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(mirror, self._grpc)
        # The messages of v1 are those of v1alpha under another name. It is served and not listed: it has no
        # descriptor here.
        answer = grpc.stream_stream_rpc_method_handler(
            mirror.ServerReflectionInfo,
            request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
            response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
        )
        self._grpc.add_registered_method_handlers(_REFLECTION_V1, {"ServerReflectionInfo": answer})


def split_address(address: str) -> tuple[str, str]:
    """Return host and port of `host:port` or `[host]:port`; raise CannotListen for anything else."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal():
        raise CannotListen(f"{address}: an address is host:port")
    return host.removeprefix("[").removesuffix("]"), port


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach the host; a name has to mean loopback addresses only."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return all(ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in found)


def _options(listen: Listen) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", listen.max_message_bytes),
        ("grpc.max_send_message_length", -1),  # what is read by a client is bounded by the client
        ("grpc.so_reuseport", int(listen.reuse_port)),
        # Watchers may be silent for hours: find out when one has vanished, and let them find out about us.
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ]
