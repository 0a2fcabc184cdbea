"""Counters that several gateways share, in Redis.

One script lets a call in, one ends it, each in one atomic step over all limits and by the clock of
Redis; see `scripts` for what is kept there. The counters of this process run beside: they know
what this replica's ledger holds, which is what it tells Redis of money, and its calls in flight.

**Replicas have ledgers of their own**, and Redis holds the sum of them all: that is what budgets
are judged by. Each tells its part as sums (never "and so much more"), so that nothing is told
twice, a Redis that has lost its memory is told again, and a replica that joins with a ledger adds
what that knows. A ledger is known by an id that stays with its file. Replicas on one ledger count
right too, but for what was being told when one of them started: that may count twice.

**Calls in flight** hold a lease of a minute, which long ones renew: those of a replica that has
died are free again a minute later.

**When Redis is away** (refused, reset, slower than the time limit), nothing is sent to it for a
second, then one call tries again. Meanwhile, by `when_down`:

- `closed` (the default): requests of keys with limits get a 503 with `retry-after`. Whoever shares
  limits wants them to hold, and without Redis no replica knows what the others spend; keys without
  limits are not held up.
- `open`: each replica goes on with its own counters, and with what it last heard of the others'
  spending. At the worst each lets through a whole limit of its own.

What ends meanwhile is told when Redis is back. If it comes back without its memory, or without a
part of it, each replica tells it again what its ledger knows, within a second or two and whether it
is asked or not; it counts as away for `SETTLE_SECONDS` longer, so that no replica spends what
another has. So it does for a replica that starts meanwhile, and for one that finds it empty though
its own ledger knows of money. What a replica has spent that is down, or is itself cut off from
Redis, nobody can know then. Redis needs no persistence for this, and 6.0 or later; it should refuse
(`noeviction`) rather than forget when it is full.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Literal

from typing_extensions import override

from claif_cla.gateway.limits.counters import (
    SHORT_WAIT,
    Claim,
    Counters,
    Refused,
    Sight,
    Standing,
    refusal,
    standing_of,
)
from claif_cla.gateway.limits.in_process import InProcessCounters, KeyState
from claif_cla.gateway.limits.redis_line import PAUSE, Away, RedisLine
from claif_cla.gateway.limits.redis_memory import RedisMemory
from claif_cla.gateway.limits.scripts import (
    GIVE,
    LIMITS,
    OTHER_MEMORY,
    RENEW,
    TAKE,
    TELL,
    UNKNOWN,
)

__all__ = ["RedisCounters"]

LEASE_SECONDS = 60
"""For how long a call counts as in flight without a word from its replica."""
RENEW_SECONDS = 20.0
"""A third of that: two renewals may fail."""
MAX_UNTOLD = 10_000
"""Calls that have ended while Redis was away, to be told later. Of more the oldest are dropped:
their leases run out by themselves, and their money comes with the key's next call."""
RENEWED_AT_ONCE = 200
"""Calls in one script, which holds up all others while it runs."""


class RedisCounters(Counters):
    """See the module.

    Args:
        url: of Redis; `redis://`, `rediss://` or `unix://`.
        local: the counters of this process, with its ledger's sums.
        ledger_id: what this replica's ledger is known by; see `ledger_id`.
        prefix: of every key in Redis.
        when_down: see the module.
        timeout: seconds after which Redis is taken to be away.
        monotonic: seconds of a clock that nobody sets.
        redis_time: Unix seconds in the place of the clock of Redis; for tests.

    Raises:
        ImportError: `redis` is not installed; the message names the extra.
    """

    def __init__(  # noqa: PLR0913 - what it is made of
        self,
        url: str,
        local: InProcessCounters,
        *,
        ledger_id: str,
        prefix: str = "claif",
        when_down: Literal["open", "closed"] = "closed",
        timeout: float = 0.25,
        monotonic: Callable[[], float] = time.monotonic,
        redis_time: Callable[[], float] | None = None,
    ) -> None:
        self._line = RedisLine(url, timeout=timeout, monotonic=monotonic)
        self._local, self._ledger_id, self._prefix = local, ledger_id, prefix
        self._run_id = secrets.token_hex(8)
        self._is_open = when_down == "open"
        self._monotonic, self._redis_time = monotonic, redis_time
        self._in_flight: dict[str, Claim] = {}
        self._untold: deque[tuple[Claim, int]] = deque(maxlen=MAX_UNTOLD)
        self._unlimited: dict[str, Claim] = {}
        self._wake = asyncio.Event()
        self._was_away = False
        self._memory = RedisMemory(self._line, prefix, monotonic=monotonic, redis_now=self._now)
        self._reminding = asyncio.Lock()
        self._keeper: asyncio.Task[None] | None = None
        self._closed = False

    @override
    async def take(self, claim: Claim) -> Standing | Refused:
        if claim.limits.unlimited:
            return self._local.take_now(claim)
        state = self._local.state(claim)
        limits = claim.limits
        extra = (
            claim.cost,
            _or_none(limits.concurrent),
            _or_none(limits.daily_budget),
            _or_none(limits.monthly_budget),
            LEASE_SECONDS,
        )
        self._keep()
        if self._memory.is_settling:
            return self._without_redis(claim, is_sent=False)
        try:
            memory = self._memory.told
            answer = await self._run(TAKE, claim, state, claim.tokens, (*extra, memory, 0))
            if answer[0] in (UNKNOWN, OTHER_MEMORY):
                if not await self._is_told(state, is_unknown=answer[0] == UNKNOWN):
                    return self._without_redis(claim, is_sent=False)
                memory = self._memory.told
                answer = await self._run(TAKE, claim, state, claim.tokens, (*extra, memory, 1))
        except Away as away:
            return self._without_redis(claim, is_sent=away.is_sent)
        state.shared = memory
        return self._verdict(claim, state, answer)

    async def _is_told(self, state: KeyState, *, is_unknown: bool) -> bool:
        """Whether a key without sums of the memory that was told may have none: as a new one."""
        # One that this memory did know has been forgotten alone, as by a Redis that is full.
        forgotten = is_unknown and bool(state.shared) and state.shared == self._memory.told
        if not await self._memory.look(spent=self._has_spent, forgotten=forgotten):
            if self._memory.is_settling:
                return False
            await self._remind()
        return not self._memory.is_settling

    def _has_spent(self) -> bool:
        return bool(self._local.spenders())

    def _verdict(self, claim: Claim, state: KeyState, answer: Sequence[Any]) -> Standing | Refused:
        day, day_at, month, month_at = map(_whole, answer[5:])
        if day_at == state.day:  # else the two clocks are on either side of midnight
            state.day_elsewhere = max(0, day - state.day_before - state.day_spent)
        if month_at == state.month:
            state.month_elsewhere = max(0, month - state.month_before - state.month_spent)
        sight = Sight(float(answer[1]), float(answer[2]), answer[3], day, month)
        limit = LIMITS[answer[0]]
        if limit is not None:
            return refusal(claim, limit, sight, float(answer[4]))
        self._local.enter(claim)
        claim.renew_at = self._monotonic() + RENEW_SECONDS
        self._in_flight[claim.visit_id] = claim
        return standing_of(claim.limits, sight)

    def _without_redis(self, claim: Claim, *, is_sent: bool) -> Standing | Refused:
        self._was_away = True
        self._wake.set()
        if self._is_open:
            verdict = self._local.take_now(claim)
            if isinstance(verdict, Standing):
                self._in_flight[claim.visit_id] = claim
                return verdict
        else:
            verdict = Refused("unavailable", SHORT_WAIT, 0, is_final=False, standing=None)
        if is_sent:  # it may have been let in there all the same
            self._tell_later(claim, 0)
        return verdict

    @override
    async def give(self, claim: Claim, tokens: int, cost: int) -> None:
        if claim.state is None:
            return
        self._local.give_now(claim, tokens, cost)
        self._in_flight.pop(claim.visit_id, None)
        if claim.limits.unlimited:
            if cost:  # it may be given a budget one day
                self._unlimited[claim.key_id] = claim
            return
        try:
            await self._told(claim, tokens)
        except Away:
            self._was_away = True
            self._tell_later(claim, tokens)
        except asyncio.CancelledError:
            self._tell_later(claim, tokens)
            raise

    async def _told(self, claim: Claim, tokens: int) -> None:
        await self._run(GIVE, claim, claim.state, tokens, ())

    def _tell_later(self, claim: Claim, tokens: int) -> None:
        self._untold.append((claim, tokens))
        self._wake.set()

    async def _run(
        self, script: str, claim: Claim, state: KeyState, tokens: int, extra: tuple[object, ...]
    ) -> Any:
        limits = claim.limits
        args = (
            self._now(),
            self._ledger_id,
            self._run_id,
            state.day,
            state.day_before,
            state.day_spent,
            state.month,
            state.month_before,
            state.month_spent,
            _or_none(limits.requests_per_minute),
            _or_none(limits.tokens_per_minute),
            claim.visit_id,
            tokens,
            *extra,
        )
        return await self._line.run(script, self._keys(claim.key_id), args)

    def _now(self) -> str:
        return "" if self._redis_time is None else repr(self._redis_time())

    def _keys(self, key_id: str) -> tuple[str, ...]:
        base = f"{self._prefix}:{{{key_id}}}:"
        return tuple([base + part for part in ("state", "calls", "held", "day", "month")])

    # What goes on beside the requests

    @override
    def start(self) -> None:
        """Tell Redis what the ledger knows: others need it where nobody asks this replica."""
        self._keep()

    def _keep(self) -> None:
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.get_running_loop().create_task(self._keep_on())

    async def _keep_on(self) -> None:
        """Renew leases, and tell what Redis does not know; until it is cancelled."""
        while not self._closed:  # on Python 3.10 a cancellation may be lost; see `RedisLine.run`
            with suppress(Away):
                await self._remind()
                await self._tell()
                await self._renew()
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._wake.wait(), PAUSE)
            if self._wake.is_set():
                self._wake.clear()
                await asyncio.sleep(PAUSE)

    async def _remind(self) -> None:
        """Tell Redis of all money again, if it is not the one that was told."""
        async with self._reminding:
            if await self._memory.look(spent=self._has_spent):
                return
            memory = self._memory.seen
            self._was_away = True  # it knows of no call in flight either
            for claim in self._local.spenders():
                await self._run(TELL, claim, self._local.state(claim), 0, (memory,))
            self._memory.told = memory

    async def _tell(self) -> None:
        while self._untold:
            claim, tokens = self._untold[0]
            await self._told(claim, tokens)
            with suppress(IndexError):  # more may have come meanwhile, and pushed it out
                if self._untold[0][0] is claim:
                    self._untold.popleft()
        while self._unlimited:
            key_id, claim = next(iter(self._unlimited.items()))
            await self._run(TELL, claim, claim.state, 0, (b"",))
            if self._unlimited.get(key_id) is claim:  # else it has spent more meanwhile
                del self._unlimited[key_id]

    async def _renew(self) -> None:
        # A Redis that was away may have forgotten all.
        everything, self._was_away = self._was_away, False
        try:
            await self._renew_due(everything=everything)
        except BaseException:
            self._was_away = True
            raise

    async def _renew_due(self, *, everything: bool) -> None:
        now = self._monotonic()
        by_key: dict[str, list[Claim]] = {}
        for claim in self._in_flight.values():
            if everything or claim.renew_at <= now:
                by_key.setdefault(claim.key_id, []).append(claim)
        for key_id, claims in by_key.items():
            for start in range(0, len(claims), RENEWED_AT_ONCE):
                await self._renew_some(key_id, claims[start : start + RENEWED_AT_ONCE])

    async def _renew_some(self, key_id: str, claims: list[Claim]) -> None:
        args: list[object] = [self._now(), LEASE_SECONDS]
        claims = [claim for claim in claims if claim.held]
        for claim in claims:
            args += (claim.visit_id, claim.tokens, claim.cost)
        if not claims:
            return
        await self._line.run(RENEW, self._keys(key_id), args)
        renew_at = self._monotonic() + RENEW_SECONDS
        for claim in claims:
            claim.renew_at = renew_at
            if not claim.held:  # it ended at the same time, and was put back by this
                await self._told(claim, 0)

    @override
    async def close(self) -> None:
        """Tell what can still be told, and close the connections."""
        self._closed = True
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        with suppress(Away, TimeoutError, asyncio.TimeoutError):
            await asyncio.wait_for(self._tell(), PAUSE)
        await self._line.close()


def _or_none(limit: int | None) -> int:
    return -1 if limit is None else limit


def _whole(number: bytes) -> int:
    return int(float(number))
