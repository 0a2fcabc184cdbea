"""What a backend is: something that answers a Messages request."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, runtime_checkable

from claif_cla.wire.http import AsyncExchange, Exchange, UpstreamRequest

__all__ = ["Backend", "Hop"]

_NONE: Mapping[str, Any] = MappingProxyType({})


class Hop(NamedTuple):
    """What the caller's client brings to the upstream hop; the simulator ignores it.

    Attributes:
        http: the caller's HTTP client (`Client` or `AsyncClient` of httpx or httpx2).
        root: the API root without a trailing slash or `/v1`: `https://api.anthropic.com`.
        extensions: of the caller's request; carries its timeouts.
        options: further arguments of the client's `send`, such as `follow_redirects`.
    """

    http: Any
    root: str
    extensions: Mapping[str, Any] = _NONE
    options: Mapping[str, Any] = _NONE


@runtime_checkable
class Backend(Protocol):
    """Answers Messages requests, whole or streamed, sync and async.

    Errors of the wire (connection refused, timeouts, resets) are raised as the HTTP library of
    `hop.http` raises them, so that the openai SDK sees and retries them as its own.

    Attributes:
        name: for messages and logs.
        needs_key: whether a client without a key is refused at construction.
    """

    name: str
    needs_key: bool

    def is_official(self, root: str) -> bool:
        """Whether `root` is Anthropic's own API, where retired models no longer answer."""
        ...

    def open(self, request: UpstreamRequest, hop: Hop) -> Exchange:
        """Send, and return once the status and the headers are there."""
        ...

    async def aopen(self, request: UpstreamRequest, hop: Hop) -> AsyncExchange:
        """`open`, for the async client."""
        ...
