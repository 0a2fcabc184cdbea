"""One answer over aiohttp, read piece by piece as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter

import aiohttp

from claif_cla.gateway.upstream.errors import UpstreamCut, UpstreamFailure, UpstreamTimeout

__all__ = ["AiohttpExchange"]

_FAILED = (aiohttp.ClientError, OSError, asyncio.TimeoutError, RuntimeError)
"""What a read raises where the wire fails. RuntimeError: the connection went between two reads."""


class AiohttpExchange:
    """See `PeekedExchange`.

    Args:
        response: with its headers read.
        account: its name.
        idle: seconds of silence in the body, once it is handed on.
        left: is called once, when the connection is free again or gone.
    """

    __slots__ = (
        "_account",
        "_ahead",
        "_content",
        "_end",
        "_ended",
        "_failure",
        "_idle",
        "_left",
        "_response",
        "headers",
        "status",
    )

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        account: str,
        idle: float,
        left: Callable[[AiohttpExchange], None],
    ) -> None:
        self._response, self._content = response, response.content
        self._account, self._idle, self._left = account, idle, left
        self._ahead = b""
        self._end: asyncio.TimerHandle | None = None
        self._ended = False
        self._failure: UpstreamFailure | None = None
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.headers.items()}

    async def read(self) -> bytes:
        if self._ahead:
            piece, self._ahead = self._ahead, b""
            return piece
        if not self._ended:
            try:
                piece = await self._content.readany()
            except _FAILED as error:
                self._fail(error)
            else:
                if not piece or self._content.is_eof():  # a whole answer often comes in one piece
                    self._finish()
                return piece
        # Not in `except`: aiohttp's errors must not travel on as the context of ours.
        if self._failure is not None:
            raise self._failure
        return b""

    def _fail(self, error: Exception) -> None:
        if self._ended:  # closed while this task read
            return
        if isinstance(error, asyncio.TimeoutError):
            self._failure = UpstreamTimeout("Upstream fell silent in the middle.", self._account)
        else:
            self._failure = UpstreamCut("Upstream broke its answer off.", self._account)
        self._finish()

    def put_back(self, piece: bytes) -> None:
        self._ahead = piece

    def hand_on(self, deadline: float) -> None:
        if self._ended or self._content.is_eof():  # it is all there
            return
        loop = asyncio.get_running_loop()
        self._end = loop.call_later(deadline - perf_counter(), self._too_late)
        # aiohttp restarts its timer at each piece, and stops it while it is us who do not read.
        # A response that is all there has no connection any more.
        connection = self._response.connection
        if connection is not None and (protocol := connection.protocol) is not None:
            protocol.read_timeout = self._idle
            protocol.start_timeout()

    def _too_late(self) -> None:
        message = "The answer took longer than a whole one may."
        self._failure = UpstreamTimeout(message, self._account)
        self._finish()

    def cut(self) -> None:
        """Close it because the gateway stops: a task that reads must not take it for the end."""
        if not self._ended:
            self._failure = UpstreamCut("The gateway stops.", self._account)
            self._finish()

    async def close(self) -> None:
        self._ahead = b""
        self._finish()

    def _finish(self) -> None:
        """Give the connection back if the body is all there, else close it; once."""
        if self._ended:
            return
        self._ended = True
        if self._end is not None:
            self._end.cancel()
        # `close` also wakes a task that waits in `read`.
        if self._content.is_eof():
            self._response.release()
        else:
            self._response.close()
        self._left(self)
