"""The tokens of one request, by kind: all its upstream replies together."""

from __future__ import annotations

from typing import Any

from claif_cla.gateway.visit import Visit

__all__ = ["TOKENS", "count_of", "counted"]

TOKENS = (
    ("input", "input_tokens"),
    ("output", "output_tokens"),
    ("cache_read", "cache_read_input_tokens"),
    ("cache_write", "cache_creation_input_tokens"),
)
"""Our name of each kind, and that of Anthropic's `usage`. None is contained in another."""
_MOST = 1_000_000_000
"""What no reply can have used: whoever tells more is no upstream to count on."""


def count_of(value: Any) -> int:
    """A count of `usage`; 0 for what is none."""
    if type(value) is int and 0 < value <= _MOST:
        return value
    return 0


def counted(visit: Visit) -> dict[str, int]:
    """The tokens of each kind of which there are any."""
    told: dict[str, int] = {}
    for usage in visit.usages.values():
        for kind, name in TOKENS:
            count = count_of(usage.counts.get(name))
            if count:
                told[kind] = told.get(kind, 0) + count
    return told
