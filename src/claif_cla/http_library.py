"""The HTTP library that an openai request belongs to: `httpx` under openai 2, `httpx2` under 3.

Both have the same classes under the same names. Which one it is shows on the request, so that a
legacy `httpx.Client`, which openai 3 still accepts, works as well. Neither is imported here:
whoever made the request has done that.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

__all__ = ["HttpLibrary", "library_of"]


@dataclass(frozen=True, slots=True)
class HttpLibrary:
    """The classes of one library that the transport needs.

    Attributes:
        response: the response class.
        sync_body, async_body: byte streams around a generator; closing one closes the generator
            at once, which a plain generator given to a response would not do.
        timeout: base of its timeout exceptions.
        error: base of everything that it raises for the wire.
        cut: its exception for a peer that ends in the middle.
    """

    response: Any
    sync_body: Any
    async_body: Any
    timeout: type[Exception]
    error: type[Exception]
    cut: Any


class _SyncBody:
    def __init__(self, pieces: Generator[bytes, None, None]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        self._pieces.close()


class _AsyncBody:
    def __init__(self, pieces: AsyncGenerator[bytes, None]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces

    async def aclose(self) -> None:
        await self._pieces.aclose()


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
        error=module.TransportError,
        cut=module.RemoteProtocolError,
    )
