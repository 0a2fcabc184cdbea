"""One line a request, of listed fields: no header, no query, no body can get in.

Lines are handed to a thread, so that a slow terminal or pipe holds up no request. Beyond a bound
they are dropped and counted.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from claif_cla.gateway.seen.redaction import redacted
from claif_cla.gateway.visit import Visit
from claif_cla.wire import json_text

__all__ = ["AccessLog", "fields"]

MAX_WAITING = 20_000
"""Lines of about 500 bytes that wait for a slow reader: 10 MB."""
FLUSH_SECONDS = 0.2


def fields(visit: Visit) -> dict[str, Any]:
    """What a line tells. Durations are in milliseconds, costs in US dollars."""
    ended = visit.ended_at or visit.started_at
    key = visit.key
    told: dict[str, Any] = {
        "time": _instant(visit.began),
        "id": visit.id,
        "client": visit.client,
        "method": redacted(visit.method)[:20],
        "path": redacted(visit.path),
        "endpoint": visit.endpoint,
        "status": visit.status,
        "code": None if visit.code is None else redacted(visit.code),
        "key": None if key is None else key.id,
        "key_name": None if key is None else redacted(key.name),
        "asked_model": None if visit.asked_model is None else redacted(str(visit.asked_model)),
        "model": None if visit.model is None else redacted(visit.model),
        "account": visit.account,
        "attempts": visit.attempts,
        "stream": visit.streamed,
        "ms": _milliseconds(ended - visit.started_at),
        "upstream_ms": _milliseconds(visit.upstream_seconds),
        "first_byte_ms": None
        if visit.first_byte_at is None
        else _milliseconds(visit.first_byte_at - visit.started_at),
        "bytes_in": visit.bytes_in,
        "bytes_out": visit.bytes_out,
        "chunks": visit.chunks,
        "input_tokens": 0,
        "output_tokens": 0,
        "cost": None if visit.cost is None else visit.cost / 1_000_000,
        "adapted": redacted(visit.adapted) or None,
        "left": visit.left,
    }
    for usage in visit.usages.values():
        told["input_tokens"] += _count(usage.counts.get("input_tokens"))
        told["output_tokens"] += _count(usage.counts.get("output_tokens"))
    return told


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)


def _instant(began: float) -> str:
    when = datetime.fromtimestamp(began, timezone.utc)
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


class AccessLog:
    """Writes lines.

    Args:
        form: `json` or `text`.
        write: takes a piece of text; standard error unless told.
    """

    def __init__(self, form: str, write: Callable[[str], object] | None = None) -> None:
        self._form = form
        self._write = write or _to_stderr
        self._waiting: deque[Visit] = deque()
        self._wake = threading.Event()
        self._closed = False
        self.dropped = 0
        self._thread: threading.Thread | None = None

    def add(self, visit: Visit) -> None:
        """Tell of a request that has ended. Costs the request next to nothing."""
        if len(self._waiting) >= MAX_WAITING:
            self.dropped += 1
            return
        self._waiting.append(visit)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while not self._closed:
            self._wake.wait(FLUSH_SECONDS)
            self._flush()
        self._flush()

    def _flush(self) -> None:
        lines: list[str] = []
        while self._waiting and len(lines) < 1_000:
            lines.append(self._line(self._waiting.popleft()))
        if lines:
            self._write("".join(lines))

    def _line(self, visit: Visit) -> str:
        told = fields(visit)
        if self._form == "json":
            return json_text.dump_text(told) + "\n"
        shown = (f"{name}={value}" for name, value in told.items() if value is not None)
        return " ".join(shown) + "\n"

    def close(self) -> None:
        """Write what waits, for two seconds at most."""
        self._closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(2.0)


def _to_stderr(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        pass  # nobody reads it any more
