"""An event stream back into the Message that it tells.

Used where the caller wants a whole answer but the upstream is asked to stream, as the API
demands for long outputs, and to resume a `pause_turn`, which sends back what came so far.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from claif_cla.errors import MalformedAnswer, OversizedAnswer
from claif_cla.translate.usage import merge_usage
from claif_cla.wire import json_text

__all__ = ["MAX_ANSWER_BYTES", "MessageFold"]

MAX_ANSWER_BYTES = 256 * 1024 * 1024
"""Bound of one whole answer. 128k output tokens are below one megabyte; results of server
tools and container files account for the rest."""

_STRING_DELTAS = {"text_delta": "text", "thinking_delta": "thinking"}


@dataclass(slots=True)
class MessageFold:
    """Feed it the events in order; `message` is the answer once `complete` is true.

    Blocks are kept in the order of their start. An index that comes twice opens a new block,
    and what belongs to no block is passed over.
    """

    complete: bool = False
    _message: dict[str, Any] = field(default_factory=dict)
    _blocks: list[dict[str, Any]] = field(default_factory=list)
    _open: dict[Any, dict[str, Any]] = field(default_factory=dict)
    _pieces: dict[int, dict[str, list[str]]] = field(default_factory=dict)
    _size: int = 0

    def feed(self, event: Mapping[str, Any]) -> None:
        """Raises `MalformedAnswer` for an event that contradicts its type."""
        try:
            take = _EVENTS.get(event.get("type", ""))
            if take is not None:
                take(self, event)
        except (KeyError, TypeError, AttributeError) as error:
            message = f"an event of type {event.get('type')!r} lacks its fields"
            raise MalformedAnswer(message) from error

    def grow(self, size: int) -> None:
        """Count the bytes that came in. Raises `OversizedAnswer` beyond the bound."""
        self._size += size
        if self._size > MAX_ANSWER_BYTES:
            raise OversizedAnswer(f"the answer exceeds {MAX_ANSWER_BYTES} bytes")

    @property
    def message(self) -> dict[str, Any]:
        return self._message | {"content": self._blocks}

    def _start(self, event: Mapping[str, Any]) -> None:
        self._message = dict(event["message"])
        self._message["usage"] = dict(self._message.get("usage") or {})
        # A programmatic tool call's answer comes whole in its start.
        self._blocks = [dict(block) for block in self._message.get("content") or ()]

    def _block_start(self, event: Mapping[str, Any]) -> None:
        block = dict(event["content_block"])
        self._blocks.append(block)
        self._open[event["index"]] = block
        self._pieces[id(block)] = {}

    def _delta(self, event: Mapping[str, Any]) -> None:
        block = self._open.get(event["index"])
        if block is None:
            return
        delta = event["delta"]
        kind = delta["type"]
        pieces = self._pieces.setdefault(id(block), {})
        if kind in _STRING_DELTAS:
            key = _STRING_DELTAS[kind]
            pieces.setdefault(key, []).append(delta[key])
        elif kind == "input_json_delta":
            pieces.setdefault("input", []).append(delta["partial_json"])
        elif kind == "signature_delta":
            block["signature"] = delta["signature"]
        elif kind == "citations_delta":
            block["citations"] = [*(block.get("citations") or ()), delta["citation"]]
        elif kind == "compaction_delta":
            block.update({key: value for key, value in delta.items() if key != "type"})

    def _block_stop(self, event: Mapping[str, Any]) -> None:
        # The index stays open: a late `signature_delta` still finds its block.
        block = self._open.get(event["index"])
        if block is not None:
            self._settle(block)

    def _settle(self, block: dict[str, Any]) -> None:
        pieces = self._pieces.pop(id(block), {})
        for key, texts in pieces.items():
            if key != "input":
                block[key] = (block.get(key) or "") + "".join(texts)
                continue
            text = "".join(texts)
            try:
                block["input"] = json_text.load(text) if text.strip() else block.get("input", {})
            except ValueError:
                block["partial_json"] = text

    def _message_delta(self, event: Mapping[str, Any]) -> None:
        self._message.update(event.get("delta") or {})
        self._message["usage"] = merge_usage(self._message["usage"], event.get("usage") or {})

    def _stop(self, event: Mapping[str, Any]) -> None:
        if not self._message:
            raise MalformedAnswer("the stream stopped before it began")
        for block in self._blocks:
            self._settle(block)
        self.complete = True


_EVENTS = {
    "message_start": MessageFold._start,
    "content_block_start": MessageFold._block_start,
    "content_block_delta": MessageFold._delta,
    "content_block_stop": MessageFold._block_stop,
    "message_delta": MessageFold._message_delta,
    "message_stop": MessageFold._stop,
}
