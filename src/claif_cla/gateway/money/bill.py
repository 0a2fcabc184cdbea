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
    by Anthropic as another request, and so is each of several answers. One from a model without a
    known price, as behind a proxy with names of its own, is priced as the model that was asked.

    Args:
        prices: what they cost.
        usages: of all replies.
        asked: the demand of the request: for a reply that was left before it told anything, or by a
            model whose price is not known.
    """
    total: Bill | None = None
    for usage in usages:
        usage_counts = probable_counts(usage, asked)
        counts = counts_of(usage_counts)
        cost = prices.cost(usage.model, usage_counts, counts)
        if cost is None and asked is not None:
            cost = prices.cost(asked.model, usage_counts, counts)
        one = Bill(
            counts.input,
            counts.output,
            counts.cache_read,
            counts.cache_write_5m,
            counts.cache_write_1h,
            cost,
            estimated=not usage.complete,
        )
        total = one if total is None else _sum(total, one)
    return total or Bill(0, 0, 0, 0, 0, 0, estimated=False)


def _sum(some: Bill, more: Bill) -> Bill:
    known = [cost for cost in (some.cost, more.cost) if cost is not None]
    return Bill(
        some.input + more.input,
        some.output + more.output,
        some.cache_read + more.cache_read,
        some.cache_write_5m + more.cache_write_5m,
        some.cache_write_1h + more.cache_write_1h,
        sum(known) if known else None,
        estimated=some.estimated or more.estimated,
    )
