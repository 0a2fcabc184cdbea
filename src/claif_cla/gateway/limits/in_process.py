"""Counters of one process, in memory.

They begin with what the ledger knows of money, so that a restart forgives nothing; the rest is of
the last minute and of calls in flight, which a restart ends.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

from typing_extensions import override

from claif_cla.gateway.limits.counters import (
    SLACK,
    Claim,
    Counters,
    LimitName,
    Limits,
    Refused,
    Sight,
    Standing,
    day_of,
    month_of,
    refusal,
    standing_of,
)

__all__ = ["InProcessCounters", "KeyState"]

MAX_KEYS = 10_000
"""Keys that are remembered, beside those that can't be forgotten without loss: the busy ones, and
those that have spent something in this month. About 4 MB. Keys are the operator's, so that no
stranger makes them many."""
IDLE_SECONDS = 60.0
"""After so long without a call, a key's requests have drained."""
LOOKED_AT = 4
"""Keys that a new one looks at, to make room. More than one, so that a memory that has grown past
its bound (all were busy) shrinks again."""


class KeyState:
    """The counters of one key.

    Attributes:
        limits: as they were last.
        at: of the monotonic clock: when the buckets were as they say.
        requests, tokens: in the buckets, of calls in flight only the requests.
        calls: in flight.
        held_tokens, held_cost: what those have reserved.
        day, month: that the money is of.
        day_before, month_before: spent before this process began, by its ledger.
        day_spent, month_spent: by this process.
        day_elsewhere, month_elsewhere: by other replicas, as far as it was told.
        shared: the memory of Redis that has judged a call of it this month, and so knows it.
    """

    __slots__ = (
        "at",
        "calls",
        "day",
        "day_before",
        "day_elsewhere",
        "day_spent",
        "held_cost",
        "held_tokens",
        "limits",
        "month",
        "month_before",
        "month_elsewhere",
        "month_spent",
        "requests",
        "shared",
        "tokens",
    )

    def __init__(self, limits: Limits, at: float, day: int, before: tuple[int, int]) -> None:
        self.limits, self.at = limits, at
        self.requests = self.tokens = 0.0
        self.calls = self.held_tokens = self.held_cost = 0
        self.day, self.month = day, month_of(day)
        self.day_before, self.month_before = before
        self.day_spent = self.month_spent = 0
        self.day_elsewhere = self.month_elsewhere = 0
        self.shared = b""

    def drain(self, limits: Limits, at: float, day: int) -> None:
        """Let time pass."""
        self.limits = limits
        elapsed = at - self.at
        if elapsed > 0:
            self.at = at
            if self.requests:
                rate = limits.requests_per_minute
                self.requests = max(0.0, self.requests - elapsed * rate / 60) if rate else 0.0
            if self.tokens:
                rate = limits.tokens_per_minute
                self.tokens = max(0.0, self.tokens - elapsed * rate / 60) if rate else 0.0
        if day > self.day:  # never back: a clock that is set back renews no budget
            self._turn(day)

    def _turn(self, day: int) -> None:
        self.day = day
        self.day_before = self.day_spent = self.day_elsewhere = 0
        month = month_of(day)
        if month > self.month:
            self.month = month
            self.month_before = self.month_spent = self.month_elsewhere = 0
            self.shared = b""  # what was known is no loss now

    @property
    def day_total(self) -> int:
        """Spent on the day, by all, without calls in flight."""
        return self.day_before + self.day_spent + self.day_elsewhere

    @property
    def month_total(self) -> int:
        """Spent in the month, by all, without calls in flight."""
        return self.month_before + self.month_spent + self.month_elsewhere

    def sight(self) -> Sight:
        """The counters as they are."""
        tokens = self.tokens + self.held_tokens
        return Sight(self.requests, tokens, self.calls, self.day_total, self.month_total)

    def is_idle(self, at: float, day: int) -> bool:
        """Whether forgetting it loses nothing."""
        if self.calls or at - self.at < IDLE_SECONDS:
            return False
        if (self.month_spent or self.month_elsewhere) and month_of(day) <= self.month:
            return False
        rate = self.limits.tokens_per_minute
        return not rate or self.tokens <= (at - self.at) * rate / 60


class InProcessCounters(Counters):
    """See the module, and `counters` for what is counted how.

    Args:
        spent: what each key has spent today and in this month, by the ledger, in millionths of a
            US dollar.
        monotonic: seconds of a clock that nobody sets, for rates.
        wall: Unix seconds, for budgets.
        max_keys: that are remembered beside busy ones.
    """

    def __init__(
        self,
        spent: Mapping[str, tuple[int, int]] | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        max_keys: int = MAX_KEYS,
    ) -> None:
        self._monotonic, self._wall, self._max_keys = monotonic, wall, max_keys
        self._before, self._before_day = spent or {}, day_of(wall())
        self._keys: OrderedDict[str, KeyState] = OrderedDict()

    def __len__(self) -> int:
        return len(self._keys)

    @override
    async def take(self, claim: Claim) -> Standing | Refused:
        return self.take_now(claim)

    @override
    async def give(self, claim: Claim, tokens: int, cost: int) -> None:
        self.give_now(claim, tokens, cost)

    @override
    def start(self) -> None:
        """Nothing goes on beside the requests."""

    @override
    async def close(self) -> None:
        """Nothing is open."""

    def state(self, claim: Claim) -> KeyState:
        """The counters of a claim's key, as they are now."""
        at, day = self._monotonic(), day_of(self._wall())
        state = self._keys.get(claim.key_id)
        if state is None:
            self._make_room(at, day)
            before = self._spent_before(claim.key_id, day)
            state = self._keys[claim.key_id] = KeyState(claim.limits, at, day, before)
        else:
            self._keys.move_to_end(claim.key_id)
            state.drain(claim.limits, at, day)
        claim.state = state
        return state

    def spenders(self) -> list[Claim]:
        """A claim of nothing for each key that this process, or its ledger, knows to have spent."""
        limits = {
            key_id: state.limits
            for key_id, state in self._keys.items()
            if state.month_before or state.month_spent
        }
        for key_id, sums in self._before.items():
            if any(sums) and key_id not in self._keys:
                limits[key_id] = Limits()
        return [Claim("", key_id, kept, 0, 0) for key_id, kept in limits.items()]

    def take_now(self, claim: Claim) -> Standing | Refused:
        """`take`, without waiting for anything."""
        state = self.state(claim)
        if not claim.limits.unlimited:
            over = _over(claim, state)
            if over is not None:
                return refusal(claim, over, state.sight(), self._wall())
        return self._enter(claim, state)

    def enter(self, claim: Claim) -> None:
        """Count a request that was let in by others."""
        self._enter(claim, self.state(claim))

    def _enter(self, claim: Claim, state: KeyState) -> Standing:
        claim.held = True
        state.calls += 1
        state.requests += 1
        state.held_tokens += claim.tokens
        state.held_cost += claim.cost
        return standing_of(claim.limits, state.sight())

    def give_now(self, claim: Claim, tokens: int, cost: int) -> None:
        """`give`, without waiting for anything."""
        state: KeyState | None = claim.state
        if state is None:
            return
        state.drain(claim.limits, self._monotonic(), day_of(self._wall()))
        if claim.held:
            claim.held = False
            state.calls -= 1
            state.held_tokens -= claim.tokens
            state.held_cost -= claim.cost
            state.tokens += tokens
        state.day_spent += cost
        state.month_spent += cost

    def _spent_before(self, key_id: str, day: int) -> tuple[int, int]:
        before_day, before_month = self._before.get(key_id, (0, 0))
        if day <= self._before_day:
            return before_day, before_month
        return 0, before_month if month_of(day) == month_of(self._before_day) else 0

    def _make_room(self, at: float, day: int) -> None:
        if len(self._keys) < self._max_keys:
            return
        oldest = [key for key, _ in zip(self._keys, range(LOOKED_AT), strict=False)]
        for key in oldest:
            if self._keys[key].is_idle(at, day):
                del self._keys[key]


def _over(claim: Claim, state: KeyState) -> LimitName | None:
    """The first limit that a request is over. The same, in the same order, is in `scripts`."""
    limits = claim.limits
    budget = limits.monthly_budget
    if budget is not None and state.month_total + state.held_cost >= budget:
        return "monthly_budget"
    budget = limits.daily_budget
    if budget is not None and state.day_total + state.held_cost >= budget:
        return "daily_budget"
    if limits.concurrent is not None and state.calls >= limits.concurrent:
        return "concurrent"
    rate = limits.requests_per_minute
    if rate is not None and state.requests + 1 > rate + SLACK:
        return "requests_per_minute"
    rate = limits.tokens_per_minute
    if rate is not None and state.tokens + state.held_tokens + claim.tokens > rate + SLACK:
        return "tokens_per_minute"
    return None
