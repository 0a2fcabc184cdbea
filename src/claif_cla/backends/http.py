"""The backend that talks HTTP: Anthropic's API, or any server that speaks the Messages API.

It sends through the HTTP client of the openai client, the caller's own if they gave one, so
that proxies, certificates, limits and timeouts are theirs. It retries nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from claif_cla.backends.base import Hop
from claif_cla.http_request import adds_only_headers, made, parsed
from claif_cla.wire.http import UpstreamRequest
from claif_cla.wire.secret_headers import redact_error

__all__ = ["AsyncHttpExchange", "HttpBackend", "HttpExchange"]

ANTHROPIC_HOST = "api.anthropic.com"


class HttpBackend:
    """See `Backend`. Without state: one instance serves every client."""

    name = "anthropic"
    needs_key = True

    def is_official(self, root: str) -> bool:
        return _host(root) == ANTHROPIC_HOST

    def open(self, request: UpstreamRequest, hop: Hop) -> HttpExchange:
        try:
            response = hop.http.send(_built(request, hop), stream=True, **hop.options)
        except Exception as error:
            redact_error(error)
            raise
        return HttpExchange(response)

    async def aopen(self, request: UpstreamRequest, hop: Hop) -> AsyncHttpExchange:
        try:
            response = await hop.http.send(_built(request, hop), stream=True, **hop.options)
        except Exception as error:
            redact_error(error)
            raise
        return AsyncHttpExchange(response)


def _built(request: UpstreamRequest, hop: Hop) -> Any:
    http = hop.http
    url = parsed(http.base_url.__class__, f"{hop.root}{request.path}", request.query)
    if adds_only_headers(http):
        headers = [
            (name.encode("ascii"), value.encode("ascii")) for name, value in request.headers.items()
        ]
        return made(
            http,
            request.method,
            url,
            headers=headers,
            extensions=hop.extensions,
            content=request.body,
        )
    built = http.build_request(
        request.method,
        url,
        headers=dict(request.headers),
        content=request.body,
        extensions=dict(hop.extensions),
    )
    if http.params:
        # A client with `params` of its own has put them in the place of the query, in which
        # they are already.
        built.url = url
    return built


@lru_cache(maxsize=256)
def _host(root: str) -> str | None:
    return urlsplit(root).hostname


def _headers(response: Any) -> Mapping[str, str]:
    """The headers by lower-case name; several of one are joined.

    Their own `items()` takes half again as long, for encodings that no header of the API's has.
    """
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers.raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _is_plain(response: Any, headers: Mapping[str, str]) -> bool:
    """Whether the bytes of the body are those of the wire, which nothing need decode.

    A response whose body is there already, such as a mock's, has no wire any more.
    """
    return "content-encoding" not in headers and not response.is_stream_consumed


class HttpExchange:
    """An open response of `httpx` or `httpx2`; see `Exchange`."""

    def __init__(self, response: Any) -> None:
        self._response = response
        self.status: int = response.status_code
        self.headers = _headers(response)
        is_plain = _is_plain(response, self.headers)
        self._pieces: Iterator[bytes] = response.iter_raw() if is_plain else response.iter_bytes()

    def read(self) -> bytes:
        try:
            return next(self._pieces, b"")
        except Exception as error:
            redact_error(error)
            raise

    def close(self) -> None:
        self._response.close()


class AsyncHttpExchange:
    """See `AsyncExchange`."""

    def __init__(self, response: Any) -> None:
        self._response = response
        self.status: int = response.status_code
        self.headers = _headers(response)
        is_plain = _is_plain(response, self.headers)
        pieces: AsyncIterator[bytes] = response.aiter_raw() if is_plain else response.aiter_bytes()
        self._pieces = pieces

    async def read(self) -> bytes:
        try:
            return await anext(self._pieces, b"")
        except Exception as error:
            redact_error(error)
            raise

    async def close(self) -> None:
        await self._response.aclose()
