"""What the two kinds of upstream exchanges share, and what opens them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from claif_cla.gateway.upstream.accounts import Account
from claif_cla.gateway.upstream.errors import UpstreamFailure
from claif_cla.wire.http import UpstreamRequest

__all__ = ["PeekedExchange", "Times", "Trouble", "Wire", "own_headers"]

_DROPPED = frozenset(
    "accept-encoding authorization connection content-length cookie expect forwarded host"
    " keep-alive te trailer transfer-encoding upgrade user-agent via x-api-key x-real-ip".split()
)
_DROPPED_PREFIXES = ("proxy-", "x-forwarded-")


class Times(NamedTuple):
    """The bounds of one request, in seconds; see `config.sections.Upstream`."""

    connect: float
    first_byte: float
    idle: float
    total: float


class Trouble(NamedTuple):
    """Why an attempt gave no answer that could be used.

    Attributes:
        status: of the answer, or that of the error event; 0 if there was none.
        again: whether the same account may be asked once more.
        elsewhere: whether another account may be asked.
        wait: seconds that upstream wants to be left alone; None if it told none.
        reset: whether a connection broke that had stood.
        failure: what to raise in the end, where there is no answer to hand on.
    """

    status: int
    again: bool
    elsewhere: bool
    wait: float | None = None
    reset: bool = False
    failure: UpstreamFailure | None = None


class PeekedExchange(Protocol):
    """An `AsyncExchange` whose beginning can be looked at before it is handed on."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    async def read(self) -> bytes:
        """`AsyncExchange.read`; raises `UpstreamFailure`."""
        ...

    async def close(self) -> None:
        """Leaves nothing open. Never waits, so that a cancelled task can call it as well."""
        ...

    def put_back(self, piece: bytes) -> None:
        """The next `read` gives this."""
        ...

    def hand_on(self, deadline: float) -> None:
        """From now on the times of a body hold: silence, and an end.

        Args:
            deadline: of `time.perf_counter`.
        """
        ...


class Wire(Protocol):
    """What opens exchanges: HTTP, or the simulator."""

    def configure(self, times: Times, max_connections: int) -> None:
        """New bounds, for the requests to come."""
        ...

    async def send(self, request: UpstreamRequest, account: Account) -> PeekedExchange | Trouble:
        """Send, and return once the status and the headers are there, or why there are none.

        A cancelled one leaves nothing open.
        """
        ...

    async def close(self) -> None: ...


def own_headers(request: UpstreamRequest, account: Account) -> dict[str, str]:
    """The headers that go upstream: none that is the caller's own or of their hop, and our key."""
    headers = {
        name: value
        for name, value in request.headers.items()
        if name not in _DROPPED and not name.startswith(_DROPPED_PREFIXES)
    }
    headers.update(account.headers)
    return headers
