"""The caller's side of one request: its body read within bounds, its answer written as it comes.

ASGI's three callables with what the gateway needs beside them: the caller's leaving ends the
request's task wherever it waits, and a stream that has nothing to tell for a while sends comments,
so that no proxy on the way takes it for dead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from time import perf_counter
from typing import Any, TypeAlias

import anyio

from claif_cla.gateway.denial import Denial
from claif_cla.gateway.direct import Direct
from claif_cla.gateway.room import Room
from claif_cla.gateway.visit import Visit

__all__ = ["Caller", "Headers", "Receive", "Send"]

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers: TypeAlias = Iterable[tuple[bytes, bytes]]

JSON_TYPE = (b"content-type", b"application/json")
STREAM_HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),  # nginx would hold the stream back
)
COMMENT = b": waiting\n\n"
SHORTEST = 0.001
"""Seconds between two looks at a stream, at the least."""
SMALL = 65_536
"""Bytes of a body up to which it needs no place of its own: it has its request's."""
MAX_PIECES = 65_536
"""Bound of the pieces that one body may come in: a sender of single bytes is no client."""


class Caller:
    """See the module.

    Args:
        visit: told what is read and written.
        receive, send: of ASGI.
        send_seconds: how long one write, the beginning of a body, or the rest of it, may take; then
            the caller counts as gone.
        always: headers of each answer.
        direct: the short way to the socket, where the server has one.

    Attributes:
        held: the places its body has taken; who gave the room gives them back.
    """

    __slots__ = (
        "_gone",
        "_leaving",
        "_receive",
        "_send",
        "_watch",
        "always",
        "direct",
        "headers",
        "held",
        "query",
        "send_seconds",
        "started",
        "visit",
    )

    def __init__(  # noqa: PLR0913 - what a request comes with
        self,
        visit: Visit,
        receive: Receive,
        send: Send,
        *,
        send_seconds: float,
        always: Headers = (),
        direct: Direct | None = None,
    ) -> None:
        self.visit = visit
        self.direct = direct
        self._receive, self._send = receive, send
        self.send_seconds = send_seconds
        self.always = list(always)
        self.headers: Mapping[str, str] = {}
        self.query = ""
        self.held = 0
        self.started = False
        self._watch: asyncio.Task[None] | None = None
        self._leaving: list[Callable[[], None]] | None = None
        self._gone: Callable[[], None] | None = None

    async def body(self, limit: int, declared: str | None, room: Room) -> bytes:
        """The whole body.

        Args:
            limit: in bytes.
            declared: the `content-length` header.
            room: where the bytes of a body that is not small take their places, before they are
                read; see `held`.

        Raises:
            Denial: 413 beyond the limit, 408 if it does not come, 503 if there is no room for it.
            CancelledError: the caller left.
        """
        length = int(declared) if declared is not None and declared.isdecimal() else None
        if length is not None:
            if length > limit:
                raise _too_large(limit)
            if length > SMALL:
                await self._hold(room, length)
        # Nearly every body comes with its head: that one needs no timer.
        is_here = self.direct is not None and self.direct.has_come
        message = await (self._receive() if is_here else self._first())
        if message["type"] == "http.request" and not message.get("more_body"):
            body: bytes = message.get("body", b"")
        else:
            if length is None:
                await self._hold(room, limit)
            body = await self._rest(message, limit)
            if self.held > len(body):
                room.leave(self.held - len(body))
                self.held = len(body)
        if len(body) > limit:
            raise _too_large(limit)
        self.visit.bytes_in = len(body)
        return body

    async def _hold(self, room: Room, places: int) -> None:
        if not room.enter_now(places):
            await room.enter(places)
        self.held = places

    async def _first(self) -> MutableMapping[str, Any]:
        with anyio.move_on_after(self.send_seconds):
            return await self._receive()
        raise _too_late()

    async def _rest(self, message: MutableMapping[str, Any], limit: int) -> bytes:
        pieces: list[bytes] = []
        size = 0
        with anyio.move_on_after(self.send_seconds):
            for _ in range(MAX_PIECES):
                if message["type"] == "http.disconnect":
                    self.visit.left = True
                    raise asyncio.CancelledError
                pieces.append(message.get("body", b""))
                size += len(pieces[-1])
                if size > limit:
                    raise _too_large(limit)
                if not message.get("more_body"):
                    return b"".join(pieces)
                message = await self._receive()
        raise _too_late()

    def watch(self, leaving: list[Callable[[], None]] | None) -> None:
        """From now on, end the current task once the caller leaves. The body has been read.

        Args:
            leaving: what the connection calls when it is lost; None where the server has no such
                list: then a task waits for its word.
        """
        # Up to Python 3.11 it takes a system call to find the loop that runs.
        task = asyncio.current_task(self.direct.loop if self.direct is not None else None)
        assert task is not None  # noqa: S101 - ASGI servers run each request as one
        self._gone = self.end_of(task)
        self._leaving = leaving
        if leaving is not None:
            leaving.append(self._gone)
        else:
            self._watch = asyncio.get_running_loop().create_task(self._disconnected(self._gone))

    def end_of(self, task: asyncio.Task[Any]) -> Callable[[], None]:
        """What ends a task because the caller is gone."""

        def end() -> None:
            if not self.visit.left:  # one that ends already is not disturbed again
                self.visit.left = True
                task.cancel()

        return end

    def drop(self, task: asyncio.Task[Any]) -> None:
        """End a task because the caller takes nothing any more, and its connection as well."""
        self.end_of(task)()
        if self.direct is not None:
            self.direct.abort()

    async def _disconnected(self, gone: Callable[[], None]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        gone()

    def unwatch(self) -> None:
        """The answer is complete, or nobody waits for it."""
        # `_gone` knows this caller: kept, all of the request would wait for the collector.
        gone, self._gone = self._gone, None
        if self._leaving is not None and gone is not None:
            self._leaving.remove(gone)
            self._leaving = None
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    async def answer(self, status: int, body: bytes, headers: Headers = (JSON_TYPE,)) -> None:
        """A whole answer."""
        told = [*headers, (b"content-length", b"%d" % len(body))]
        if self.direct is not None and self.direct.whole(status, [*self.always, *told], body):
            visit = self.visit
            self.started, visit.status = True, status
            visit.first_byte_at = perf_counter()
            visit.bytes_out += len(body)
            return
        await self.start(status, told)
        await self.write(body, more=False)

    async def start(self, status: int, headers: Headers) -> None:
        """Status and headers."""
        self.started, self.visit.status = True, status
        message = {"type": "http.response.start", "status": status}
        await self._send({**message, "headers": [*self.always, *headers]})

    async def write(self, data: bytes, *, more: bool = True) -> None:
        """The next bytes of the answer; waits while the caller is slow to read.

        Raises:
            CancelledError: for `send_seconds` the caller has read nothing.
        """
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - see `watch`
        stuck = asyncio.get_running_loop().call_later(self.send_seconds, self.drop, task)
        try:
            await self.write_untimed(data, more=more)
        finally:
            stuck.cancel()

    def write_untimed(self, data: bytes, *, more: bool = True) -> Awaitable[None]:
        """`write`, for who sees to it that it ends."""
        visit = self.visit
        if visit.first_byte_at is None:
            visit.first_byte_at = perf_counter()
        visit.bytes_out += len(data)
        return self._send({"type": "http.response.body", "body": data, "more_body": more})

    def stream(self, comment_seconds: float, headers: Callable[[], Headers]) -> StreamWriter:
        """The answer as a stream of events. See `StreamWriter`."""
        return StreamWriter(self, comment_seconds, headers)


class StreamWriter:
    """A stream of events that is never silent for long.

    The response starts with the first event, or before, with the first comment: the caller's
    proxies must hear something even while Claude thinks. What fails after that is told as an
    event. One timer sees to the comments, and to callers who take nothing any more: a timer for
    each of a thousand writes would cost more than the writes.

    Args:
        caller: whom it is for; its task is the current one.
        comment_seconds: so long it may be silent.
        headers: further ones of the response, asked for when it starts.
    """

    __slots__ = (
        "_caller",
        "_comment",
        "_headers",
        "_seconds",
        "_since",
        "_task",
        "_timer",
        "_writing",
    )

    def __init__(
        self, caller: Caller, comment_seconds: float, headers: Callable[[], Headers]
    ) -> None:
        self._caller, self._seconds, self._headers = caller, comment_seconds, headers
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - see `Caller.watch`
        self._task = task
        self._since = perf_counter()
        self._writing = False
        self._comment: asyncio.Task[None] | None = None
        self._timer = self._later(self._seconds)

    def _later(self, seconds: float) -> asyncio.TimerHandle:
        wait = max(min(seconds, self._caller.send_seconds), SHORTEST)
        return asyncio.get_running_loop().call_later(wait, self._look)

    def _look(self) -> None:
        passed = perf_counter() - self._since
        wait = self._seconds
        if self._writing:
            left = self._caller.send_seconds - passed
            if left <= 0:
                self._caller.drop(self._task)
                return
            wait = min(wait, left)
        elif passed >= self._seconds:
            self._comment = asyncio.get_running_loop().create_task(self._tell(COMMENT))
        else:
            wait -= passed
        self._timer = self._later(wait)

    async def _tell(self, data: bytes, *, more: bool = True) -> None:
        self._writing, self._since = True, perf_counter()
        caller = self._caller
        if not caller.started:
            await caller.start(200, [*STREAM_HEADERS, *self._headers()])
        await caller.write_untimed(data, more=more)
        self._writing, self._since = False, perf_counter()

    async def write(self, data: bytes) -> None:
        """The next events.

        Raises:
            CancelledError: for the caller's `send_seconds` nothing of them was taken.
        """
        if self._comment is not None:
            comment, self._comment = self._comment, None
            await comment
        if not self.write_now(data):
            await self._tell(data)

    def write_now(self, data: bytes) -> bool:
        """`write` where nobody has to be waited for; False where it is not, and nothing is done.

        A word of a stream costs less than to make a coroutine for it.
        """
        caller = self._caller
        direct = caller.direct
        if self._comment is not None or direct is None or not caller.started:
            return False
        if not direct.piece(data):
            return False
        caller.visit.bytes_out += len(data)
        self._since = perf_counter()
        return True

    async def end(self, data: bytes = b"") -> None:
        """The last bytes."""
        if self._comment is not None:
            await self._comment
        await self._tell(data, more=False)
        self._timer.cancel()

    async def close(self) -> None:
        """No more comments; also where the stream did not end well."""
        self._timer.cancel()
        if self._comment is not None:
            self._comment.cancel()
            # Not `suppress`: the cancellation of this task itself must not be lost.
            await asyncio.gather(self._comment, return_exceptions=True)
            self._comment = None


def _too_large(limit: int) -> Denial:
    message = f"The request's body is larger than {limit:,} bytes, the limit of this gateway."
    return Denial(413, message, code="request_too_large")


def _too_late() -> Denial:
    return Denial(408, "The request's body did not come in time.", code="body_timeout")
