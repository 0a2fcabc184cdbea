"""The gateway's way upstream: which account, how often, how long.

    turn ── send ── status ── first event ── handed on
      ↑                 trouble: another account at once, or the same one after a while
      └─────────────────────┘

All of it happens before the flow has seen anything of the answer. What is then still an error is
the answer: the flow translates it as it came.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from random import random
from typing import TYPE_CHECKING, NamedTuple

from claif_cla.backends.base import Hop
from claif_cla.gateway.config import tls_of
from claif_cla.gateway.upstream.accounts import Account, Accounts, accounts_of
from claif_cla.gateway.upstream.cleaned_error import CleanedError, KeyRedactor
from claif_cla.gateway.upstream.deadline import Deadline
from claif_cla.gateway.upstream.errors import UpstreamFailure, UpstreamTimeout
from claif_cla.gateway.upstream.exchange import PeekedExchange, Times, Trouble, Wire
from claif_cla.gateway.upstream.readiness import Readiness
from claif_cla.gateway.upstream.trouble import first_event_trouble, status_trouble
from claif_cla.wire.http import AsyncExchange, UpstreamRequest

if TYPE_CHECKING:
    from claif_cla.gateway.config import Config
    from claif_cla.gateway.visit import Visit

__all__ = ["Upstream"]

FIRST_BACKOFF, MAX_BACKOFF = 0.5, 8.0
"""Seconds before the second attempt, and the longest; each further one doubles it. Those of both
SDKs."""
JITTER = 0.25
"""By how much a backoff may be shorter, so that those who failed together do not come back so."""
MAX_WAIT = 10.0
"""The longest `retry-after` that is waited for here. Who is told more can decide for themselves."""
READY_ACCOUNTS = 3
"""How many accounts are tried before upstream counts as not ready."""
READY = UpstreamRequest("GET", "/v1/models", {"anthropic-version": "2023-06-01"}, b"", "limit=1")
"""Cheap, costs no tokens, and needs a key that is good."""


class _Attempt(NamedTuple):
    exchange: PeekedExchange | None
    trouble: Trouble | None


class Upstream:
    """See the module. One for each process; it belongs to the loop that first opens something.

    Args:
        config: its sections `upstream` and `accounts`.
        wire: what opens exchanges; by `config.upstream.backend` unless given.
        clock: seconds that only go forward.
        pause: waits.
        chance: a number from 0 to 1, for the jitter.

    Attributes:
        redacted: blots keys out of what upstream said: of an error in the middle of an answer,
            which is not looked at here.

    Raises:
        ValueError: there is no account.
    """

    def __init__(
        self,
        config: Config,
        *,
        wire: Wire | None = None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random,
    ) -> None:
        self._pause, self._chance = pause, chance
        section = config.upstream
        self._backend = section.backend
        self._times = _times(config)
        self._max_retries = section.max_retries
        self._accounts = Accounts(_accounts(config), clock)
        self.redacted = KeyRedactor(self._accounts)
        self._wire = wire or _wire(config, self._times)
        self._ready = Readiness(self._answers, section.ready_seconds, clock)
        self._loop: asyncio.AbstractEventLoop | None = None

    def replace(self, config: Config) -> None:
        """Serve the requests to come by this configuration; open exchanges go on as they are.

        Accounts that stay keep their cool-down. The connections are kept.

        Raises:
            ValueError: there is no account, or another `backend`, which takes a restart. Nothing
                has changed then.
        """
        section = config.upstream
        if section.backend != self._backend:
            raise ValueError("`upstream.backend` cannot change while the gateway runs; restart it")
        accounts = _accounts(config)
        self._times, self._max_retries = _times(config), section.max_retries
        self._accounts = self._accounts.renewed(accounts)
        self.redacted.add(accounts)
        self._wire.configure(self._times, section.max_connections)
        self._ready.holds = section.ready_seconds
        self._ready.forget()

    def accounts_state(self) -> list[tuple[str, bool]]:
        """Each account's name, and whether it is left alone at the moment."""
        return self._accounts.state()

    async def aopen(self, request: UpstreamRequest, hop: Hop) -> AsyncExchange:
        """Send, and return once there is an answer: its status, and of a stream its first event.

        Args:
            request: as a flow makes it, or as it came; the caller's own key in it is left out.
            hop: `hop.http` is the visit, which is told `account`, `attempts` and
                `upstream_seconds`.

        Returns:
            The answer, or the last error that upstream gave, without keys in it. `read` raises
            `UpstreamTimeout` and `UpstreamCut`; `close` closes the connection at once unless the
            body is all there.

        Raises:
            UpstreamFailure: nothing came.
        """
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        visit: Visit = hop.http
        accounts, retries = self._accounts, self._max_retries
        deadline = visit.started_at + self._times.total
        account = accounts.first(visit.account)
        for left in range(retries, -1, -1):
            attempt = self._attempt if visit.trace is None else self._traced
            exchange, trouble = await attempt(request, account, visit, deadline)
            if trouble is None:
                accounts.went_well(account)
                break
            accounts.went_wrong(account, trouble)
            following = self._following(accounts, account, trouble, retries - left, deadline)
            if left == 0 or following is None:
                break
            if exchange is not None:
                await exchange.close()
            account, wait = following
            if wait:
                await self._pause(wait)
        if exchange is None:
            assert trouble is not None and trouble.failure is not None  # noqa: PT018, S101
            raise trouble.failure
        exchange.hand_on(deadline)
        if trouble is None and exchange.status < 400:
            return exchange
        return CleanedError(exchange, self.redacted)

    def _following(
        self, accounts: Accounts, account: Account, trouble: Trouble, tried: int, deadline: float
    ) -> tuple[Account, float] | None:
        """Who is asked next, after how many seconds; None where the answer stands."""
        if trouble.elsewhere and (other := accounts.another(account)) is not None:
            return other, 0.0
        if not trouble.again:
            return None
        backoff = min(FIRST_BACKOFF * 2.0**tried, MAX_BACKOFF) * (1 - JITTER * self._chance())
        wait = backoff if not trouble.wait else trouble.wait
        remaining = deadline - time.perf_counter()
        if wait > MAX_WAIT or wait >= remaining:
            return None
        return account, wait

    async def _traced(
        self, request: UpstreamRequest, account: Account, visit: Visit, deadline: float
    ) -> _Attempt:
        """`_attempt`, in a span of its own, which upstream is told."""
        trace = visit.trace  # a request that ends meanwhile lets go of it
        span = trace.attempt(visit, request.method, account.name)
        if span is None:
            return await self._attempt(request, account, visit, deadline)
        headers = {**request.headers, **span.headers}
        sent = UpstreamRequest(request.method, request.path, headers, request.body, request.query)
        exchange, trouble = await self._attempt(sent, account, visit, deadline)
        trace.came(span, exchange, trouble)
        return _Attempt(exchange, trouble)

    async def _attempt(
        self, request: UpstreamRequest, account: Account, visit: Visit, deadline: float
    ) -> _Attempt:
        """One request to one account, up to what tells whether it is an answer."""
        visit.account = account.name
        visit.attempts += 1
        visit.untold += 1
        exchange: PeekedExchange | None = None
        began = time.perf_counter()
        try:
            with Deadline(min(self._times.first_byte, deadline - began), self._loop):
                try:
                    sent = await self._wire.send(request, account)
                finally:
                    visit.upstream_seconds += time.perf_counter() - began
                if isinstance(sent, Trouble):
                    visit.untold -= 1
                    return _Attempt(None, sent)
                exchange = sent
                trouble = status_trouble(exchange.status, exchange.headers, time.time())
                if trouble is None and _is_stream(exchange):
                    trouble = await first_event_trouble(exchange)
                if trouble is not None or exchange.status >= 400:
                    visit.untold -= 1  # errors are free
                return _Attempt(exchange, trouble)
        except UpstreamFailure as failure:  # before the first event
            visit.untold -= 1
            return _Attempt(None, _broken(failure))
        except BaseException:  # the caller left
            if exchange is not None:
                await exchange.close()
            raise
        if exchange is not None:
            await exchange.close()
        late = UpstreamTimeout("Upstream did not begin to answer in time.", account.name)
        # Not again: it may be at work on it, which costs what it costs.
        return _Attempt(None, Trouble(0, again=False, elsewhere=False, failure=late))

    async def ready(self) -> bool:
        """Whether upstream answers and takes a key of ours. The answer holds for a while."""
        return await self._ready.ready()

    async def _answers(self) -> bool:
        for account in [*self._accounts][:READY_ACCOUNTS]:
            sent = await self._wire.send(READY, account)
            if isinstance(sent, Trouble):
                continue
            await sent.close()
            if sent.status < 500 and sent.status not in (401, 403):
                return True
        return False

    async def close(self) -> None:
        """Close every connection. Requests that come after fail with `UpstreamUnreachable`."""
        await self._ready.close()
        await self._wire.close()


def _is_stream(exchange: PeekedExchange) -> bool:
    return exchange.headers.get("content-type", "").startswith("text/event-stream")


def _broken(failure: UpstreamFailure) -> Trouble:
    return Trouble(0, again=True, elsewhere=True, reset=True, failure=failure)


def _times(config: Config) -> Times:
    section = config.upstream
    return Times(
        section.connect_seconds,
        section.first_byte_seconds,
        section.idle_seconds,
        section.total_seconds,
    )


def _accounts(config: Config) -> list[Account]:
    section = config.upstream
    if section.backend == "simulator":
        return [Account("simulator")]
    return accounts_of(config.accounts, section.base_url)


def _wire(config: Config, times: Times) -> Wire:
    """What is imported here is what is used: neither aiohttp nor the simulator comes for free."""
    if config.upstream.backend == "simulator":
        from claif_cla.gateway.upstream.simulated import SimulatedWire  # noqa: PLC0415

        return SimulatedWire(times)
    from claif_cla.gateway.upstream.aiohttp_wire import AiohttpWire  # noqa: PLC0415

    section = config.upstream
    proxy = section.proxy.get_secret_value() if section.proxy is not None else None
    return AiohttpWire(times, section.max_connections, proxy=proxy, tls=tls_of(config))
