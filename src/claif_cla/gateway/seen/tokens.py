"""Tokens by kind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from claif_cla.gateway.visit import Usage

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


def counted(usages: Iterable[Usage]) -> dict[str, int]:
    """The tokens of each kind of which there are any, of several replies together."""
    told: dict[str, int] = {}
    for usage in usages:
        for kind, name in TOKENS:
            count = count_of(usage.counts.get(name))
            if count:
                told[kind] = told.get(kind, 0) + count
    return told
