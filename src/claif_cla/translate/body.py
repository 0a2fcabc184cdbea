"""Reading a reply's body from within a flow: whole, or as the events of a stream."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from claif_cla.errors import MalformedAnswer, OversizedAnswer, TruncatedStream
from claif_cla.translate.flow import Close, Effect, Read, Reply
from claif_cla.wire import json_text
from claif_cla.wire.sse import EventDecoder, ServerSentEvent

__all__ = ["EventReader", "is_event_stream", "read_error", "read_json", "read_whole"]

MAX_BODY_BYTES = 256 * 1024 * 1024
"""Bound of a whole answer; see `fold.MAX_ANSWER_BYTES`."""
MAX_ERROR_BYTES = 1024 * 1024
"""Bound of an error's body. What is beyond it is not read: the status already tells."""


def read_whole(reply: Reply, limit: int = MAX_BODY_BYTES) -> Generator[Effect, Any, bytes]:
    """The whole body. Raises `OversizedAnswer` beyond `limit` bytes."""
    pieces = []
    size = 0
    while piece := (yield Read(reply)):
        size += len(piece)
        if size > limit:
            yield Close(reply)
            raise OversizedAnswer(f"the answer exceeds {limit} bytes")
        pieces.append(piece)
    yield Close(reply)
    return b"".join(pieces)


def read_error(reply: Reply) -> Generator[Effect, Any, bytes]:
    """An error's body, or its beginning."""
    body = b""
    while len(body) < MAX_ERROR_BYTES and (piece := (yield Read(reply))):
        body += piece
    yield Close(reply)
    return body


def read_json(reply: Reply) -> Generator[Effect, Any, Any]:
    """The body as JSON. Raises `MalformedAnswer` for anything else."""
    body = yield from read_whole(reply)
    try:
        return json_text.load(body)
    except ValueError as error:
        start = body[:200].decode("utf-8", "replace")
        message = (
            f"expected JSON, but the answer starts with {start!r}"
            if body
            else ("expected JSON, but the answer is empty")
        )
        raise MalformedAnswer(message) from error


def is_event_stream(reply: Reply) -> bool:
    """Whether the server really streams; some proxies answer a whole Message to `stream: true`."""
    return reply.headers.get("content-type", "").lower().startswith("text/event-stream")


@dataclass(slots=True)
class EventReader:
    """The events of one reply, one at a time, as JSON.

    `next_event` returns None at the end of the stream; the caller knows whether that is early.
    """

    reply: Reply
    _decoder: EventDecoder = field(default_factory=EventDecoder)
    _ready: list[ServerSentEvent] = field(default_factory=list)

    def next_event(self) -> Generator[Effect, Any, dict[str, Any] | None]:
        """The next event that is JSON with a `type`; pings and comments are passed over."""
        while True:
            while not self._ready:
                piece = yield Read(self.reply)
                if not piece:
                    return None
                self._ready = list(self._decoder.feed(piece))[::-1]
            event = _parse(self._ready.pop())
            if event is not None:
                return event

    def expect_event(self) -> Generator[Effect, Any, dict[str, Any]]:
        """The next event. Raises `TruncatedStream` if there is none."""
        event = yield from self.next_event()
        if event is None:
            raise TruncatedStream("the stream ended before `message_stop`")
        return event


def _parse(sent: ServerSentEvent) -> dict[str, Any] | None:
    if sent.data.startswith(b"[DONE]"):  # some proxies add OpenAI's end mark
        return None
    try:
        event = json_text.load(sent.data)
    except ValueError as error:
        start = sent.data[:200].decode("utf-8", "replace")
        raise MalformedAnswer(f"an event of the stream is no JSON: {start!r}") from error
    if not isinstance(event, Mapping):
        raise MalformedAnswer("an event of the stream is JSON, but no object")
    event = {"type": sent.event, **event}
    return None if event["type"] == "ping" else event
