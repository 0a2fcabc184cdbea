"""What a stream of Anthropic's events has used, read from the bytes as they pass by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claif_cla.gateway.visit import Usage, Visit
from claif_cla.translate.usage import merge_usage
from claif_cla.wire import json_text

__all__ = ["UsageTap"]

MAX_LINE = 1024 * 1024
"""Bytes of one line that are looked at. The two events that count are far below."""
_ENVELOPE = 100
"""About so many bytes of a delta's line are not its text."""
_MARKS = (b'"usage"', b'"message_stop"', b'"error"')
"""One of them stands in each line that counts."""


class UsageTap:
    """Fills `visit.usages` from the bytes of one stream, cut anywhere.

    Args:
        visit: of the request.
        handle: what the stream is read from; names it among the visit's usages.

    Attributes:
        complete: whether the last event has come: `message_stop`, or an error.
        rare: whether other events than the words of an answer have come; who has looked at them
            may set it back.
    """

    __slots__ = ("_handle", "_rest", "_visit", "complete", "rare")

    def __init__(self, visit: Visit, handle: Any) -> None:
        self._visit, self._handle = visit, handle
        self._rest = b""
        self.complete = self.rare = False

    def feed(self, piece: bytes) -> None:
        """Look at the next bytes."""
        lines = (self._rest + piece).split(b"\n")
        self._rest = lines.pop()[-MAX_LINE:]
        for line in lines:
            if line.startswith(b"data:"):
                self._line(line)

    def _line(self, line: bytes) -> None:
        if b'"content_block_delta"' in line:
            usage = self._visit.usages.get(self._handle)
            if usage is not None:
                usage.characters += max(0, len(line) - _ENVELOPE)
            self._visit.chunks += 1
            return
        self.rare = True
        if len(line) > MAX_LINE or not any(mark in line for mark in _MARKS):
            return
        try:
            event = json_text.load(line[5:])
        except ValueError:
            return
        if isinstance(event, Mapping):
            self._event(event)

    def _event(self, event: Mapping[str, Any]) -> None:
        kind, message = event.get("type"), event.get("message")
        if kind == "message_start" and isinstance(message, Mapping):
            self._take(message, complete=False)
        elif kind == "message_delta":
            usage = self._visit.usages.get(self._handle)
            counts = event.get("usage")
            if usage is not None and isinstance(counts, Mapping):
                usage.counts = merge_usage(usage.counts, counts)
                usage.complete = True
        elif kind in ("message_stop", "error"):
            self.complete = True
            error = event.get("error")
            if kind == "error" and isinstance(error, Mapping):
                self._visit.code = str(error.get("type") or "")

    def message(self, message: Mapping[str, Any]) -> None:
        """Take a whole Message."""
        self._take(message, complete=True)

    def _take(self, message: Mapping[str, Any], *, complete: bool) -> None:
        model, counts = message.get("model"), message.get("usage")
        if self._handle not in self._visit.usages:
            self._visit.untold -= 1
        self._visit.usages[self._handle] = Usage(
            model if isinstance(model, str) else self._visit.model or "",
            counts if isinstance(counts, dict) else {},
            complete,
        )
