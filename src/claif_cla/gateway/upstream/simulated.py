"""The simulator as upstream: in process, with its errors and breakages as the wire would have them.

For trying the gateway out, and for its tests. It answers without an account.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter

import anyio

from claif_cla.backends.base import Hop
from claif_cla.backends.simulator import SimulatorBackend
from claif_cla.gateway.upstream.accounts import Account
from claif_cla.gateway.upstream.errors import UpstreamCut, UpstreamTimeout, UpstreamUnreachable
from claif_cla.gateway.upstream.exchange import Times, Trouble, own_headers
from claif_cla.wire.http import AsyncExchange, UpstreamRequest

__all__ = ["SimulatedWire"]

_NO_CLIENT = Hop(None, "")
"""Without a client of httpx the simulator knows no timeout; those of the gateway are held here."""


class SimulatedWire:
    """See `Wire`.

    Args:
        times: bounds of each request.
        backend: with an engine of your own; a new one unless given.
    """

    def __init__(self, times: Times, backend: SimulatorBackend | None = None) -> None:
        self.backend = backend or SimulatorBackend()
        self.configure(times, 0)

    def configure(self, times: Times, max_connections: int) -> None:
        self._idle = times.idle

    async def send(
        self, request: UpstreamRequest, account: Account
    ) -> _SimulatedExchange | Trouble:
        mine = UpstreamRequest(
            request.method,
            request.path,
            own_headers(request, account),
            request.body,
            request.query,
        )
        try:
            exchange = await self.backend.aopen(mine, _NO_CLIENT)
        except Exception as error:
            if not _is_cut(error):
                raise
        else:
            return _SimulatedExchange(exchange, account.name, self._idle)
        failure = UpstreamUnreachable("Upstream hung up before it answered.", account.name)
        return Trouble(0, again=True, elsewhere=True, reset=True, failure=failure)

    async def close(self) -> None:
        """There is nothing to close."""


def _is_cut(error: Exception) -> bool:
    """By name: the simulator raises as httpx or httpx2 would, which need not be imported here."""
    return type(error).__name__ == "RemoteProtocolError"


class _SimulatedExchange:
    """See `PeekedExchange`."""

    def __init__(self, exchange: AsyncExchange, account: str, idle: float) -> None:
        self._exchange, self._account, self._idle = exchange, account, idle
        self._ahead = b""
        self._deadline: float | None = None
        self.status = exchange.status
        self.headers: Mapping[str, str] = exchange.headers

    async def read(self) -> bytes:
        if self._ahead:
            piece, self._ahead = self._ahead, b""
            return piece
        if self._deadline is None:
            return await self._piece()
        now = perf_counter()
        silence = now + self._idle
        with anyio.move_on_after(min(silence, self._deadline) - now) as scope:
            return await self._piece()
        assert scope.cancelled_caught  # noqa: S101 - the only way here
        await self.close()
        if silence < self._deadline:
            raise UpstreamTimeout("Upstream fell silent in the middle.", self._account)
        raise UpstreamTimeout("The answer took longer than a whole one may.", self._account)

    async def _piece(self) -> bytes:
        try:
            return await self._exchange.read()
        except Exception as error:
            if not _is_cut(error):
                raise
        await self.close()
        raise UpstreamCut("Upstream broke its answer off.", self._account)

    def put_back(self, piece: bytes) -> None:
        self._ahead = piece

    def hand_on(self, deadline: float) -> None:
        self._deadline = deadline

    async def close(self) -> None:
        self._ahead = b""
        await self._exchange.close()
