"""HTTP to upstream over aiohttp: one pool of connections for all accounts.

aiohttp, as its parser is compiled and a whole request costs a fraction of what it does with httpx.
Nothing of the process's surroundings counts: no proxy variables, no `.netrc`, no cookies.
"""

from __future__ import annotations

import asyncio
import ssl
from functools import lru_cache
from importlib.metadata import version

import aiohttp
from yarl import URL

from claif_cla.gateway.denial import Denial
from claif_cla.gateway.room import Room
from claif_cla.gateway.upstream.accounts import Account
from claif_cla.gateway.upstream.aiohttp_exchange import AiohttpExchange
from claif_cla.gateway.upstream.errors import (
    UpstreamBusy,
    UpstreamFailure,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from claif_cla.gateway.upstream.exchange import Times, Trouble, own_headers
from claif_cla.gateway.upstream.large_body import LARGE, LargeBody
from claif_cla.wire.http import UpstreamRequest

__all__ = ["AiohttpWire"]

READ_BUFFER = 64 * 1024
"""Bytes of one answer that are held (aiohttp holds twice as many) while the caller is slow to
read; then the socket is left to fill, and upstream waits."""
KEEP_ALIVE_SECONDS = 30.0
"""How long an idle connection is kept: below what servers and the networks between allow, so that
a request seldom meets one that is being closed."""
MAX_WAITING = 10_000
"""Requests that may wait for a connection. The doors let far fewer in."""

_FAILED = (aiohttp.ClientError, OSError, asyncio.TimeoutError)


class AiohttpWire:
    """See the module.

    Args:
        times: bounds of each request.
        max_connections: that are open at the same time; further requests wait for one.
        proxy: URL of an HTTP proxy; none unless given.
        tls: how upstream is verified; by the system's authorities unless given.
    """

    def __init__(
        self,
        times: Times,
        max_connections: int,
        *,
        proxy: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._proxy, self._tls = proxy, tls
        self._session: aiohttp.ClientSession | None = None
        self._open: set[AiohttpExchange] = set()
        self._closed = False
        self._room = Room(max_connections, MAX_WAITING, times.connect)
        self.configure(times, max_connections)

    def configure(self, times: Times, max_connections: int) -> None:
        self._times = times
        self._timeout = aiohttp.ClientTimeout(connect=times.connect)
        self._room.resize(max_connections, MAX_WAITING, times.connect)

    @property
    def taken(self) -> int:
        """How many requests hold a connection, or are about to."""
        return self._room.taken

    async def send(self, request: UpstreamRequest, account: Account) -> AiohttpExchange | Trouble:
        if self._closed:
            return _trouble(UpstreamUnreachable("The gateway stops.", account.name), again=False)
        try:
            if not self._room.enter_now():
                await self._room.enter()
        except Denial:
            busy = UpstreamBusy("All connections to upstream are taken; try again.", account.name)
            return _trouble(busy, again=False)
        try:
            response = await self._sent(request, account)
        except _FAILED as error:
            self._room.leave()
            return _failed(error, account.name)
        except BaseException:
            self._room.leave()
            raise
        exchange = AiohttpExchange(response, account.name, self._times.idle, self._left)
        self._open.add(exchange)
        return exchange

    def _left(self, exchange: AiohttpExchange) -> None:
        self._open.discard(exchange)
        self._room.leave()

    async def _sent(self, request: UpstreamRequest, account: Account) -> aiohttp.ClientResponse:
        body = request.body
        session = self._session or self._opened()
        return await session.request(
            request.method,
            _url(account.root, request.path, request.query),
            data=(LargeBody(body) if len(body) > LARGE else body) or None,
            headers=own_headers(request, account),
            allow_redirects=False,  # a key goes nowhere but where the operator sends it
            timeout=self._timeout,
        )

    def _opened(self) -> aiohttp.ClientSession:
        """The session: made here, as it belongs to the loop that runs."""
        connector = aiohttp.TCPConnector(
            limit=0,  # the room counts: it can change, and tells when it is full
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            ssl=self._tls or True,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"user-agent": f"claif-cla/{version('claif_cla')}"},
            trust_env=False,
            proxy=self._proxy,
            read_bufsize=READ_BUFFER,
            timeout=self._timeout,
        )
        return self._session

    async def close(self) -> None:
        """Close all connections; further requests fail. May be called twice."""
        self._closed = True
        for exchange in [*self._open]:
            exchange.cut()
        session, self._session = self._session, None
        if session is not None:
            await session.close()


@lru_cache(maxsize=256)
def _url(root: str, path: str, query: str) -> URL:
    # As it is: whoever made the path has quoted it, and a query goes up byte for byte.
    return URL(f"{root}{path}?{query}" if query else f"{root}{path}", encoded=True)


def _trouble(failure: UpstreamFailure, *, again: bool = True, reset: bool = False) -> Trouble:
    return Trouble(0, again=again, elsewhere=again, reset=reset, failure=failure)


def _failed(error: BaseException, account: str) -> Trouble:
    """What went wrong, in words of ours: aiohttp's errors hold the request and its key."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return _trouble(UpstreamTimeout("Upstream took too long to connect to.", account))
    for kind, what in _REASONS:
        if isinstance(error, kind):
            reset = not isinstance(error, aiohttp.ClientConnectorError)
            message = f"Upstream could not be reached: {what}."
            return _trouble(UpstreamUnreachable(message, account), reset=reset)
    message = "Upstream hung up before it answered."
    return _trouble(UpstreamUnreachable(message, account), reset=True)


_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "its name is not known"),
    (aiohttp.ClientConnectorCertificateError, "its certificate is not trusted"),
    (aiohttp.ClientSSLError, "it does not speak TLS as it should"),
    (aiohttp.ClientProxyConnectionError, "the proxy takes no connection"),
    (aiohttp.ClientConnectorError, "it takes no connection"),
    (aiohttp.ClientHttpProxyError, "the proxy refuses"),
    (aiohttp.ClientResponseError, "what answers does not speak HTTP"),
)
"""The more special ones first."""
