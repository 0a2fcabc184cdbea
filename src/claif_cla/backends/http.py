"""The backend that talks HTTP: Anthropic's API, or any server that speaks the Messages API.

It sends through the HTTP client of the openai client, the caller's own if they gave one, so
that proxies, certificates, limits and timeouts are theirs. It retries nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from claif_cla.backends.base import Hop
from claif_cla.wire.http import UpstreamRequest

__all__ = ["AsyncHttpExchange", "HttpBackend", "HttpExchange"]

ANTHROPIC_HOST = "api.anthropic.com"


class HttpBackend:
    """See `Backend`. Without state: one instance serves every client."""

    name = "anthropic"
    needs_key = True

    def is_official(self, root: str) -> bool:
        return urlsplit(root).hostname == ANTHROPIC_HOST

    def open(self, request: UpstreamRequest, hop: Hop) -> HttpExchange:
        response = hop.http.send(_built(request, hop), stream=True, **hop.options)
        return HttpExchange(response)

    async def aopen(self, request: UpstreamRequest, hop: Hop) -> AsyncHttpExchange:
        response = await hop.http.send(_built(request, hop), stream=True, **hop.options)
        return AsyncHttpExchange(response)


def _built(request: UpstreamRequest, hop: Hop) -> Any:
    built = hop.http.build_request(
        request.method,
        f"{hop.root}{request.path}",
        headers=dict(request.headers),
        content=request.body,
        extensions=dict(hop.extensions),
    )
    # Afterwards: a client with `params` of its own would put them in the place of this query,
    # in which they are already.
    built.url = built.url.copy_with(query=request.query.encode() or None)
    return built


def _headers(response: Any) -> Mapping[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


class HttpExchange:
    """An open response of `httpx` or `httpx2`; see `Exchange`."""

    def __init__(self, response: Any) -> None:
        self._response = response
        self._pieces: Iterator[bytes] = response.iter_bytes()
        self.status: int = response.status_code
        self.headers = _headers(response)

    def read(self) -> bytes:
        return next(self._pieces, b"")

    def close(self) -> None:
        self._response.close()


class AsyncHttpExchange:
    """See `AsyncExchange`."""

    def __init__(self, response: Any) -> None:
        self._response = response
        self._pieces: AsyncIterator[bytes] = response.aiter_bytes()
        self.status: int = response.status_code
        self.headers = _headers(response)

    async def read(self) -> bytes:
        return await anext(self._pieces, b"")

    async def close(self) -> None:
        await self._response.aclose()
