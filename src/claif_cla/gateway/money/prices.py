"""What one reply from upstream cost, from the counts that Anthropic's `usage` tells.

Exact: for a model of the catalogue at list prices, and for the operator's own prices, the sum is
exact and rounded once, half up, to whole micro-USD; no float takes part. What Anthropic bills by
other measures is not in it: hours of code execution, negotiated discounts, credits, taxes.

How the counts are read (Claude docs, pricing, read October 2026):

- The prompt is `input_tokens` and cache reads and writes; one over `long_prompt_tokens` pays the
  `long_*` prices for all its tokens, output too. It is judged per reply.
- `speed: fast` and `service_tier: batch` choose the price, and `inference_geo: us` costs 1.1 times
  as much; `priority` is no longer sold and counts as standard.
- Tokens of `usage.iterations` are part of the sums above them, but for those of `compaction` and
  `advisor_message`, which are added at the price of the model that they name.

An estimate all the same: a reply with a loop of server tools tells the sum of its turns' prompts,
which may look like one long prompt; then it is charged too much, never too little.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, NamedTuple

from claif_cla.catalog.model_info import lookup
from claif_cla.gateway.money.rates import Rates, rates_of

__all__ = ["Counts", "Prices", "counts_of"]

WEB_SEARCH = 10_000
"""Micro-USD for one web search: "$10 per 1,000 searches" (Claude docs, pricing)."""
US_ONLY = (11, 10)
"""The factor for `inference_geo: us`, as a fraction. Models before 4.6 never report it."""
MAX_COUNT = 10**12
"""Larger numbers are no counts of tokens, whatever upstream says."""
MAX_ITERATIONS = 1_000
"""Entries of `usage.iterations` that are looked at; a turn has a handful."""
MAX_MODELS = 512
"""Models whose rates are kept ready: more than any upstream serves."""
_BESIDE = ("compaction", "advisor_message")


class Counts(NamedTuple):
    """The tokens of one reply, each counted once: what the API names, with nothing left open."""

    input: int
    output: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    searches: int

    @property
    def prompt(self) -> int:
        """The whole prompt in tokens, cached or not."""
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h


def counts_of(usage: Mapping[str, Any]) -> Counts:
    """The counts of Anthropic's `usage`; what is absent, null or no count is 0.

    What `cache_creation_input_tokens` has beyond its split by lifetime (older servers tell no
    split, and the last event of a stream none either) was written for five minutes, the default.
    """
    written = _count(usage.get("cache_creation_input_tokens"))
    short = long = 0
    split = usage.get("cache_creation")
    if type(split) is dict:
        short = _count(split.get("ephemeral_5m_input_tokens"))
        long = _count(split.get("ephemeral_1h_input_tokens"))
    tools = usage.get("server_tool_use")
    return Counts(
        _count(usage.get("input_tokens")),
        _count(usage.get("output_tokens")),
        _count(usage.get("cache_read_input_tokens")),
        max(short, written - long),
        long,
        _count(tools.get("web_search_requests")) if type(tools) is dict else 0,
    )


class Prices:
    """See the module. Safe to share between threads; never changes.

    Args:
        overrides: of the configuration: by pattern of `fnmatch`, prices in USD per million tokens
            by the kinds of `ModelInfo.prices`. The first pattern that fits the id as it was told,
            or the catalogue's id of the same model, counts; an exact name goes before patterns.
            Kinds that it names replace the catalogue's, the others stay.
    """

    def __init__(self, overrides: Mapping[str, Mapping[str, float]] | None = None) -> None:
        self._overrides = {name: dict(prices) for name, prices in (overrides or {}).items()}
        self._rates = lru_cache(maxsize=MAX_MODELS)(self._find)

    def knows(self, model: str) -> bool:
        """Whether a model has prices."""
        return self._rates(model) is not None

    def cost(
        self, model: str, counts: Mapping[str, Any], counted: Counts | None = None
    ) -> int | None:
        """What one reply cost in micro-USD; None where the model's prices are unknown.

        Args:
            model: that answered, by any name that the catalogue knows.
            counts: Anthropic's `usage` of that reply.
            counted: its `counts_of`, where they are known already.
        """
        rates = self._rates(model)
        if rates is None:
            return None
        total = _cost(rates, counts, counted or counts_of(counts))
        if counts.get("iterations"):
            for other, usage in _beside(model, counts["iterations"]):
                total += self.cost(other, usage) or 0
        return total

    def _find(self, model: str) -> Rates | None:
        info = lookup(model)
        prices = {**info.prices, **self._override(model, info.id)}
        searches = WEB_SEARCH if info.family == "claude" else 0
        return rates_of(prices, info.long_prompt_tokens, searches)

    def _override(self, *names: str) -> Mapping[str, float]:
        for name in names:
            if name in self._overrides:
                return self._overrides[name]
        for pattern, prices in self._overrides.items():
            if any(fnmatchcase(name, pattern) for name in names):
                return prices
        return {}


def _cost(rates: Rates, usage: Mapping[str, Any], counts: Counts) -> int:
    limit = rates.long_prompt_tokens
    rows = rates.short if limit is None or counts.prompt <= limit else rates.long
    if usage.get("speed") == "fast":
        row = rows["fast_"]
    elif usage.get("service_tier") == "batch":
        row = rows["batch_"]
    else:
        row = rows[""]
    parts = counts.input * row.input + counts.output * row.output
    if counts.cache_read or counts.cache_write_5m or counts.cache_write_1h:
        parts += (
            counts.cache_read * row.cache_read
            + counts.cache_write_5m * row.cache_write_5m
            + counts.cache_write_1h * row.cache_write_1h
        )
    denominator = rates.denominator
    if usage.get("inference_geo") == "us":
        parts, denominator = parts * US_ONLY[0], denominator * US_ONLY[1]
    # Half up: neither number is negative.
    return (2 * parts + denominator) // (2 * denominator) + counts.searches * rates.web_search


def _beside(model: str, iterations: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The iterations that the sums above them leave out, with the model that each ran on."""
    if not isinstance(iterations, list):
        return
    for entry in iterations[:MAX_ITERATIONS]:
        if isinstance(entry, Mapping) and entry.get("type") in _BESIDE:
            named = entry.get("model")
            # Entries of entries are no part of the API: without them there is no deep recursion.
            usage = {key: value for key, value in entry.items() if key != "iterations"}
            yield (named if isinstance(named, str) else model), usage


def _count(value: Any) -> int:
    # `type`: a bool is no count, and each reply has a dozen numbers to look at.
    return value if type(value) is int and 0 < value <= MAX_COUNT else 0
