"""One request in the ledger, and its line in a journal."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import NamedTuple

from pydantic_core import from_json

from claif_cla.wire import json_text

__all__ = ["MAX_TEXT", "Entry", "day_of", "is_line", "line_of"]

MAX_TEXT = 200
"""Characters of a name that are kept. A model's may be anything that the caller thought of."""


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


def line_of(entry: Entry) -> bytes:
    """The line of an entry, newline included. JSON escapes newlines, so there is no other."""
    if len(entry.model) > MAX_TEXT:
        entry = entry._replace(model=entry.model[:MAX_TEXT])
    return json_text.dump_bytes([*entry]) + b"\n"


def is_line(line: bytes) -> bool:
    """Whether a line is that of an entry, and not what a broken disk made of it."""
    try:
        fields = from_json(line, allow_inf_nan=False)
    except ValueError:
        return False
    return isinstance(fields, list) and len(fields) == len(Entry._fields)


def day_of(at: float) -> str:
    """The day (UTC) of a time in Unix seconds, as `2026-11-23`."""
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%d")
