"""One request in the ledger, and its line in a journal."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

__all__ = ["MAX_TEXT", "Entry", "day_of", "entry_of", "line_of"]

MAX_TEXT = 200
"""Characters of a name that are kept. A model's may be anything that the caller thought of."""
MAX_COUNT = 2**53
"""Larger numbers are no counts of tokens, and their sum might not fit SQLite's 64 bits."""


class Entry(NamedTuple):
    """See the module. It holds no content and no secret.

    Attributes:
        id: of the visit; an id counts once.
        at: when it ended, in Unix seconds; its day (UTC) is that of the ledger.
        key: id of the caller's key, empty for callers without one; `key_name`: its name then.
        model: that answered, or was asked for.
        endpoint: `chat`, `messages`, …; `account`: the upstream account, empty for none.
        status: of the answer.
        input, cache_read, cache_write_5m, cache_write_1h, output: tokens.
        cost: micro-USD; None where the model's prices are unknown.
        estimated: whether counts were estimated, because the answer was left in the middle.
    """

    id: str
    at: float
    key: str = ""
    key_name: str = ""
    model: str = ""
    endpoint: str = ""
    account: str = ""
    status: int = 0
    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    cost: int | None = None
    estimated: bool = False


_TEXTS = (0, *range(2, 7))
_COUNTS = range(7, 13)


def line_of(entry: Entry) -> bytes:
    """The line of an entry, newline included. JSON escapes newlines, so there is no other."""
    if len(entry.model) > MAX_TEXT:
        entry = entry._replace(model=entry.model[:MAX_TEXT])
    try:
        return to_json(entry) + b"\n"
    except ValueError:  # half an emoji in a model's name: UTF-8 cannot hold it
        return to_json(Entry(*map(_encodable, entry))) + b"\n"


def _encodable(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def entry_of(line: bytes) -> Entry | None:
    """The entry of a line; None for a torn one, or one that is no entry."""
    try:
        fields = from_json(line)
    except ValueError:
        return None
    if not isinstance(fields, list) or len(fields) != len(Entry._fields):
        return None
    cost, at = fields[13], fields[1]
    sound = (
        all(isinstance(fields[place], str) for place in _TEXTS)
        and all(_is_count(fields[place]) for place in _COUNTS)
        and (cost is None or _is_count(cost))
        and isinstance(at, (int, float))
        and 0 <= at < 253_402_300_800  # the year 10000, of which `datetime` knows nothing
    )
    return Entry(*fields[:14], bool(fields[14])) if sound else None


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value <= MAX_COUNT


def day_of(at: float) -> str:
    """The day (UTC) of a time in Unix seconds, as `2026-11-23`."""
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%d")
