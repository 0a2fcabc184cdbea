"""HTTP messages in the neutral form that the core and the backends share.

No HTTP library is named here: the core must not know whether openai brought `httpx` or
`httpx2`, or whether the bytes come from a socket or from the simulator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

__all__ = ["AsyncExchange", "Exchange", "UpstreamRequest"]


class UpstreamRequest:
    """One request to a server that speaks the Messages API.

    Attributes:
        method: upper-case HTTP method.
        path: below the API root, with the version: `/v1/messages`.
        headers: lower-case names.
        body: the bytes to send; empty for GET.
        query: the query string without `?`, as it came from the caller.

    It is no tuple and no dataclass, and so shows nothing of itself, as it holds keys and prompts:
    debuggers and error reports print the variables of a traceback.
    """

    def __init__(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        query: str = "",
    ) -> None:
        self.method = method
        self.path = path
        self.headers: Mapping[str, str] = {} if headers is None else headers
        self.body = body
        self.query = query


class Exchange(Protocol):
    """An answered request whose body is read piece by piece. `close` may be called twice."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]:
        """Lower-case names; content-encoding is already undone."""
        ...

    def read(self) -> bytes:
        """The next bytes of the body as they arrive; empty at its end."""
        ...

    def close(self) -> None: ...


class AsyncExchange(Protocol):
    """`Exchange` for the async driver."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    async def read(self) -> bytes: ...
    async def close(self) -> None: ...
