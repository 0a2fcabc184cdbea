"""The only place where a flow meets I/O: a sync driver, and the same for async.

Each moves requests from the flow to the backend and replies back, and sees to it that no
exchange is left open, whatever happens: a flow that ends, fails, or is closed in the middle.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import suppress
from contextvars import copy_context
from typing import Any, NoReturn

import anyio
from typing_extensions import assert_never

from claif_cla.translate.flow import (
    Answer,
    Chunk,
    ChunkFlow,
    Close,
    Drain,
    Effect,
    Flow,
    Read,
    Reply,
    Send,
    SendAll,
    Used,
)
from claif_cla.wire.http import AsyncExchange, Exchange, UpstreamRequest

__all__ = ["AsyncOpened", "Opened", "abatches", "achunks", "arun", "chunks", "run"]

MAX_DRAIN = 64 * 1024
"""Bytes that are read after an answer's end so that its connection can be used again. After
`message_stop` a server has nothing to say; one that talks on is cut off."""
MAX_DRAIN_SECONDS = 0.25
"""How long the async driver waits for that end. The sync driver has no way to wait for less than
the read timeout of the call."""
MAX_AT_ONCE = 16
"""How many requests are being opened at the same time."""


def _give_up(exchange: Exchange) -> None:
    with suppress(Exception):  # it spoils no answer and hides no error that a close fails
        exchange.close()


async def _agive_up(exchange: AsyncExchange) -> None:
    try:  # noqa: SIM105 - `suppress` is three more calls for each answer
        await exchange.close()
    except Exception:  # noqa: BLE001, S110 - as `_give_up`
        pass


class Opened:
    """The exchanges of one flow, and how its effects are carried out."""

    def __init__(self, send: Callable[[UpstreamRequest], Exchange]) -> None:
        self._send = send
        self._open: list[Exchange] = []

    def perform(self, effect: Effect) -> Any:
        match effect:
            case Read(reply):
                return reply.handle.read()
            case Send(request):
                return self._kept(self._send(request))
            case SendAll(requests):
                return self._send_all(requests)
            case Drain(reply):
                self._drain(reply.handle)
            case Close(reply):
                _give_up(reply.handle)
            case Used():
                pass  # the upstream bills the caller's own key
            case _:
                assert_never(effect)
        return None

    def _kept(self, exchange: Exchange) -> Reply:
        self._open.append(exchange)
        return Reply(exchange.status, exchange.headers, exchange)

    def _send_all(self, requests: Sequence[UpstreamRequest]) -> list[Reply]:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - rarely needed

        with ThreadPoolExecutor(min(len(requests), MAX_AT_ONCE)) as pool:
            # Tracing keeps its place in context variables, which threads do not inherit.
            waiting = [pool.submit(copy_context().run, self._send, one) for one in requests]
        failures = [error for one in waiting if (error := one.exception()) is not None]
        replies = [self._kept(one.result()) for one in waiting if one.exception() is None]
        if failures:
            raise failures[0]
        return replies

    def _drain(self, exchange: Exchange) -> None:
        size = 0
        with suppress(Exception):  # the answer is complete: only the connection is lost
            while size <= MAX_DRAIN and (piece := exchange.read()):
                size += len(piece)
        _give_up(exchange)

    def close(self) -> None:
        """Give every exchange up, also if that is interrupted; may be called twice."""
        try:
            while self._open:
                _give_up(self._open.pop())
        finally:
            if self._open:
                self.close()


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


def _itself(error: Exception) -> Exception:
    return error


def chunks(
    flow: ChunkFlow, opened: Opened, failure: Callable[[Exception], Exception] = _itself
) -> Generator[Chunk, None, None]:
    """The chunks of a streamed answer. Closing the generator closes the upstream at once.

    Args:
        flow: of the answer's body.
        opened: its exchanges.
        failure: what an error of the wire or of the flow is to the caller. It is not left to a
            generator around this one, as each chunk would pass through that too.
    """
    outcome: Any = None
    try:
        while True:
            item = flow.send(outcome)
            if isinstance(item, dict):
                outcome = None
                yield item
            else:
                outcome = opened.perform(item)
    except StopIteration:
        return
    except Exception as error:  # noqa: BLE001 - it is raised
        _raise_as(failure(error), error)
    finally:
        flow.close()
        opened.close()


def _raise_as(told: Exception, error: Exception) -> NoReturn:
    if told is error:
        raise error
    raise told from error


class AsyncOpened:
    """`Opened`, for the async driver.

    Args:
        send: opens a request.
        count: is told what each reply used; nobody unless given.
    """

    def __init__(
        self,
        send: Callable[[UpstreamRequest], Awaitable[AsyncExchange]],
        count: Callable[[Used], None] | None = None,
    ) -> None:
        self._send = send
        self._count = count
        self._open: list[AsyncExchange] = []

    async def perform(self, effect: Effect) -> Any:
        match effect:
            case Read(reply):
                return await reply.handle.read()
            case Send(request):
                return await self.sent(request)
            case SendAll(requests):
                return await self._send_all(requests)
            case Drain(reply):
                await self._drain(reply.handle)
            case Close(reply):
                await self.given_up(reply)
            case Used():
                self.used(effect)
            case _:
                assert_never(effect)
        return None

    def used(self, effect: Used) -> None:
        """Tell who counts."""
        if self._count is not None:
            self._count(effect)

    @property
    def holds_any(self) -> bool:
        """Whether there is an exchange that nobody has closed."""
        return bool(self._open)

    async def given_up(self, reply: Reply) -> None:
        """Close what a reply came through."""
        await _agive_up(reply.handle)
        if reply.handle in self._open:
            self._open.remove(reply.handle)

    async def sent(self, request: UpstreamRequest) -> Reply:
        """Send a request, and keep what was opened for `close`."""
        exchange = await self._send(request)
        self._open.append(exchange)
        return Reply(exchange.status, exchange.headers, exchange)

    async def _send_all(self, requests: Sequence[UpstreamRequest]) -> list[Reply]:
        replies: list[Reply | None] = [None] * len(requests)
        failures: list[Exception] = []
        limit = anyio.CapacityLimiter(MAX_AT_ONCE)

        async def send(at: int) -> None:
            try:
                async with limit:
                    replies[at] = await self.sent(requests[at])
            except Exception as error:  # noqa: BLE001 - raised below, not as a group
                failures.append(error)
                group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            for at in range(len(requests)):
                group.start_soon(send, at)
        if failures:
            raise failures[0]
        return [reply for reply in replies if reply is not None]

    async def _drain(self, exchange: AsyncExchange) -> None:
        size = 0
        with suppress(Exception), anyio.move_on_after(MAX_DRAIN_SECONDS):
            while size <= MAX_DRAIN and (piece := await exchange.read()):
                size += len(piece)
        await _agive_up(exchange)

    async def close(self) -> None:
        """`Opened.close`; being cancelled is an interruption too."""
        try:
            while self._open:
                await _agive_up(self._open.pop())
        finally:
            if self._open:
                await self.close()


async def arun(flow: Flow, opened: AsyncOpened) -> Answer:
    """`run`, for async backends."""
    outcome: Any = None
    try:
        while True:
            effect = flow.send(outcome)
            if type(effect) is Read:  # what `perform` would do, without a coroutine around it
                outcome = await effect.reply.handle.read()
            elif type(effect) is Send:
                outcome = await opened.sent(effect.request)
            elif type(effect) is Used:
                opened.used(effect)
                outcome = None
            elif type(effect) is Close:
                await opened.given_up(effect.reply)
                outcome = None
            else:
                outcome = await opened.perform(effect)
    except StopIteration as stop:
        answer: Answer = stop.value
        if opened.holds_any and not answer.is_stream:
            await opened.close()
        return answer
    except BaseException:
        flow.close()
        await opened.close()
        raise


async def achunks(
    flow: ChunkFlow, opened: AsyncOpened, failure: Callable[[Exception], Exception] = _itself
) -> AsyncGenerator[Chunk, None]:
    """`chunks`, for async backends."""
    outcome: Any = None
    try:
        while True:
            item = flow.send(outcome)
            if isinstance(item, dict):
                outcome = None
                yield item
            else:
                outcome = await opened.perform(item)
    except StopIteration:
        return
    except Exception as error:  # noqa: BLE001 - it is raised
        _raise_as(failure(error), error)
    finally:
        flow.close()
        await opened.close()


async def abatches(flow: ChunkFlow, opened: AsyncOpened) -> AsyncGenerator[list[Chunk], None]:
    """`achunks`, but all chunks that are there at once together; each list has one at least."""
    ready: list[Chunk] = []
    outcome: Any = None
    try:
        while True:
            item = flow.send(outcome)
            if isinstance(item, dict):
                outcome = None
                ready.append(item)
                continue
            if ready and not isinstance(item, Used):
                yield ready
                ready = []
            if type(item) is Read:  # what `perform` would do, for each word of a stream
                outcome = await item.reply.handle.read()
            else:
                outcome = await opened.perform(item)
    except StopIteration:
        if ready:
            yield ready
    except Exception:
        if ready:  # came before whatever failed
            yield ready
        raise
    finally:
        flow.close()
        await opened.close()
