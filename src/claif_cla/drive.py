"""The only place where a flow meets I/O: a sync driver, and the same for async.

Each moves requests from the flow to the backend and replies back, and sees to it that no
exchange is left open, whatever happens: a flow that ends, fails, or is closed in the middle.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack, ExitStack, suppress
from typing import Any

import anyio

from claif_cla.translate.flow import Answer, Chunk, ChunkFlow, Close, Drain, Flow, Read, Reply, Send
from claif_cla.wire.http import AsyncExchange, Exchange, UpstreamRequest

__all__ = ["AsyncOpened", "Opened", "achunks", "arun", "chunks", "run"]

MAX_DRAIN = 64 * 1024
"""Bytes that are read after an answer's end so that its connection can be used again. After
`message_stop` a server has nothing to say; one that talks on is cut off."""
MAX_DRAIN_SECONDS = 0.25
"""How long the async driver waits for that end. The sync driver has no way to wait for less than
the read timeout of the call."""


class Opened:
    """The exchanges of one flow, and how its effects are carried out."""

    def __init__(self, send: Callable[[UpstreamRequest], Exchange]) -> None:
        self._send = send
        self._open = ExitStack()

    def perform(self, effect: Any) -> Any:
        match effect:
            case Read(reply):
                return reply.handle.read()
            case Send(request):
                exchange = self._send(request)
                self._open.callback(exchange.close)
                return Reply(exchange.status, exchange.headers, exchange)
            case Drain(reply):
                self._drain(reply.handle)
            case Close(reply):
                reply.handle.close()
        return None

    def _drain(self, exchange: Exchange) -> None:
        size = 0
        with suppress(Exception):  # the answer is complete: only the connection is lost
            while size <= MAX_DRAIN and (piece := exchange.read()):
                size += len(piece)
        with suppress(Exception):
            exchange.close()

    def close(self) -> None:
        """Close every exchange, also if one of them fails to; may be called twice."""
        self._open.close()


def run(flow: Flow, opened: Opened) -> Answer:
    """Drive a flow to its answer. A streamed answer's exchanges stay open for `chunks`."""
    outcome: Any = None
    try:
        while True:
            outcome = opened.perform(flow.send(outcome))
    except StopIteration as stop:
        answer: Answer = stop.value
        if not answer.is_stream:
            opened.close()
        return answer
    except BaseException:
        flow.close()
        opened.close()
        raise


def chunks(flow: ChunkFlow, opened: Opened) -> Generator[Chunk, None, None]:
    """The chunks of a streamed answer. Closing the generator closes the upstream at once."""
    outcome: Any = None
    try:
        while True:
            item = flow.send(outcome)
            if type(item) is dict:
                outcome = None
                yield item
            else:
                outcome = opened.perform(item)
    except StopIteration:
        return
    finally:
        flow.close()
        opened.close()


class AsyncOpened:
    """`Opened`, for the async driver."""

    def __init__(self, send: Callable[[UpstreamRequest], Awaitable[AsyncExchange]]) -> None:
        self._send = send
        self._open = AsyncExitStack()

    async def perform(self, effect: Any) -> Any:
        match effect:
            case Read(reply):
                return await reply.handle.read()
            case Send(request):
                exchange = await self._send(request)
                self._open.push_async_callback(exchange.close)
                return Reply(exchange.status, exchange.headers, exchange)
            case Drain(reply):
                await self._drain(reply.handle)
            case Close(reply):
                await reply.handle.close()
        return None

    async def _drain(self, exchange: AsyncExchange) -> None:
        size = 0
        with suppress(Exception), anyio.move_on_after(MAX_DRAIN_SECONDS):
            while size <= MAX_DRAIN and (piece := await exchange.read()):
                size += len(piece)
        with suppress(Exception):
            await exchange.close()

    async def close(self) -> None:
        await self._open.aclose()


async def arun(flow: Flow, opened: AsyncOpened) -> Answer:
    """`run`, for async backends."""
    outcome: Any = None
    try:
        while True:
            outcome = await opened.perform(flow.send(outcome))
    except StopIteration as stop:
        answer: Answer = stop.value
        if not answer.is_stream:
            await opened.close()
        return answer
    except BaseException:
        flow.close()
        await opened.close()
        raise


async def achunks(flow: ChunkFlow, opened: AsyncOpened) -> AsyncGenerator[Chunk, None]:
    """`chunks`, for async backends."""
    outcome: Any = None
    try:
        while True:
            item = flow.send(outcome)
            if type(item) is dict:
                outcome = None
                yield item
            else:
                outcome = await opened.perform(item)
    except StopIteration:
        return
    finally:
        flow.close()
        await opened.close()
