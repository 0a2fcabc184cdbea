"""How many requests are served at once, and how many may wait for it."""

from __future__ import annotations

import asyncio
from collections import deque

from claif_cla.gateway.denial import Denial

__all__ = ["Room"]


class Room:
    """A bounded number of places, and a bounded queue before them.

    Args:
        places: requests that are served at the same time.
        queue: requests that may wait for a place; further ones are turned away at once.
        patience: seconds that one waits at most.
    """

    def __init__(self, places: int, queue: int, patience: float) -> None:
        self._places, self._queue, self._patience = places, queue, patience
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.taken = 0

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._waiting)

    def resize(self, places: int, queue: int, patience: float) -> None:
        """New bounds, for whoever comes from now on."""
        self._places, self._queue, self._patience = places, queue, patience
        self._hand_on()

    async def enter(self) -> None:
        """Take a place; `leave` gives it back.

        Raises:
            Denial: 503, as the queue is full or the wait too long.
        """
        if self.enter_now():
            return
        if len(self._waiting) >= self._queue:
            raise self._full()
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        timer = asyncio.get_running_loop().call_later(self._patience, self._give_up, place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.leave()  # the place came at the same time
            raise
        finally:
            timer.cancel()
            if place in self._waiting:
                self._waiting.remove(place)

    def enter_now(self) -> bool:
        """Take a place if one is free, as one nearly always is; whether it was."""
        if self.taken >= self._places:
            return False
        self.taken += 1
        return True

    def leave(self) -> None:
        """Give a place back."""
        self.taken -= 1
        if self._waiting:
            self._hand_on()

    def _hand_on(self) -> None:
        while self._waiting and self.taken < self._places:
            place = self._waiting.popleft()
            if not place.done():
                self.taken += 1
                place.set_result(None)

    def _give_up(self, place: asyncio.Future[None]) -> None:
        if not place.done():
            place.set_exception(self._full())

    def _full(self) -> Denial:
        return Denial(
            503,
            "The gateway is busy: too many requests at once. Try again in a moment.",
            code="gateway_busy",
            kind="server_error",
            headers={"retry-after": "1"},
        )
