"""The HTTP library that an openai request belongs to: `httpx` under openai 2, `httpx2` under 3.

Both have the same classes under the same names. Which one it is shows on the request, so that a
legacy `httpx.Client`, which openai 3 still accepts, works as well. Neither is imported here:
whoever made the request has done that.
"""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterator,
)
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple

from claif_cla.translate.flow import Chunk
from claif_cla.wire import json_text, sse

__all__ = ["HttpLibrary", "library_of"]

_DONE = sse.encode(b"[DONE]")


class HttpLibrary(NamedTuple):
    """The classes of one library that the transport needs.

    Attributes:
        response: the response class.
        sync_body, async_body: byte streams of a response, made of a generator of chunks and of a
            function that gives up what it reads from. Closing one does that at once: also before
            the first chunk was asked for, and while another thread or task waits for one. Who
            needs no bytes takes the `chunks` themselves.
        timeout: base of its timeout exceptions.
        wire_faults: bases of what is raised when the wire fails while a body is read. `OSError`
            is among them: a TLS failure can come through unmapped.
        cut: its exception for a peer that ends in the middle.
    """

    response: Any
    sync_body: Any
    async_body: Any
    timeout: type[Exception]
    wire_faults: tuple[type[Exception], ...]
    cut: Any


class _SyncBody:
    def __init__(self, chunks: Generator[Chunk, None, None], release: Callable[[], None]) -> None:
        self.chunks = chunks
        self._release = release

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self.chunks:
            yield _encoded(chunk)
        yield _DONE

    def close(self) -> None:
        self._release()
        with suppress(ValueError):  # it runs in another thread, which meets the closed connection
            self.chunks.close()


class _AsyncBody:
    def __init__(
        self, chunks: AsyncGenerator[Chunk, None], release: Callable[[], Awaitable[None]]
    ) -> None:
        self.chunks = chunks
        self._release = release

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self.chunks:
            yield _encoded(chunk)
        yield _DONE

    async def aclose(self) -> None:
        await self._release()
        with suppress(RuntimeError):  # it runs in another task, which meets the closed connection
            await self.chunks.aclose()


def _encoded(chunk: Chunk) -> bytes:
    return sse.encode(json_text.dump_bytes(chunk))


def library_of(request: Any) -> HttpLibrary:
    """The library of a request, or of a client."""
    for kind in type(request).__mro__:
        name = kind.__module__.partition(".")[0]
        if name in ("httpx", "httpx2"):
            return _library(name)
    message = f"{type(request).__qualname__} belongs neither to httpx nor to httpx2"
    raise TypeError(message)


@lru_cache(maxsize=2)
def _library(name: str) -> HttpLibrary:
    module = import_module(name)
    return HttpLibrary(
        response=module.Response,
        sync_body=type("SyncBody", (_SyncBody, module.SyncByteStream), {}),
        async_body=type("AsyncBody", (_AsyncBody, module.AsyncByteStream), {}),
        timeout=module.TimeoutException,
        wire_faults=(module.RequestError, OSError),
        cut=module.RemoteProtocolError,
    )
