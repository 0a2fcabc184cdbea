"""What is counted for each key, and the verdicts: the terms that every kind of counter shares.

- **Requests a minute** are a bucket that holds one minute's worth and drains evenly: a key may
  use its minute at once, and then gets on as fast as it drains.
- **Tokens a minute** are such a bucket too. A call in flight counts with what it was estimated at;
  once it has ended, its real tokens go into the bucket and drain from there. So what drains is
  what was really used, and an estimate that was too high costs its caller nothing afterwards. One
  that was too low leaves the bucket overfull: the next calls wait for it.
- **Calls at once** are those in flight.
- **Budgets**, by day and by month of UTC, are in millionths of a US dollar. A call is let in while
  what was spent and what the calls in flight have reserved is below the budget, so that a budget
  is never exceeded by more than the calls in flight.

A call that is refused has taken nothing of any of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

__all__ = [
    "ANONYMOUS",
    "Claim",
    "Counters",
    "LimitName",
    "Limits",
    "Refused",
    "Sight",
    "Standing",
    "day_of",
    "month_of",
    "refusal",
    "standing_of",
]

LimitName: TypeAlias = Literal[
    "monthly_budget",
    "daily_budget",
    "concurrent",
    "requests_per_minute",
    "tokens_per_minute",
    "unavailable",
]
ANONYMOUS = "anonymous"
"""What callers without a key are counted under, all together, where no keys are needed."""
SHORT_WAIT = 1.0
"""Seconds after which to ask again where what must end first is another call: nobody knows when."""
SLACK = 1e-6
"""Buckets are floats: what is missing by less than this is there."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one key may use; None where it is not limited. Money is in millionths of a US dollar.

    Attributes:
        unlimited: whether there is no limit at all.
    """

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent: int | None = None
    daily_budget: int | None = None
    monthly_budget: int | None = None
    unlimited: bool = field(init=False, compare=False)

    def __post_init__(self) -> None:
        limits = (
            self.requests_per_minute,
            self.tokens_per_minute,
            self.concurrent,
            self.daily_budget,
            self.monthly_budget,
        )
        object.__setattr__(self, "unlimited", all(limit is None for limit in limits))

    @property
    def has_budget(self) -> bool:
        """Whether money is limited."""
        return self.daily_budget is not None or self.monthly_budget is not None


@dataclass(slots=True, eq=False)
class Claim:
    """What one request asks of the counters, from `take` to `give`.

    Attributes:
        visit_id: of the request; what it is known by among calls in flight.
        key_id: whose limits.
        limits: of that key.
        tokens: that it will use at the most, as far as can be told before.
        cost: the same in millionths of a US dollar.
        state: of its key, in process; the counters' alone.
        held: whether it counts as in flight in process; the counters' alone.
        renew_at: when its lease in Redis is to be renewed; the counters' alone.
    """

    visit_id: str
    key_id: str
    limits: Limits
    tokens: int
    cost: int
    state: Any = None
    held: bool = False
    renew_at: float = 0.0


class Standing(NamedTuple):
    """What is left of a minute, once a request was let in (or not).

    Attributes:
        requests: left; None where they are not limited.
        requests_reset: seconds until all of them are there again.
        tokens: left; None where they are not limited.
        tokens_reset: seconds until all of them are there again.
    """

    requests: int | None
    requests_reset: float
    tokens: int | None
    tokens_reset: float


class Refused(NamedTuple):
    """A request that is over a limit.

    Attributes:
        limit: which.
        wait: seconds after which it may be tried again; for a budget, until it renews.
        used: of that limit: requests, tokens, calls, or what was spent, in its unit.
        is_final: whether waiting for other calls won't help: a budget that is spent.
        standing: as for requests that were let in; None where it is not known.
    """

    limit: LimitName
    wait: float
    used: int
    is_final: bool
    standing: Standing | None


class Sight(NamedTuple):
    """A key's counters at one instant, before a request is let in or after.

    Attributes:
        requests, tokens: in their buckets; calls in flight are among the tokens.
        calls: in flight.
        day_spent, month_spent: millionths of a US dollar, calls in flight not among them.
    """

    requests: float
    tokens: float
    calls: int
    day_spent: int
    month_spent: int


class Counters(Protocol):
    """Counts, and says who is over."""

    def start(self) -> None:
        """Begin what goes on beside the requests, in the running loop; `close` ends it."""
        ...

    async def take(self, claim: Claim) -> Standing | Refused:
        """Let a request in, or not. It raises nothing."""
        ...

    async def give(self, claim: Claim, tokens: int, cost: int) -> None:
        """End a request, whether it was let in or not. It raises nothing.

        Args:
            claim: as it was taken. It is to be given once; `settle` sees to that.
            tokens: that it really used.
            cost: what it really cost, in millionths of a US dollar.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


def day_of(now: float) -> int:
    """The day of UTC that an instant is in, counted from 1970-01-01."""
    return int(now) // 86400


def month_of(day: int) -> int:
    """The month that a day is in, counted from the year 0."""
    when = date(1970, 1, 1) + timedelta(days=day)
    return when.year * 12 + when.month - 1


def standing_of(limits: Limits, sight: Sight) -> Standing:
    """What is left."""
    requests, tokens = limits.requests_per_minute, limits.tokens_per_minute
    requests_left = tokens_left = None
    requests_reset = tokens_reset = 0.0
    if requests is not None:
        requests_left = max(0, int(requests - sight.requests + SLACK))
        requests_reset = _drained(sight.requests, requests)
    if tokens is not None:
        tokens_left = max(0, int(tokens - sight.tokens + SLACK))
        tokens_reset = _drained(sight.tokens, tokens)
    return Standing(requests_left, requests_reset, tokens_left, tokens_reset)


def refusal(claim: Claim, limit: LimitName, sight: Sight, now: float) -> Refused:
    """The verdict on a request that is over a limit.

    Args:
        claim: what it asked for.
        limit: which one it is over.
        sight: of its key's counters, as they are without it.
        now: Unix seconds, which tell when a budget renews.
    """
    limits = claim.limits
    wait, used, is_final = SHORT_WAIT, sight.calls, False
    if limit == "daily_budget":
        used = sight.day_spent
        is_final = used >= (limits.daily_budget or 0)
        wait = (day_of(now) + 1) * 86400 - now if is_final else SHORT_WAIT
    elif limit == "monthly_budget":
        used = sight.month_spent
        is_final = used >= (limits.monthly_budget or 0)
        wait = _next_month(now) - now if is_final else SHORT_WAIT
    elif limit == "requests_per_minute":
        allowed = limits.requests_per_minute or 0
        used = round(sight.requests)
        wait = _drained(sight.requests + 1 - allowed, allowed)
    elif limit == "tokens_per_minute":
        allowed = limits.tokens_per_minute or 0
        used = round(sight.tokens)
        # Calls in flight are taken as if they ended now with what they were estimated at.
        wait = _drained(sight.tokens + claim.tokens - allowed, allowed)
    return Refused(limit, wait, used, is_final, standing_of(limits, sight))


def _drained(amount: float, per_minute: int) -> float:
    """Seconds until so much has drained from a bucket."""
    return max(0.0, amount) * 60 / per_minute if per_minute else 60.0


def _next_month(now: float) -> float:
    year, month = divmod(month_of(day_of(now)) + 1, 12)
    return datetime(year, month + 1, 1, tzinfo=timezone.utc).timestamp()
