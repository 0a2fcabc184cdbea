"""Server-sent events: bytes, cut anywhere, into events; events into bytes.

Rules of the WHATWG specification that peers get wrong: lines end with LF, CR LF or a bare CR,
also when CR and LF arrive in two reads; U+2028 and U+0085 do *not* end a line; several `data`
lines are joined with LF; a leading byte-order mark is dropped; comments are skipped; an event
that the stream ends in the middle of is not an event.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from claif_cla.errors import OversizedAnswer

__all__ = ["MAX_EVENT_BYTES", "EventDecoder", "ServerSentEvent", "encode"]

MAX_EVENT_BYTES = 64 * 1024 * 1024
"""Bound of one event. Whole tool results of server tools travel in a single event, and the
Messages API takes 32 MB of request, so an answer's event stays well below."""

_LINE_END = re.compile(rb"\r\n|\r|\n")

_CR = ord("\r")  # the number: to look for `b"\r"` in bytes takes four times as long

_USUAL = re.compile(rb"(?:event: (.*)\n)?data: (.*)\n\n")
"""An event as nearly every server writes it, if there is no CR in it: taken whole, not line by
line. (`.` is all but LF, and passes over text several times as fast as a set of characters.)"""


class ServerSentEvent(NamedTuple):
    """One event: its name (`message` if the stream gave none) and its data."""

    event: str
    data: bytes


_event = partial(tuple.__new__, ServerSentEvent)  # in half the time that the class takes


@dataclass(slots=True)
class EventDecoder:
    """Feed it bytes; it yields the events that they complete.

    The events do not depend on how the bytes were cut, nor does the point at which an oversized
    event is refused. Memory stays within a small multiple of `max_event_bytes` and the piece fed.

    Args:
        max_event_bytes: bound of one event's data and of any single line; beyond it
            `OversizedAnswer` is raised, and the decoder is of no further use.
    """

    max_event_bytes: int = MAX_EVENT_BYTES
    _buffer: bytearray = field(default_factory=bytearray)
    _scanned: int = 0
    _after_cr: bool = False
    _started: bool = False
    _event: str = ""
    _data: bytearray = field(default_factory=bytearray)

    def feed(self, piece: bytes) -> Iterator[ServerSentEvent]:
        """Yield each event that is complete with `piece`.

        Take all of them before feeding more; what is left untaken comes first the next time.
        """
        if not self._take_in(piece):
            return
        while True:
            yield from self._take_usual()
            if not self._buffer:  # as after nearly every piece
                return
            end = _LINE_END.search(self._buffer, self._scanned)
            if end is None:
                break
            line = self._buffer[: end.start()]
            # A CR ends its line at once (an event must not wait for the byte that follows it);
            # if that byte is the LF of a CR LF, it is dropped when it comes.
            self._after_cr = end.group() == b"\r" and end.end() == len(self._buffer)
            del self._buffer[: end.end()]
            self._scanned = 0
            event = self._take_line(line)
            if event is not None:
                yield event
        self._scanned = len(self._buffer)
        self._check(self._scanned)

    def _take_in(self, piece: bytes) -> bool:
        """Append to the buffer; False while the first bytes may still become a byte-order mark."""
        if piece and self._after_cr:
            self._after_cr = False
            piece = piece.removeprefix(b"\n")
        self._buffer += piece
        if not self._started:
            if len(self._buffer) < len(BOM_UTF8) and BOM_UTF8.startswith(self._buffer):
                return False
            if self._buffer.startswith(BOM_UTF8):
                del self._buffer[: len(BOM_UTF8)]
            self._started = True
        return True

    def _take_usual(self) -> Iterator[ServerSentEvent]:
        """The events in their usual form that the buffer starts with."""
        if self._scanned or self._data or self._event:  # in the middle of an event, or of a line
            return
        buffer, limit, at = self._buffer, self.max_event_bytes, 0
        try:
            while (found := _USUAL.match(buffer, at)) is not None:
                name, data = found.groups(b"")
                end = found.end()
                if end - at > limit or _CR in data or _CR in name:
                    return
                at = end
                yield _event((name.decode("utf-8", "replace") or "message", data))
        finally:
            del buffer[:at]  # once for all that were taken, also by who leaves in the middle

    def _take_line(self, line: bytearray) -> ServerSentEvent | None:
        self._check(len(line))
        if not line:
            return self._dispatch()
        name, _, value = line.partition(b":")
        if value.startswith(b" "):
            del value[:1]
        if name == b"data":
            self._data += value
            self._data += b"\n"
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
        return None

    def rest(self) -> ServerSentEvent | None:
        """The event that the end of the stream cut short, as far as it has come.

        For the specification it is none; whoever takes it must know that it is complete.
        """
        line, self._buffer = self._buffer, bytearray()
        return self._take_line(line) or self._dispatch()

    def _dispatch(self) -> ServerSentEvent | None:
        event = None
        if self._data:
            event = ServerSentEvent(self._event or "message", bytes(self._data[:-1]))
        self._event, self._data = "", bytearray()
        return event

    def _check(self, line_length: int) -> None:
        if len(self._data) + line_length > self.max_event_bytes:
            raise OversizedAnswer(
                f"one event of the stream is larger than {self.max_event_bytes} bytes"
            )


def encode(data: bytes, event: str | None = None) -> bytes:
    """One event as bytes. `data` must hold no line end, as compact JSON does."""
    name = b"" if event is None else b"event: " + event.encode() + b"\n"
    return name + b"data: " + data + b"\n\n"
