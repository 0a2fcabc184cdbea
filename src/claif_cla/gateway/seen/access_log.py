"""One line a request, of listed fields: no header, no query, no body can get in."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from claif_cla.gateway.seen.redaction import redacted
from claif_cla.gateway.seen.tokens import TOKENS, counted
from claif_cla.gateway.visit import Visit
from claif_cla.wire import json_text

__all__ = ["AccessLog", "fields"]


def fields(visit: Visit, clean: Callable[[Any], str] = redacted) -> dict[str, Any]:
    """What a line tells. Durations are in milliseconds, costs in US dollars.

    Args:
        visit: a request that has ended.
        clean: for text that is not the gateway's own.
    """
    key, began = visit.key, visit.started_at
    told: dict[str, Any] = {
        "time": _instant(visit.began),
        "id": visit.id,
        "client": clean(visit.client),
        "method": clean(visit.method)[:20],
        "path": clean(visit.path),
        "endpoint": visit.endpoint,
        "status": visit.status,
        "code": _clean_or_none(visit.code, clean),
        "key": None if key is None else key.id,
        "key_name": None if key is None else clean(key.name),
        "asked_model": _clean_or_none(visit.asked_model, clean),
        "model": _clean_or_none(visit.model, clean),
        "account": _clean_or_none(visit.account, clean),
        "attempts": visit.attempts,
        "stream": visit.streamed,
        "ms": _milliseconds((visit.ended_at or began) - began),
        "upstream_ms": _milliseconds(visit.upstream_seconds),
        "first_byte_ms": None
        if visit.first_byte_at is None
        else _milliseconds(visit.first_byte_at - began),
        "bytes_in": visit.bytes_in,
        "bytes_out": visit.bytes_out,
        "chunks": visit.chunks,
    }
    used = counted(visit.usages.values())
    for kind, _ in TOKENS:
        told[f"{kind}_tokens"] = used.get(kind, 0)
    told["cost_usd"] = None if visit.cost is None else visit.cost / 1_000_000
    told["adapted"] = clean(visit.adapted) if visit.adapted else None
    told["left"] = visit.left
    return told


def _clean_or_none(text: Any, clean: Callable[[Any], str]) -> str | None:
    return None if text is None else clean(text)


def _milliseconds(seconds: float) -> float:
    return round(seconds * 100_000) / 100


_second: tuple[int, str] = (-1, "")


def _instant(began: float) -> str:
    """UTC, to the millisecond. The second is spelled once for all the requests in it."""
    global _second  # noqa: PLW0603 - a memory of one entry
    whole = int(began)
    second, text = _second
    if second != whole:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
        _second = (whole, text)
    return f"{text}.{int((began - whole) * 1000):03d}Z"


class AccessLog:
    """Makes the lines.

    Args:
        form: `json` or `text`.
        add: takes a line.
        clean: for text that is not the gateway's own.
    """

    def __init__(
        self, form: str, add: Callable[[bytes], object], clean: Callable[[Any], str] = redacted
    ) -> None:
        self._is_json = form == "json"
        self._add, self._clean = add, clean

    def told(self, visit: Visit) -> None:
        """Tell of a request that has ended."""
        line = fields(visit, self._clean)
        self._add(json_text.dump_bytes(line) + b"\n" if self._is_json else _text(line))


def _text(line: Mapping[str, Any]) -> bytes:
    shown = (f"{name}={_word(value)}" for name, value in line.items() if value is not None)
    return (" ".join(shown) + "\n").encode("utf-8", "replace")


def _word(value: Any) -> str:
    """A value; quoted where it could be taken for the next field."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if not text or any(letter in text for letter in ' "=\\'):
        return json_text.dump_text(text)
    return text
