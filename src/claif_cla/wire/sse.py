"""Server-sent events: bytes, cut anywhere, into events; events into bytes.

Rules of the WHATWG specification that peers get wrong: lines end with LF, CR LF or a bare CR,
also when CR and LF arrive in two reads; U+2028 and U+0085 do *not* end a line; several `data`
lines are joined with LF; a leading byte-order mark is dropped; comments are skipped; an event
that the stream ends in the middle of is not an event.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from claif_cla.errors import OversizedAnswer

__all__ = ["MAX_EVENT_BYTES", "EventDecoder", "ServerSentEvent", "encode"]

MAX_EVENT_BYTES = 64 * 1024 * 1024
"""Bound of one event. Whole tool results of server tools travel in a single event, and the
Messages API takes 32 MB of request, so an answer's event stays well below."""

_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event: its name (`message` if the stream gave none) and its data."""

    event: str
    data: bytes


@dataclass(slots=True)
class EventDecoder:
    """Feed it bytes; it yields the events that they complete.

    Args:
        max_event_bytes: bound of one event; beyond it `OversizedAnswer` is raised.
    """

    max_event_bytes: int = MAX_EVENT_BYTES
    _buffer: bytearray = field(default_factory=bytearray)
    _scanned: int = 0
    _event: str = ""
    _data: list[bytes] = field(default_factory=list)
    _size: int = 0
    _started: bool = False

    def feed(self, piece: bytes) -> Iterator[ServerSentEvent]:
        """Yield each event that is complete with `piece`."""
        self._buffer += piece
        if not self._started:
            if len(self._buffer) < 3 and b"\xef\xbb\xbf".startswith(self._buffer):
                return
            if self._buffer.startswith(b"\xef\xbb\xbf"):
                del self._buffer[:3]
            self._started = True
        start = 0
        try:
            for match in _LINE_END.finditer(self._buffer, self._scanned):
                # A CR at the very end may be half of a CR LF: wait for the next byte.
                if match.end() == len(self._buffer) and match.group() == b"\r":
                    break
                line = bytes(self._buffer[start : match.start()])
                start = match.end()
                event = self._take_line(line)
                if event is not None:
                    yield event
        finally:
            del self._buffer[:start]
            self._scanned = max(0, len(self._buffer) - 1)
        if len(self._buffer) + self._size > self.max_event_bytes:
            raise OversizedAnswer(f"an event of the stream exceeds {self.max_event_bytes} bytes")

    def _take_line(self, line: bytes) -> ServerSentEvent | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        if name == b"data":
            self._data.append(value)
            self._size += len(value)
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
        return None

    def _dispatch(self) -> ServerSentEvent | None:
        event = None
        if self._data:
            event = ServerSentEvent(self._event or "message", b"\n".join(self._data))
        self._event, self._data, self._size = "", [], 0
        return event


def encode(data: bytes, event: str | None = None) -> bytes:
    """One event as bytes. `data` must hold no line end, as compact JSON does."""
    name = b"" if event is None else b"event: " + event.encode() + b"\n"
    return name + b"data: " + data + b"\n\n"
