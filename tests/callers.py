"""One way to write a test for both clients: a `Caller` is a client and, if it is async, its loop.

    def test_x(new_caller, server):
        caller = new_caller(max_retries=1)
        answer = caller.create(messages=HELLO)
        with caller.stream(messages=HELLO) as stream: ...

What an async client would be awaited for, a caller returns; what it would be iterated for with
`async for`, a caller iterates.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from claif_cla import AsyncClaudeClient, ClaudeClient

__all__ = ["HELLO", "AsyncCaller", "Caller", "SyncCaller"]

HELLO = [{"role": "user", "content": "Hello!"}]


class SyncCaller:
    """`ClaudeClient`."""

    kind = "sync"

    def __init__(self, **options: Any) -> None:
        self.client: Any = ClaudeClient(**options)

    def run(self, outcome: Any) -> Any:
        """What a call of the client gives, awaited where it has to be."""
        return outcome

    def key_source(self, source: Callable[[], str]) -> Any:
        """A function for `api_key`."""
        return source

    def create(self, **params: Any) -> Any:
        return self.run(self.client.chat.completions.create(**params))

    def iterate(self, stream: Any) -> Iterator[Any]:
        """Whatever iterates, sync or async."""
        return iter(stream)

    @contextlib.contextmanager
    def entered(self, context: Any) -> Iterator[Any]:
        """Whatever is entered, sync or async."""
        with context as inside:
            yield inside

    def stream(self, **params: Any) -> Any:
        """The context of `chat.completions.stream`."""
        return self.entered(self.client.chat.completions.stream(**params))

    def close(self) -> None:
        self.client.close()


class AsyncCaller(SyncCaller):
    """`AsyncClaudeClient`, in an event loop of its own."""

    kind = "async"

    def __init__(self, **options: Any) -> None:
        self.loop = asyncio.new_event_loop()
        self.client = AsyncClaudeClient(**options)

    def run(self, outcome: Any) -> Any:
        if not isinstance(outcome, Awaitable):
            return outcome
        return self.loop.run_until_complete(outcome)

    def key_source(self, source: Callable[[], str]) -> Any:
        async def asked() -> str:
            return source()

        return asked

    def iterate(self, stream: Any) -> Iterator[Any]:
        iterator = aiter(stream)
        while True:
            try:
                item = self.run(anext(iterator))
            except StopAsyncIteration:
                return
            yield item

    @contextlib.contextmanager
    def entered(self, context: Any) -> Iterator[Any]:
        inside = self.run(context.__aenter__())
        try:
            yield inside
        except BaseException as error:
            if not self.run(context.__aexit__(type(error), error, error.__traceback__)):
                raise
        else:
            self.run(context.__aexit__(None, None, None))

    def close(self) -> None:
        self.run(self.client.close())
        self.run(self.loop.shutdown_asyncgens())
        self.loop.close()


Caller = SyncCaller
"""The type of both, for annotations."""
