"""An event stream back into the Message that it tells.

Used where the caller wants a whole answer but the upstream is asked to stream, as the API
demands for long outputs; to resume a `pause_turn`, which sends back what came so far; and for
the `content_blocks` of a streamed answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import StringIO
from typing import Any

from claif_cla.errors import MalformedAnswer
from claif_cla.translate.body import UNREADABLE, parse
from claif_cla.translate.surrogates import paired
from claif_cla.translate.usage import merge_usage

__all__ = ["MessageFold"]

_STRING_DELTAS = {"text_delta": "text", "thinking_delta": "thinking"}


class _Growing:
    """A content block, and the deltas that are not yet part of it."""

    def __init__(self, block: dict[str, Any]) -> None:
        self.block = block
        self.texts: dict[str, StringIO] = {}
        self.stopped = False
        self.citations: list[Any] | None = None

    def take(self, delta: Mapping[str, Any]) -> int:
        """Grow by a delta; by how many characters."""
        kind = delta["type"]
        key = _STRING_DELTAS.get(kind)
        if key is not None:
            return self._write(key, delta[key])
        if kind == "input_json_delta":
            return 0 if self.stopped else self._write("input", delta["partial_json"])
        self._take_whole(kind, delta)
        return 0

    def _write(self, key: str, piece: str) -> int:
        text = self.texts.get(key)
        if text is None:
            text = self.texts[key] = StringIO()
        return text.write(piece)

    def _take_whole(self, kind: str, delta: Mapping[str, Any]) -> None:
        if kind == "signature_delta":
            # A late one still signs its block, but replaces no signature.
            if not (self.stopped and self.block.get("signature")):
                self.block["signature"] = delta["signature"]
        elif kind == "citations_delta":
            if self.citations is None:  # the list of the block's start is not ours to grow
                self.citations = self.block["citations"] = [*(self.block.get("citations") or ())]
            self.citations.append(delta["citation"])
        elif kind == "compaction_delta":
            self.block.update({key: value for key, value in delta.items() if key != "type"})

    def stop(self) -> None:
        self.stopped = True
        texts, self.texts = self.texts, {}
        for key, written in texts.items():
            text = paired(written.getvalue())
            if key == "input":
                self._settle_input(text)
            else:
                self.block[key] = (self.block.get(key) or "") + text

    def _settle_input(self, text: str) -> None:
        if not text.strip():  # a call without arguments, or whose start brought them
            return
        try:
            self.block["input"] = parse(text)
        except ValueError:  # cut by `max_tokens`
            self.block["partial_json"] = text


def folded(message: Mapping[str, Any]) -> dict[str, Any]:
    """A whole Message, as `MessageFold` makes it of its events: new where it may be changed.

    Raises:
        MalformedAnswer: for what is none.
    """
    try:
        content = [{**block} for block in message.get("content") or ()]
        return {**message, "usage": {**(message.get("usage") or {})}, "content": content}
    except UNREADABLE as error:
        raise MalformedAnswer("a Message has not the fields that it must have") from error


class MessageFold:
    """Feed it the events in order; `message` is the answer once `complete` is true.

    Blocks are kept in the order of their start. An index that comes twice opens a new block,
    and what belongs to no block is passed over. A `tool_use` block whose input came to no JSON
    has its text in `partial_json`.

    Args:
        bound: of the characters that all deltas together may have; beyond it the blocks are
            `forgotten`. None: no bound of its own.
    """

    def __init__(self, bound: int | None = None) -> None:
        self.bound = bound
        self.complete = False
        self.forgotten = False
        self._size = 0
        self._message: dict[str, Any] = {}
        self._blocks: list[_Growing] = []
        self._open: dict[Any, _Growing] = {}

    def feed(self, event: Mapping[str, Any]) -> None:
        """Raises `MalformedAnswer` for an event that contradicts its type."""
        try:
            take = _EVENTS.get(event["type"])
            if take is not None:
                take(self, event)
        except UNREADABLE as error:
            message = f"an event of type {event.get('type')!r} has not the fields that it must have"
            raise MalformedAnswer(message) from error

    @property
    def message(self) -> dict[str, Any]:
        return self._message | {"content": [growing.block for growing in self._blocks]}

    def _start(self, event: Mapping[str, Any]) -> None:
        if self._message:
            return
        message = event["message"]
        # A programmatic tool call's answer comes whole in its start.
        self._blocks = [_Growing({**block}) for block in message.get("content") or ()]
        self._message = {**message, "usage": {**(message.get("usage") or {})}}

    def _block_start(self, event: Mapping[str, Any]) -> None:
        growing = _Growing({**event["content_block"]})
        self._blocks.append(growing)
        self._open[event["index"]] = growing

    def _block_delta(self, event: Mapping[str, Any]) -> None:
        growing = self._open.get(event["index"])
        if growing is None:
            return
        self._size += growing.take(event["delta"])
        if self.bound is not None and self._size > self.bound:
            self.forgotten = True
            self._blocks, self._open = [], {}

    def _block_stop(self, event: Mapping[str, Any]) -> None:
        # The index stays open: a late `signature_delta` still finds its block.
        growing = self._open.get(event["index"])
        if growing is not None:
            growing.stop()

    def _message_delta(self, event: Mapping[str, Any]) -> None:
        usage = merge_usage(self._message["usage"], event.get("usage") or {})
        beside = {key: event[key] for key in event if key not in ("type", "delta")}
        self._message |= beside | (event.get("delta") or {}) | {"usage": usage}

    def _stop(self, event: Mapping[str, Any]) -> None:
        if not self._message:
            raise ValueError("no message_start")
        for growing in self._blocks:
            growing.stop()
        self.complete = True


_EVENTS: Mapping[str, Callable[[MessageFold, Mapping[str, Any]], None]] = {
    "message_start": MessageFold._start,
    "content_block_start": MessageFold._block_start,
    "content_block_delta": MessageFold._block_delta,
    "content_block_stop": MessageFold._block_stop,
    "message_delta": MessageFold._message_delta,
    "message_stop": MessageFold._stop,
}
