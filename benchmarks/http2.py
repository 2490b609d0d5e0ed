"""As much of HTTP/2 as a load speaks: a connection, the frames of a call, and where one frame ends.

Called by `callers` and `watchers`, which count answers and don't read them. A gRPC client in Python needs as much
processor time for a call as the server does; on a small machine it would then be the client that is measured.
"""

from __future__ import annotations

import socket
import struct
from typing import Final

DATA: Final = 0x0
HEADERS: Final = 0x1
RESET: Final = 0x3
SETTINGS: Final = 0x4
PING: Final = 0x6
GO_AWAY: Final = 0x7
END_STREAM: Final = 0x1
END_HEADERS: Final = 0x4
ACK: Final = 0x1
HEADER: Final = struct.Struct(">HBBBI")  # of a frame: length in 16 + 8 bits, type, flags, stream
_WINDOW_UPDATE: Final = 0x8
_LARGEST_WINDOW: Final = 2**31 - 1
_FIRST_WINDOW: Final = 2**16 - 1


class CallFailed(Exception):
    """An answer that was none: the server refused, or went away."""


def connected(address: str) -> socket.socket:
    """Return a connection on which calls can be made."""
    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host, int(port)))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # The largest windows there are: then nothing has to be said about flow control ever after.
    window = struct.pack(">HI", 0x4, _LARGEST_WINDOW)
    more = struct.pack(">I", _LARGEST_WINDOW - _FIRST_WINDOW)
    connection.sendall(
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, window) + frame(_WINDOW_UPDATE, 0, 0, more)
    )
    return connection


def call(stream: int, headers: bytes, message: bytes) -> bytes:
    """Return the bytes of one call: its headers and its only message."""
    body = b"\x00" + len(message).to_bytes(4, "big") + message
    return frame(HEADERS, END_HEADERS, stream, headers) + frame(DATA, END_STREAM, stream, body)


def reply(kind: int, flags: int, payload: bytes) -> bytes:
    """Return what has to be answered to a frame, or nothing; raise CallFailed where the server breaks off."""
    if kind == SETTINGS and not flags & ACK:
        return frame(SETTINGS, ACK, 0, b"")
    if kind == PING and not flags & ACK:
        return frame(PING, ACK, 0, payload)
    if kind in {RESET, GO_AWAY}:
        raise CallFailed(f"the server ended the connection: {payload!r}")
    return b""


def headers(path: str, address: str) -> bytes:
    """Return the headers of a call, literally: nothing indexed, so that all connections and calls have the same."""
    return b"".join(
        [
            b"\x83\x86",  # :method POST, :scheme http
            b"\x04" + _text(path),  # :path
            b"\x01" + _text(address),  # :authority
            b"\x0f\x10" + _text("application/grpc"),  # content-type
            b"\x00" + _text("te") + _text("trailers"),
        ]
    )


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Return the bytes of one frame."""
    length = len(payload)
    return HEADER.pack(length >> 8, length & 0xFF, kind, flags, stream) + payload


def _text(value: str) -> bytes:
    raw = value.encode()
    if len(raw) > 126:
        raise ValueError(f"{value}: too long for the length that is written here")
    return bytes([len(raw)]) + raw
