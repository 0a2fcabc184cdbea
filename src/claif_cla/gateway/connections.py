"""One client's connection: uvicorn's protocol with the bounds that it lacks.

httptools collects a head of any size, and nothing ends a connection whose head never ends. Here a
head is bounded in size and time, and so is the number of connections: those beyond it get a clear
503, and those far beyond are closed at once.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from claif_cla.gateway.direct import Direct

__all__ = ["DIRECT", "LEAVING", "SPARE_CONNECTIONS", "Bounds", "connection_class"]

LEAVING = "claif_cla.leaving"
"""The ASGI extension with a list of functions that are called when the connection is lost. ASGI's
own way, a task that waits for the word, costs each request a task."""

DIRECT = "claif_cla.direct"
"""The ASGI extension with a `Direct`."""
SPARE_CONNECTIONS = 256
"""Beyond the limit: so many at once are told why they are turned away; the rest only closed, as
even telling costs memory."""
HEAD_SECONDS = 20.0
"""For a request's head: a packet or two. Whoever takes longer holds the place of another."""
MAX_PIPELINED = 32
"""Requests that wait on one connection for an answer before theirs; no SDK sends even two."""

_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
# Linux has it. What is left of an answer when its request has ended is the system's alone to send,
# and one that takes nothing of it would hold its connection for ever.
_USER_TIMEOUT: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)
_REASONS = {400: "Bad Request", 408: "Request Timeout", 431: "Request Header Fields Too Large"}


@dataclass(slots=True)
class Bounds:
    """What one process allows; read anew for each connection, so that a reload can change it.

    Attributes:
        connections: that are served at the same time.
        head_bytes: of a request's line and headers, while they come in.
        send_seconds: after which a peer that takes nothing of what it is sent is given up.
    """

    connections: int
    head_bytes: int
    send_seconds: float = 60.0


def connection_class(bounds: Bounds) -> type[HttpToolsProtocol]:
    """The class of connections within these bounds; uvicorn makes the instances."""
    return type("BoundedConnection", (_Connection,), {"bounds": bounds})


class _Connection(HttpToolsProtocol):
    bounds: Bounds
    _in_head = True
    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None
    _refusal: tuple[int, str] | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._leaving: list[Callable[[], None]] = []
        super().connection_made(transport)
        over = len(self.connections) - self.bounds.connections
        if over > SPARE_CONNECTIONS:
            transport.abort()
            return
        if over > 0:
            self.app = _busy
        peer: socket.socket | None = transport.get_extra_info("socket")
        if peer is not None and _USER_TIMEOUT is not None:
            milliseconds = ceil(self.bounds.send_seconds * 1000)
            peer.setsockopt(socket.IPPROTO_TCP, _USER_TIMEOUT, milliseconds)
        self._await_head()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        super().connection_lost(exc)
        for gone in [*self._leaving]:
            gone()

    @override
    def data_received(self, data: bytes) -> None:
        if self._refusal is not None:
            return
        began_in_head = self._in_head
        super().data_received(data)
        if not self._in_head:
            return
        if began_in_head:  # else it began in the middle of these bytes, which a read bounds
            self._head_bytes += len(data)
        if self._head_bytes > self.bounds.head_bytes:
            self._refuse(431, f"The headers are larger than {self.bounds.head_bytes:,} bytes.")
        elif self._head_timer is None:
            self._await_head()

    @override
    def on_message_begin(self) -> None:
        self._in_head, self._head_bytes = True, 0
        super().on_message_begin()

    @override
    def on_headers_complete(self) -> None:
        self._end_head()
        if len(self.pipeline) >= MAX_PIPELINED:
            self.transport.abort()
            return
        super().on_headers_complete()
        self.headers = []  # the request has its own; a trailer after the body, nobody reads
        # The task of the request has been made and does not run yet.
        extensions: dict[str, Any] = {LEAVING: self._leaving, DIRECT: Direct(self.cycle, self.loop)}
        self.scope["extensions"] = extensions

    @override
    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "This is no HTTP/1.1 request.")

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _end_head(self) -> None:
        self._in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        if self._head_bytes == 0 and self.cycle is None:
            self.transport.close()  # it was opened ahead of time and never used
        else:
            self._refuse(408, f"The headers took longer than {HEAD_SECONDS:g} seconds.")

    def _refuse(self, status: int, message: str) -> None:
        """Answer what never became a request, and close."""
        self._end_head()
        self._refusal = (status, message)
        # In the middle of another answer, the text would become a part of that one.
        cycle: Any = self.cycle  # None before the first request, whatever its type says
        if cycle is None or cycle.response_complete:
            body = _error(message, "invalid_http", "invalid_request_error")
            head = (
                f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: application/json\r\n"
                f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
        self.transport.close()


def _error(message: str, code: str, kind: str) -> bytes:
    error = {"message": message, "type": kind, "param": None, "code": code}
    return json.dumps({"error": error}).encode()


async def _busy(scope: Any, receive: Any, send: _Send) -> None:
    """The application of connections beyond the limit."""
    message = "The gateway is busy: too many connections. Try again in a moment."
    body = _error(message, "gateway_busy", "server_error")
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", b"1"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})
