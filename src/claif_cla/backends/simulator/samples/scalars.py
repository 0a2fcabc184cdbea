"""Strings and numbers that are valid for a schema, the plainest first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from claif_cla.backends.simulator.samples.patterns import matching_text

__all__ = ["integers", "numbers", "strings"]

_FORMATS: Mapping[str, str] = {
    "date": "2026-01-{n:02d}",
    "date-time": "2026-01-{n:02d}T12:00:00Z",
    "duration": "P{n}D",
    "email": "someone{n}@example.com",
    "hostname": "host{n}.example.com",
    "ipv4": "192.0.2.{n}",
    "ipv6": "2001:db8::{n:x}",
    "time": "12:00:{n:02d}Z",
    "uri": "https://example.com/{n}",
    "uri-reference": "/{n}",
    "uuid": "00000000-0000-4000-8000-{n:012x}",
}
_MAX_LENGTH = 100_000


def strings(schema: Mapping[str, Any], name: str, variant: int) -> Iterator[str]:
    """Texts for a string schema.

    Args:
        schema: its keywords.
        name: of the property that the text is for; it makes the plainest text.
        variant: texts of different variants differ, for lists of unique items.
    """
    if "pattern" in schema:
        shortest = min(int(schema.get("minLength", 0)), _MAX_LENGTH)
        for more in dict.fromkeys((variant, shortest + variant, 0)):
            text = matching_text(schema["pattern"], more)
            if text is not None:
                # Where the pattern leaves the end open, variants differ there.
                yield _sized(text + "a" * variant, schema)
                yield text
    template = _FORMATS.get(str(schema.get("format")))
    if template is not None:
        yield template.format(n=variant + 1)
    suffix = str(variant) if variant else ""
    yield _sized(f"{name or 'text'}{suffix}", schema)
    # The suffix may have been cut off: a short text varies at its first characters.
    yield _sized(chr(ord("a") + variant % 26) + chr(ord("a") + variant // 26 % 26), schema)


def _sized(text: str, schema: Mapping[str, Any]) -> str:
    shortest = min(int(schema.get("minLength", 0)), _MAX_LENGTH)
    return text.ljust(shortest, "x")[: int(schema.get("maxLength", _MAX_LENGTH))]


def _bounds(schema: Mapping[str, Any]) -> tuple[float, float]:
    low = max(schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf))
    high = min(schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf))
    return low, high


def integers(schema: Mapping[str, Any], variant: int) -> Iterator[int]:
    """Integers for a schema, starting as near to 1 as its bounds allow."""
    low, high = _bounds(schema)
    step = schema.get("multipleOf") or 1
    start = max(1, math.ceil(low)) if low > -math.inf else (1 if high >= 1 else math.floor(high))
    direction = -1 if low == -math.inf and high < math.inf else 1
    first = math.ceil(start / step) if direction > 0 else math.floor(start / step)
    for offset in range(variant, variant + 4):
        value = (first + direction * offset) * step
        if value == int(value):
            yield int(value)
    yield from (0, -1)
    if high < math.inf:
        yield math.floor(high / step) * int(step) if step == int(step) else math.floor(high)
    if low > -math.inf:
        yield math.ceil(low)


def numbers(schema: Mapping[str, Any], variant: int) -> Iterator[float]:
    """Numbers for a schema: whole ones first, then between its bounds."""
    yield from integers(schema, variant)
    low, high = _bounds(schema)
    step = schema.get("multipleOf")
    if step:
        base = low if low > -math.inf else min(high, 0.0)
        yield from (step * (math.floor(base / step) + place) for place in range(-2, 3))
    if math.isfinite(low) and math.isfinite(high):
        share = (variant + 1) / (variant + 2)
        yield low + (high - low) * share
        yield low / 2 + high / 2
    elif math.isfinite(low):
        yield low + 0.5 + variant
        yield math.nextafter(low, math.inf)
    elif math.isfinite(high):
        yield high - 0.5 - variant
