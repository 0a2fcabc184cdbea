"""Reading a reply's body from within a flow: whole, or as the events of a stream."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from claif_cla.errors import MalformedAnswer, OversizedAnswer, TruncatedStream
from claif_cla.translate.flow import Close, Effect, Read, Reply
from claif_cla.wire import json_text
from claif_cla.wire.sse import EventDecoder, ServerSentEvent

__all__ = [
    "MAX_ANSWER_BYTES",
    "MAX_DEPTH",
    "MAX_ERROR_BYTES",
    "UNREADABLE",
    "EventReader",
    "open_events",
    "parse",
    "read_error",
    "read_json",
]

MAX_ANSWER_BYTES = 256 * 1024 * 1024
"""Bound of one answer, whole or streamed. 128k output tokens are below one megabyte; results of
server tools and container files account for the rest."""
MAX_ERROR_BYTES = 1024 * 1024
"""Bound of an error's body. What is beyond it is not read: the status already tells."""
MAX_DEPTH = 200
"""Bound of the nesting of JSON. What is read here is written again some levels deeper, and
neither may exhaust the stack."""

UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)
"""What translating raises over JSON of another shape than the API's; `MalformedAnswer` to all
others."""


def parse(data: str | bytes) -> Any:
    """JSON from upstream. Raises ValueError on anything else, and on more than `MAX_DEPTH`."""
    value = json_text.load(data)
    if len(data) > MAX_DEPTH and _opened(data) > MAX_DEPTH and _is_deep(value):
        raise ValueError(f"JSON nested deeper than {MAX_DEPTH} levels")
    return value


def _opened(data: str | bytes) -> int:
    if isinstance(data, str):
        return data.count("[") + data.count("{")
    return data.count(b"[") + data.count(b"{")


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [item for parent in level for item in _children(parent)]
        if not level:
            return False
    return True


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def read_error(reply: Reply) -> Generator[Effect, Any, bytes]:
    """An error's body, or its beginning."""
    body = b""
    while len(body) < MAX_ERROR_BYTES and (piece := (yield Read(reply))):
        body += piece
    yield Close(reply)
    return body


def read_json(reply: Reply) -> Generator[Effect, Any, Any]:
    """The body as JSON. Raises `MalformedAnswer` for anything else."""
    body = yield from _read_whole(reply)
    if not body:
        raise MalformedAnswer("expected JSON, but the answer is empty")
    try:
        return parse(body)
    except ValueError as error:
        message = f"expected JSON, but the answer starts with {_start(body)}"
        raise MalformedAnswer(message) from error


def _read_whole(reply: Reply) -> Generator[Effect, Any, bytes]:
    pieces: list[bytes] = []
    size = 0
    while piece := (yield Read(reply)):
        size += len(piece)
        if size > MAX_ANSWER_BYTES:
            yield Close(reply)
            raise OversizedAnswer(f"the answer exceeds {MAX_ANSWER_BYTES} bytes")
        pieces.append(piece)
    yield Close(reply)
    return b"".join(pieces)


def _start(data: bytes) -> str:
    return repr(data[:200].decode("utf-8", "replace"))


def open_events(reply: Reply) -> Generator[Effect, Any, EventReader]:
    """The events of a reply.

    A whole answer is told as the stream that it might have been: some proxies answer so to
    `stream: true`, and the API itself does to what a programmatic tool call continues.
    """
    if reply.headers.get("content-type", "").lower().startswith("text/event-stream"):
        return EventReader(reply)
    answer = yield from read_json(reply)
    kind = answer.get("type") if isinstance(answer, dict) else None
    if kind == "message":
        told = [{"type": "message_start", "message": answer}, {"type": "message_stop"}]
        return EventReader(reply, iter(told), answer)
    if kind == "error":
        return EventReader(reply, iter([answer]))
    raise MalformedAnswer("the answer is JSON, but not a Message of the Messages API")


@dataclass(slots=True)
class EventReader:
    """The events of one reply, one at a time, as JSON; pings and comments are passed over.

    Args:
        reply: whose body is read, as far as the events asked for need it.
        ready: the events that have come already. Raises `MalformedAnswer` for what is none.
        message: what they tell, where they are a whole answer that has been read to its end.
    """

    reply: Reply
    ready: Iterator[dict[str, Any]] = field(default_factory=lambda: iter(()))
    message: Mapping[str, Any] | None = None
    _decoder: EventDecoder | None = None
    _size: int = 0

    def next_event(self) -> Generator[Effect, Any, dict[str, Any]]:
        """The next event; it has a `type`.

        Raises:
            TruncatedStream: there is none. Who asks knows that the answer is not complete.
            MalformedAnswer: an event that is no JSON object.
            OversizedAnswer: beyond the bounds of an event or of an answer.
        """
        while (event := next(self.ready, None)) is None:
            yield from self.read()
        return event

    def read(self) -> Generator[Effect, Any, None]:
        """Have the next piece of the body come; see `take`."""
        self.take((yield Read(self.reply)))

    def take(self, piece: bytes) -> None:
        """Take the next piece of the body; empty at its end.

        Raises:
            TruncatedStream, OversizedAnswer: see `next_event`.
        """
        if not piece:
            self.ready = iter((self._last_event(),))
            return
        self._size += len(piece)
        if self._size > MAX_ANSWER_BYTES:
            raise OversizedAnswer(f"the answer exceeds {MAX_ANSWER_BYTES} bytes")
        if self._decoder is None:  # of a whole answer, nobody needs one
            self._decoder = EventDecoder()
        self.ready = _events(self._decoder.feed(piece))

    def _last_event(self) -> dict[str, Any]:
        """A `message_stop` that the stream ended right after, without the blank line.

        By the specification that is no event, but the answer is proven complete.
        """
        sent = self._decoder.rest() if self._decoder is not None else None
        with suppress(MalformedAnswer):
            event = next(_events([sent] if sent is not None else []), None)
            if event is not None and event["type"] == "message_stop":
                return event
        raise TruncatedStream("the stream ended before `message_stop`")


def _events(sent: Iterable[ServerSentEvent]) -> Iterator[dict[str, Any]]:
    """Events as JSON; pings, and what some proxies add, are passed over."""
    for name, data in sent:
        try:
            event = parse(data)
        except ValueError as error:
            # Some proxies keep the connection alive with empty data, or add OpenAI's end mark.
            if not data.strip() or data.startswith(b"[DONE]"):
                continue
            message = f"an event of the stream is no JSON: {_start(data)}"
            raise MalformedAnswer(message) from error
        if not isinstance(event, dict):
            raise MalformedAnswer("an event of the stream is JSON, but no object")
        if "type" not in event:
            # The API names the type in both places, some proxies in one; OpenAI's error in none.
            event["type"] = "error" if event.get("error") else name
        if event["type"] != "ping":
            yield event
