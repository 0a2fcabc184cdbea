"""Whether upstream can be reached: asked rarely, and once for all who want to know."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio

__all__ = ["MAX_SECONDS", "Readiness"]

MAX_SECONDS = 5.0
"""How long one check may take: shorter than what orchestrators wait for an answer to a probe is
seldom (Kubernetes: 1 s, load balancers: 5 s), and longer is no use to them."""
UNREADY_SECONDS = 1.0
"""How long a No holds: when upstream is back, that should be seen soon."""


class Readiness:
    """See the module.

    Args:
        check: asks upstream; True if it answers as it should.
        holds: seconds that a Yes holds.
        clock: seconds that only go forward.
        seconds: how long one check may take.
    """

    def __init__(
        self,
        check: Callable[[], Awaitable[bool]],
        holds: float,
        clock: Callable[[], float],
        seconds: float = MAX_SECONDS,
    ) -> None:
        self._check, self.holds = check, holds
        self._clock, self._seconds = clock, seconds
        self._is_ready = False
        self._until: float | None = None
        self._checking: asyncio.Task[bool] | None = None

    async def ready(self) -> bool:
        """The last answer while it holds, else that of a new check, which all who ask share."""
        if self._until is not None and self._clock() < self._until:
            return self._is_ready
        if self._checking is None or self._checking.done():
            self._checking = asyncio.get_running_loop().create_task(self._checked())
        # Who asked may leave; the others still want to know.
        return await asyncio.shield(self._checking)

    def forget(self) -> None:
        """Ask anew the next time: upstream may be another one now."""
        self._until = None

    async def _checked(self) -> bool:
        is_ready = False
        with anyio.move_on_after(self._seconds):
            is_ready = await self._check()
        self._is_ready = is_ready
        self._until = self._clock() + (self.holds if is_ready else min(self.holds, UNREADY_SECONDS))
        return is_ready

    async def close(self) -> None:
        """Give up a check that runs."""
        task, self._checking = self._checking, None
        if task is not None and not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
