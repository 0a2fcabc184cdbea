"""How much is held at once, requests or the bytes of their bodies, and how many may wait for it."""

from __future__ import annotations

import asyncio
from collections import deque

from claif_cla.gateway.denial import Denial

__all__ = ["Room"]


class Room:
    """A bounded number of places, and a bounded queue before them.

    Who comes first is let in first: one that needs many places is not overtaken for ever by those
    that need few.

    Args:
        places: that are taken at the same time.
        queue: how many may wait; further ones are turned away at once.
        patience: seconds that one waits at most.
        what: there is too much of, for who is turned away.
    """

    def __init__(
        self, places: int, queue: int, patience: float, *, what: str = "too many requests at once"
    ) -> None:
        self._places, self._queue, self._patience = places, queue, patience
        self._what = what
        self._waiting: deque[tuple[asyncio.Future[None], int]] = deque()
        self.taken = 0

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def resize(self, places: int, queue: int, patience: float) -> None:
        """New bounds, for whoever comes from now on."""
        self._places, self._queue, self._patience = places, queue, patience
        self._hand_on()

    async def enter(self, needed: int = 1) -> None:
        """Take places; `leave` gives them back.

        Raises:
            Denial: 503, as the queue is full or the wait too long.
        """
        if self.enter_now(needed):
            return
        if len(self._waiting) >= self._queue:
            raise self._full()
        place = asyncio.get_running_loop().create_future()
        entry = (place, needed)
        self._waiting.append(entry)
        timer = asyncio.get_running_loop().call_later(self._patience, self._give_up, place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.leave(needed)  # the place came at the same time
            raise
        finally:
            timer.cancel()
            if entry in self._waiting:
                self._waiting.remove(entry)
                self._hand_on()  # those behind it may need less

    def enter_now(self, needed: int = 1) -> bool:
        """Take places if they are free, as they nearly always are; whether they were."""
        if self.taken + needed > self._places or self._waiting:
            return False
        self.taken += needed
        return True

    def leave(self, places: int = 1) -> None:
        """Give places back."""
        self.taken -= places
        if self._waiting:
            self._hand_on()

    def _hand_on(self) -> None:
        while self._waiting:
            place, needed = self._waiting[0]
            if place.done():  # it gives up, and goes by itself
                return
            if self.taken + needed > self._places:
                return
            self._waiting.popleft()
            self.taken += needed
            place.set_result(None)

    def _give_up(self, place: asyncio.Future[None]) -> None:
        if not place.done():
            place.set_exception(self._full())

    def _full(self) -> Denial:
        return Denial(
            503,
            f"The gateway is busy: {self._what}. Try again in a moment.",
            code="gateway_busy",
            kind="server_error",
            headers={"retry-after": "1"},
        )
