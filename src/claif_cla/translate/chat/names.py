"""Tool names and tool call ids that Claude's patterns take, and the way back.

The API takes names of `[a-zA-Z0-9_-]{1,64}` and ids of `[a-zA-Z0-9_-]+`. What is legal passes
unchanged. What is not gets an alias that depends on nothing but itself, so that the same
conversation always gives the same bytes, and that ends in a digest, so that `a.b` and `a_b`
stay two.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable

__all__ = ["NAME_LIMIT", "ToolNames", "legal_id"]

NAME_LIMIT = 64
_LEGAL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")
_LEGAL_ID = re.compile(r"[a-zA-Z0-9_-]+\Z")
_ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]")
_ID_STEM = 40


def _alias(original: str, stem: int, digits: int) -> str:
    digest = hashlib.sha256(original.encode("utf-8", "surrogatepass")).hexdigest()[:digits]
    return f"{_ILLEGAL.sub('_', original)[:stem]}_{digest}"


def legal_id(tool_call_id: str) -> str:
    """The id itself if it is legal, else its alias."""
    if _LEGAL_ID.match(tool_call_id):
        return tool_call_id
    return _alias(tool_call_id, _ID_STEM, 16)


class ToolNames:
    """The names of one request's tools in both directions."""

    def __init__(self) -> None:
        self._wire: dict[str, str] = {}
        self._original: dict[str, str] = {}

    @classmethod
    def of(cls, originals: Iterable[str]) -> ToolNames:
        """Aliases for these names; no alias equals another of the names."""
        names = cls()
        unique = list(dict.fromkeys(originals))
        taken = {name for name in unique if _LEGAL_NAME.match(name)}
        for name in unique:
            names._add(name, taken)
        return names

    def _add(self, original: str, taken: Collection[str] = ()) -> str:
        wire = original
        if not _LEGAL_NAME.match(original):
            wire = _alias(original, NAME_LIMIT - 9, 8)
            if wire in taken or wire in self._original:
                wire = _alias(original, NAME_LIMIT - 33, 32)
        self._wire[original] = wire
        # A name that only the history knows may equal an alias: then that stays the alias.
        self._original.setdefault(wire, original)
        return wire

    def to_wire(self, original: str) -> str:
        """The name for Claude. A name that only the history knows gets its alias here."""
        return self._wire.get(original) or self._add(original)

    def to_caller(self, wire: str) -> str:
        """The caller's own name; one that is not the caller's stays as it is."""
        return self._original.get(wire, wire)

    def __contains__(self, original: object) -> bool:
        return original in self._wire
