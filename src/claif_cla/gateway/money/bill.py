"""The sum over all upstream replies to one request: what limits and ledger are told of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from claif_cla.gateway.money.estimate import Demand, probable_counts
from claif_cla.gateway.money.prices import Prices, counts_of
from claif_cla.gateway.visit import Usage

__all__ = ["Bill", "bill"]


class Bill(NamedTuple):
    """What one request used.

    Attributes:
        input, output, cache_read, cache_write_5m, cache_write_1h: tokens of all replies.
        cost: micro-USD of the replies whose model has known prices; None where none has, 0 where
            nothing was used.
        estimated: whether a reply was left in the middle, so that its output is an estimate.
    """

    input: int
    output: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    cost: int | None
    estimated: bool

    @property
    def tokens(self) -> int:
        """All tokens, in and out, cached or not."""
        prompt = self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h
        return prompt + self.output


def bill(prices: Prices, usages: Iterable[Usage], asked: Demand | None = None) -> Bill:
    """The bill of the replies to one request (`visit.usages.values()`).

    Each reply is priced by itself, by the model that gave it: a pause that was resumed is charged
    by Anthropic as another request, and so is each of several answers.

    Args:
        prices: what they cost.
        usages: of all replies.
        asked: the demand of the request, for a reply that was left before it told anything.
    """
    totals = [0, 0, 0, 0, 0]
    costs: list[int | None] = []
    estimated = False
    for usage in usages:
        usage_counts = probable_counts(usage, asked)
        estimated = estimated or not usage.complete
        counts = counts_of(usage_counts)
        totals = [total + count for total, count in zip(totals, counts, strict=False)]
        costs.append(prices.cost(usage.model, usage_counts, counts))
    known = [cost for cost in costs if cost is not None]
    cost = sum(known) if known or not costs else None
    return Bill(totals[0], totals[1], totals[2], totals[3], totals[4], cost, estimated)
