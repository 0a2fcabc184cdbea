"""A model's price list, made ready for counting.

USD per million tokens is the same number as micro-USD per token. Prices are decimal fractions
(0.125), so they become whole numbers over a denominator that all prices of the model share:
nothing is rounded before the sum is.

A list names the kinds that Anthropic publishes. The others follow from the published rule that
modifiers multiply ("Prompt caching multipliers apply on top of fast mode pricing", the same for
batches and long prompts): a cache read in fast mode costs `cache_read * fast_input / input`.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import lcm
from typing import NamedTuple, TypeAlias

__all__ = ["Rates", "Row", "rates_of"]

_TIERS = ("", "fast_", "batch_")


class Row(NamedTuple):
    """Prices of one way to be served: micro-USD per token, in parts of the list's denominator."""

    input: int
    output: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int


class Rates(NamedTuple):
    """See the module.

    Attributes:
        short: by tier (an empty string, `fast_`, `batch_`), for prompts up to the limit.
        long: the same beyond it; equal to `short` where there is one price.
        long_prompt_tokens: the limit; None where there is none.
        denominator: of all numbers in the rows.
        web_search: micro-USD for one search.
    """

    short: Mapping[str, Row]
    long: Mapping[str, Row]
    long_prompt_tokens: int | None
    denominator: int
    web_search: int


_Fractions: TypeAlias = tuple[Fraction, Fraction, Fraction, Fraction, Fraction]


def rates_of(
    prices: Mapping[str, float], long_prompt_tokens: int | None, web_search: int
) -> Rates | None:
    """The rates of a price list; None where it does not even name `input` and `output`.

    Args:
        prices: USD per million tokens, by the kinds of `ModelInfo.prices`.
        long_prompt_tokens: a longer prompt is charged at the `long_*` prices.
        web_search: micro-USD for one search.
    """
    if "input" not in prices or "output" not in prices:
        return None
    # Through `str`: 0.1 is meant as a tenth, and not as the binary number nearest to it.
    exact = {kind: Fraction(str(price)) for kind, price in prices.items()}
    base = _base(exact)
    short = {tier: _tier(exact, base, tier) for tier in _TIERS}
    long = short
    if "long_input" in exact or "long_output" in exact:
        usual = _tier(exact, base, "long_")
        long = {tier: _long_tier(exact, base, usual, tier) for tier in _TIERS}
    both = (*short.values(), *long.values())
    denominator = lcm(*(price.denominator for row in both for price in row))
    return Rates(
        {tier: _whole(row, denominator) for tier, row in short.items()},
        {tier: _whole(row, denominator) for tier, row in long.items()},
        long_prompt_tokens,
        denominator,
        web_search,
    )


def _whole(row: _Fractions, denominator: int) -> Row:
    return Row(*(int(price * denominator) for price in row))


def _base(exact: Mapping[str, Fraction]) -> _Fractions:
    """The usual prices. What a list of the operator's own says nothing of counts as input."""
    plain = exact["input"]
    return (
        plain,
        exact["output"],
        exact.get("cache_read", plain),
        exact.get("cache_write_5m", plain),
        exact.get("cache_write_1h", exact.get("cache_write_5m", plain)),
    )


def _tier(exact: Mapping[str, Fraction], base: _Fractions, prefix: str) -> _Fractions:
    """The prices behind a prefix; the usual ones where the list has none with it."""
    plain = exact.get(f"{prefix}input", base[0])
    factor = plain / base[0] if base[0] else Fraction(1)
    return (
        plain,
        exact.get(f"{prefix}output", base[1]),
        exact.get(f"{prefix}cache_read", base[2] * factor),
        exact.get(f"{prefix}cache_write_5m", base[3] * factor),
        exact.get(f"{prefix}cache_write_1h", base[4] * factor),
    )


def _long_tier(
    exact: Mapping[str, Fraction], base: _Fractions, usual: _Fractions, tier: str
) -> _Fractions:
    """The prices of a long prompt in a tier: those of the list, else both modifiers at once."""
    if not tier:
        return usual
    named = {kind: exact[key] for kind in Row._fields if (key := f"long_{tier}{kind}") in exact}
    modified = _tier(exact, base, tier)
    plain, output = (
        named.get("input", _times(usual[0], modified[0], base[0])),
        named.get("output", _times(usual[1], modified[1], base[1])),
    )
    factor = plain / usual[0] if usual[0] else Fraction(1)
    return (
        plain,
        output,
        named.get("cache_read", usual[2] * factor),
        named.get("cache_write_5m", usual[3] * factor),
        named.get("cache_write_1h", usual[4] * factor),
    )


def _times(price: Fraction, modified: Fraction, base: Fraction) -> Fraction:
    return price * modified / base if base else price
