"""An event stream as ChatCompletion chunks: a state machine fed one event at a time.

It holds no text. What it keeps per content block is the block's kind and start, and the
arguments of the few calls that cannot be passed on piece by piece (see `stream_blocks`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from claif_cla.errors import MalformedAnswer
from claif_cla.translate.body import UNREADABLE
from claif_cla.translate.chat.fences import Unfencing
from claif_cla.translate.chat.response import native, refusal_text
from claif_cla.translate.chat.stream_blocks import Delta, Progress, StreamedBlock, streamed_block
from claif_cla.translate.chat.tools import ToolBox
from claif_cla.translate.flow import Chunk
from claif_cla.translate.stop_reason import finish_reason
from claif_cla.translate.usage import (
    add_usage,
    merge_usage,
    prompt_cache,
    service_tier,
    usage_to_openai,
)

__all__ = ["ChunkTranslator"]

_NO_START = "no message_start"


@dataclass(slots=True)
class ChunkTranslator:
    """Events in, chunks out. `complete` tells whether the answer ended as it should.

    Args:
        tools: of the request.
        now: Unix seconds for `created`.
        include_usage: whether the caller asked for a last chunk with the usage.
        adaptations: the receipts, which travel on the first chunk.
        breakpoints: of the request, for the receipt of what was cached, on the first chunk too.
        unfence: whether a code fence around the text is none of it.
    """

    tools: ToolBox
    now: int
    include_usage: bool = False
    adaptations: Sequence[Mapping[str, str]] = ()
    breakpoints: Sequence[Mapping[str, str]] = ()
    unfence: bool = False

    complete: bool = False
    _begun: bool = False
    _base: Chunk = field(default_factory=dict)
    _progress: Progress = field(default_factory=Progress)
    _open: dict[Any, StreamedBlock] = field(default_factory=dict)
    _usage: dict[str, Any] = field(default_factory=dict)
    _earlier_usage: dict[str, Any] = field(default_factory=dict)
    _stop: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._progress.unfencing = Unfencing() if self.unfence else None

    def feed(self, event: Mapping[str, Any]) -> list[Chunk]:
        """The chunks for one event; unknown events have none.

        Raises:
            MalformedAnswer: for an event that contradicts its type.
        """
        try:
            take = _EVENTS.get(event["type"])
            return take(self, event) if take is not None else []
        except UNREADABLE as error:
            message = f"an event of type {event.get('type')!r} has not the fields that it must have"
            raise MalformedAnswer(message) from error

    def resume(self, *, apart: bool = False) -> None:
        """Go on with the stream that continues a paused turn, as one answer.

        Args:
            apart: whether it answers another request, so that its text stands for itself.
        """
        self._progress.apart = self._progress.apart or (apart and bool(self._progress.last_char))
        self._earlier_usage = add_usage(self._earlier_usage, self._usage)
        self._usage, self._stop = {}, {}
        self.complete = self._begun = False

    def _message_start(self, event: Mapping[str, Any]) -> list[Chunk]:
        if self._begun:
            return []
        self._begun = True
        message = event["message"]
        self._usage = {**(message.get("usage") or {})}
        chunks = [] if self._base else [self._first_chunk(message)]
        # A programmatic tool call's answer comes whole in its start.
        for number, block in enumerate(message.get("content") or ()):
            chunks += self._block_start({"index": number, "content_block": block})
            chunks += self._block_stop({"index": number})
        self._open.clear()  # the indexes of this stream are its own
        self._note_stop(message)
        return chunks

    def _first_chunk(self, message: Mapping[str, Any]) -> Chunk:
        self._base = {
            "id": f"chatcmpl-{message.get('id') or ''}",
            "object": "chat.completion.chunk",
            "created": self.now,
            "model": message.get("model"),
            "system_fingerprint": None,
        }
        tier = service_tier(self._usage)
        if tier:
            self._base["service_tier"] = tier
        if self.include_usage:
            self._base["usage"] = None
        self._base["choices"] = []
        chunk = self._chunk({"role": "assistant", "content": "", "refusal": None})
        chunk["adaptations"] = [*self.adaptations]
        chunk["prompt_cache"] = prompt_cache(self.breakpoints, self._usage)
        return chunk

    def _chunk(self, delta: Delta, reason: str | None = None) -> Chunk:
        (chunk,) = self._chunks((delta,), reason)
        return chunk

    def _chunks(self, deltas: Iterable[Delta], reason: str | None = None) -> list[Chunk]:
        if not self._begun:
            raise ValueError(_NO_START)
        chunks = []
        for delta in deltas:
            choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
            chunk = self._base.copy()
            chunk["choices"] = [choice]
            chunks.append(chunk)
        return chunks

    def _block_start(self, event: Mapping[str, Any]) -> list[Chunk]:
        # An index that comes twice opens a new block; the one before it has ended.
        ended = self._block_stop(event)
        block = streamed_block(event["content_block"], self._progress, self.tools)
        self._open[event["index"]] = block
        return ended + self._chunks(block.start())

    def _block_delta(self, event: Mapping[str, Any]) -> list[Chunk]:
        block = self._open.get(event["index"])
        # A delta of no block that was started is nobody's text.
        return self._chunks(block.delta(event["delta"]) if block is not None else ())

    def _block_stop(self, event: Mapping[str, Any]) -> list[Chunk]:
        # The index stays open: a late `signature_delta` still finds its block.
        block = self._open.get(event["index"])
        return self._chunks(block.stop() if block is not None else ())

    def _message_delta(self, event: Mapping[str, Any]) -> list[Chunk]:
        if not self._begun:
            raise ValueError(_NO_START)
        self._usage = merge_usage(self._usage, event.get("usage") or {})
        self._note_stop(event.get("delta") or {})
        return []

    def _note_stop(self, source: Mapping[str, Any]) -> None:
        for key in ("stop_reason", "stop_sequence", "stop_details", "container"):
            if source.get(key) is not None:
                self._stop[key] = source[key]

    def _message_stop(self, event: Mapping[str, Any]) -> list[Chunk]:
        self.complete = True
        # A block that was cut may lack its own stop.
        return self._chunks(delta for block in self._open.values() for delta in block.stop())

    def finish(self, content: Iterable[Mapping[str, Any]] = ()) -> list[Chunk]:
        """The last chunks, once the answer is complete and needs no resumption.

        Args:
            content: all blocks of the answer, for `content_blocks`. They travel at the end, at
                once: only then are they known, and only a caller who echoes them needs them.
        """
        unfencing = self._progress.unfencing
        rest = unfencing.rest() if unfencing is not None else ""
        chunks = [self._chunk({"content": rest})] if rest else []
        stop_reason = self._stop.get("stop_reason")
        if stop_reason == "refusal":
            chunks.append(self._chunk({"refusal": refusal_text(self._stop.get("stop_details"))}))
        if "container" in self._stop:
            chunks.append(self._chunk({"container": self._stop["container"]}))
        blocks = [{"index": at, **block} for at, block in enumerate(native(content))]
        if blocks:
            chunks.append(self._chunk({"content_blocks": blocks}))
        calls = self._progress.tool_calls > 0
        reason = finish_reason(stop_reason, calls_tools=calls, legacy=self.tools.legacy)
        last = self._chunk({}, reason)
        for key in ("stop_sequence", "stop_details"):
            if key in self._stop:
                last["choices"][0][key] = self._stop[key]
        chunks.append(last)
        if self.include_usage:
            usage = usage_to_openai(add_usage(self._earlier_usage, self._usage))
            chunks.append(self._base | {"choices": [], "usage": usage})
        return chunks


_EVENTS: Mapping[str, Callable[[ChunkTranslator, Mapping[str, Any]], list[Chunk]]] = {
    "message_start": ChunkTranslator._message_start,
    "content_block_start": ChunkTranslator._block_start,
    "content_block_delta": ChunkTranslator._block_delta,
    "content_block_stop": ChunkTranslator._block_stop,
    "message_delta": ChunkTranslator._message_delta,
    "message_stop": ChunkTranslator._message_stop,
}
