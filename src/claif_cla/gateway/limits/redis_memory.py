"""Which Redis it is: the one that was told of all money, or one that has lost its memory since.

A Redis is known by a random text in it (`<prefix>:memory`). Whoever finds none writes one, and so
begins a new memory; the others find another text than they know, and tell their sums again. The
text stands in the sums of each key too, so that a call is judged by sums of one memory alone: see
`scripts`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from claif_cla.gateway.limits.redis_line import RedisLine
from claif_cla.gateway.limits.scripts import REMEMBER

__all__ = ["SETTLE_SECONDS", "RedisMemory"]

SETTLE_SECONDS = 3.0
"""How long a Redis that has lost its memory is not asked. Every replica looks each second whether
it has, and a look over a connection that broke with the old one costs it another second."""


class RedisMemory:
    """See the module.

    Args:
        line: to Redis.
        prefix: of every key in Redis.
        monotonic: seconds of a clock that nobody sets.
        redis_now: Unix seconds as text; empty for the clock of Redis.

    Attributes:
        seen: the memory that was found last; empty before the first look.
        told: the one that was told all that this replica knows; empty for none.
    """

    def __init__(
        self,
        line: RedisLine,
        prefix: str,
        *,
        monotonic: Callable[[], float],
        redis_now: Callable[[], str],
    ) -> None:
        self._line, self._name = line, f"{prefix}:memory"
        self._monotonic, self._redis_now = monotonic, redis_now
        self._settled_at = 0.0
        self.seen = self.told = b""

    @property
    def is_settling(self) -> bool:
        """Whether the others are to be left the time to tell theirs."""
        return self._monotonic() < self._settled_at

    async def look(self, *, spent: Callable[[], bool], forgotten: bool = False) -> bool:
        """Look which one it is; whether it is the one that was told.

        Args:
            spent: whether this replica knows of money that was spent: then an empty Redis has
                lost its memory, also for one that has just started.
            forgotten: whether it has lost a part of it, and is to be told anew by all.

        Raises:
            Away: Redis does not answer.
        """
        waits = bool(self.seen) or spent()
        ours = secrets.token_hex(8)
        args = (
            self._redis_now(),
            ours,
            SETTLE_SECONDS if waits else 0,
            self.told if forgotten else "",
        )
        seen, left = await self._line.run(REMEMBER, (self._name,), args)
        if seen != self.seen:
            # Who knew another one may be the last to notice; who did not, is told by its maker.
            wait = SETTLE_SECONDS if self.seen else min(float(left), SETTLE_SECONDS)
            self._settled_at = max(self._settled_at, self._monotonic() + wait)
            self.seen = seen
        return bool(seen == self.told)
