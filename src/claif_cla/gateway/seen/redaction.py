"""Secrets in text that comes from outside: a path, a model's name."""

from __future__ import annotations

import re

__all__ = ["MAX_TEXT", "redacted"]

MAX_TEXT = 200
"""Characters of such a text that are kept."""
_SECRET = re.compile(r"(?:sk-|claif-|bearer\s+)[\w.~+/=-]{6,}|[\w-]{40,}", re.IGNORECASE)
"""Keys as the companies write them, and anything long enough to be one."""


def redacted(text: str) -> str:
    """The text without what looks like a secret, cut, and without control characters."""
    cut = text[: 2 * MAX_TEXT]
    if not cut.isprintable():
        cut = "".join(letter if letter.isprintable() else "�" for letter in cut)
    return _SECRET.sub("***", cut)[:MAX_TEXT]
