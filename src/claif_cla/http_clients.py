"""The HTTP client to send through: one per process, and per event loop of an async client.

Connections belong to the process and to the event loop that opened them. One that a fork has
doubled mixes two conversations; one whose loop has ended fails with `Event loop is closed`, which
is what the stock client does in the second `asyncio.run`. So an HTTP client that the openai
client made for itself is used in one place only, and every other place gets its like.

An HTTP client that the caller brought is used everywhere: only its owner knows what it can do.
After a fork, and where it fails in another event loop, the caller is told.
"""

from __future__ import annotations

import asyncio
import os
import sys
import weakref
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import openai

from claif_cla.after_fork import lock_across_forks

__all__ = ["AsyncHttpClients", "HttpClients"]

MAX_LOOPS = 64
"""Event loops that are kept apart. Beyond it the one that came first is forgotten: only loops that
were neither closed nor shut down can be so many."""

_FORKED = (
    "This client's `http_client` was used before the process forked, and its connections cannot"
    " be shared with the parent. Make the client in the child process, or leave `http_client`"
    " out."
)
_OTHER_LOOP = (
    "This client's `http_client` was used in another event loop before, and its connections"
    " cannot leave it ({error}). Make one client per event loop, or leave `http_client` out."
)


def _like(http: Any) -> Any:
    """An HTTP client as openai made `http`, with no connection yet."""
    made = type(http)(base_url=http.base_url, timeout=http.timeout)
    made.event_hooks = http.event_hooks
    return made


class HttpClients:
    """Of a `ClaudeClient` and its copies.

    Args:
        first: the openai client's own.
        own: whether openai made it; else the caller did.
    """

    def __init__(self, first: Any, *, own: bool) -> None:
        self._first = first
        self._own = own
        self._closed = False
        self._here = first
        self._process: int | None = None
        # Kept, so that nobody closes them: a lock of theirs may stay locked in a child for ever.
        self._inherited: list[Any] = []
        self._lock = lock_across_forks()

    def current(self, http: Any) -> Any:
        """The one to send through from here.

        Args:
            http: what the openai client would use. One that was put in its place is used.

        Raises:
            openai.OpenAIError: in the child of a fork, for a caller's client that was used.
        """
        if http is not self._first:
            return http
        process = os.getpid()
        if process != self._process and not self._closed:
            with self._lock:
                self._enter(process)
        return self._here

    def _enter(self, process: int) -> None:
        if self._process not in (None, process):
            if not self._own:
                raise openai.OpenAIError(_FORKED)
            self._inherited.append(self._here)
            self._here = _like(self._first)
        self._process = process

    @property
    def is_closed(self) -> bool:
        return self._closed or bool(self._first.is_closed)

    def close(self) -> None:
        """Close the connections of this process, for good."""
        here = self.current(self._first) if self._own else self._first
        self._closed = True
        here.close()


@dataclass(slots=True)
class _Home:
    """An event loop, and the HTTP client whose connections live in it."""

    loop: Any
    http: Any
    keeper: AsyncGenerator[None, None] | None = None

    @property
    def is_gone(self) -> bool:
        return isinstance(self.loop, asyncio.AbstractEventLoop) and self.loop.is_closed()


class AsyncHttpClients:
    """Of an `AsyncClaudeClient` and its copies; the arguments are those of `HttpClients`."""

    def __init__(self, first: Any, *, own: bool) -> None:
        self._first = first
        self._own = own
        self._closed = False
        self._homes: dict[int, _Home] = {}
        self._used = False
        self._process: int | None = None
        self._inherited: list[_Home] = []
        self._lock = lock_across_forks()
        # Holds the homes too: what dies together with its keeper can no longer be closed by it.
        weakref.finalize(self, self._homes.clear).atexit = False

    async def current(self, http: Any) -> Any:
        """`HttpClients.current`, for the running event loop."""
        if http is not self._first:
            return http
        if self._closed and self._own:
            raise RuntimeError("Cannot send a request, as the client has been closed.")
        loop = _running_loop()
        home = self._homes.get(id(loop))
        if home is not None and home.loop is loop and self._process == os.getpid():
            return home.http
        with self._lock:
            gone = self._leave()
            home = self._enter(loop)
        if self._own:
            home.keeper = _keeper(home.http, id(loop), weakref.ref(self))
            await anext(home.keeper)
            for left in gone:
                await _close(left.http)
        return home.http

    def _leave(self) -> list[_Home]:
        """Forget the homes of another process, and those whose loop has ended; return these."""
        process = os.getpid()
        if self._process not in (None, process):
            if not self._own:
                raise openai.OpenAIError(_FORKED)
            # Kept, so that nobody closes them: the selector of their loop is the parent's too.
            self._inherited += self._homes.values()
            self._homes.clear()
        self._process = process
        gone = [home for home in self._homes.values() if home.is_gone]
        for home in gone:
            del self._homes[id(home.loop)]
        while len(self._homes) >= MAX_LOOPS:
            del self._homes[next(iter(self._homes))]
        return gone

    def _enter(self, loop: Any) -> _Home:
        like = self._own and self._used
        home = _Home(loop, _like(self._first) if like else self._first)
        self._used = True
        self._homes[id(loop)] = home
        return home

    def forget(self, loop_id: int, http: Any) -> None:
        """The event loop that `http` is used in is being shut down."""
        home = self._homes.get(loop_id)
        if home is not None and home.http is http:
            del self._homes[loop_id]

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Raises `openai.OpenAIError` where a caller's client fails outside its event loop."""
        try:
            yield
        except RuntimeError as error:
            if self._own or "loop" not in str(error):
                raise
            raise openai.OpenAIError(_OTHER_LOOP.format(error=error)) from error

    @property
    def is_closed(self) -> bool:
        # What openai made is closed with its event loop, and others take its place.
        return self._closed or (not self._own and bool(self._first.is_closed))

    async def close(self) -> None:
        """Close the connections of this event loop; those of others close in their own."""
        self._closed = True
        if not self._own:
            await self._first.aclose()
            return
        with self._lock:
            gone = self._leave()
            homes = [*self._homes.values()]
            self._homes.clear()
        loop = _running_loop()
        for home in [*gone, *(home for home in homes if home.loop is loop)]:
            # By its keeper: one let go would need the loop once more, which may be closed at once.
            await _close(home.keeper or home.http)
        # The keepers of the others are let go here, which closes them in their own loops.
        if not self._used:
            await self._first.aclose()


def _running_loop() -> Any:
    """The asyncio event loop, or what stands for the run of trio."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        trio = sys.modules.get("trio")
        if trio is None:
            raise
        return trio.lowlevel.current_trio_token()


async def _keeper(
    http: Any, loop_id: int, clients: weakref.ref[AsyncHttpClients]
) -> AsyncGenerator[None, None]:
    """Closes the connections of an event loop when the loop is shut down.

    `asyncio.run`, and whatever else ends a loop properly, closes the loop's asynchronous
    generators first: the only moment at which connections can still be closed. It also comes when
    nobody holds the generator any more.
    """
    try:
        yield
    finally:
        owner = clients()
        if owner is not None:
            owner.forget(loop_id, http)
        await _close(http)


async def _close(http_or_keeper: Any) -> None:
    """What cannot be closed, because its loop has ended, is collected."""
    with suppress(Exception):
        await http_or_keeper.aclose()
