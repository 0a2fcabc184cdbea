"""The line to Redis: scripts run there within a time limit, and a pause after a failure.

Whatever goes wrong (refused, reset, slow, out of memory, read-only after a failover) comes out as
one exception, `Away`. After it nothing is sent for a second, and then one call alone tries: a
Redis that hangs costs one request a second its time limit, not every one.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from typing import Any

import anyio

__all__ = ["PAUSE", "Away", "RedisLine"]

_LOG = logging.getLogger("claif_cla.gateway")

PAUSE = 1.0
"""Seconds without a try after a failure."""
MAX_CONNECTIONS = 64
"""A script takes well below a millisecond: so many at once are tens of thousands a second."""
_CODE = re.compile(r"[A-Z]{3,}\b")
"""What an error reply of Redis begins with; the text behind it may quote what was sent."""


class Away(Exception):  # noqa: N818 - a state, not an error of ours
    """Redis does not answer.

    Attributes:
        is_sent: whether the script may have run all the same.
    """

    def __init__(self, *, is_sent: bool) -> None:
        super().__init__("Redis does not answer")
        self.is_sent = is_sent


class RedisLine:
    """See the module.

    Args:
        url: `redis://`, `rediss://` or `unix://`; it may hold a password, and is never shown.
        timeout: seconds that a call may take, the wait for a connection included.
        monotonic: seconds of a clock that nobody sets.

    Raises:
        ImportError: the library is not installed; the message names the extra.
    """

    def __init__(self, url: str, *, timeout: float, monotonic: Callable[[], float]) -> None:
        self._client = _client(url, timeout)
        self._timeout, self._monotonic = timeout, monotonic
        self._scripts: dict[str, Any] = {}
        self._try_at = 0.0
        self.is_away = False

    async def run(self, script: str, keys: Sequence[str], args: Sequence[object]) -> Any:
        """Run a script.

        Raises:
            Away: there is no answer.
        """
        if self.is_away:
            now = self._monotonic()
            if now < self._try_at:
                raise Away(is_sent=False)
            self._try_at = now + PAUSE  # this call tries, the others go on as before
        loaded = self._scripts.get(script)
        if loaded is None:
            loaded = self._scripts[script] = self._client.register_script(script)
        cancelled = _cancellations()
        try:
            with anyio.fail_after(self._timeout):
                answer = await loaded(keys=keys, args=args)
        except Exception as error:  # noqa: BLE001 - whatever it is, requests go on
            self._failed(error)
            raise Away(is_sent=True) from None  # the cause may quote the address
        # The library loses one while it connects, and a caller who has left would be served.
        if _cancellations() > cancelled:
            raise asyncio.CancelledError
        if self.is_away:
            self.is_away = False
            _LOG.warning("Redis answers again; limits are shared again")
        return answer

    def _failed(self, error: Exception) -> None:
        self._try_at = self._monotonic() + PAUSE
        if not self.is_away:
            self.is_away = True
            # Once for each time that it goes; the text may quote the address, the type does not.
            _LOG.warning("Redis does not answer (%s); see cluster.when_redis_is_down", _kind(error))

    async def close(self) -> None:
        """Close the connections."""
        try:
            with anyio.move_on_after(PAUSE, shield=True):
                await self._client.aclose()
        except Exception as error:  # noqa: BLE001 - it is given up either way
            _LOG.debug("closing the connections to Redis failed (%s)", _kind(error))


def _cancellations() -> int:
    """How often the current task was cancelled; 0 on Python 3.10, which does not count."""
    asked: int = getattr(asyncio.current_task(), "cancelling", int)()
    return asked


def _kind(error: Exception) -> str:
    """The error's class, with Redis's own code where the library has no class for it (`DENIED`)."""
    name = type(error).__name__
    code = _CODE.match(str(error)) if name == "ResponseError" else None
    return f"{name} {code[0]}" if code else name


def _client(url: str, timeout: float) -> Any:
    try:
        from redis.asyncio import BlockingConnectionPool, Redis  # noqa: PLC0415 - an extra
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415
    except ImportError as error:
        message = "cluster.redis_url needs a library: pip install 'claif_cla[redis]'"
        raise ImportError(message) from error
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=MAX_CONNECTIONS,
        timeout=timeout,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        # A script that has run may not be run again unseen: `Away` says so, and we decide.
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
    )
    return Redis.from_pool(pool)
