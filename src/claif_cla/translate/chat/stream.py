"""An event stream as ChatCompletion chunks: a state machine fed one event at a time.

It holds no text: memory stays constant however long the answer is. What it keeps per open
content block is the block's kind, and the arguments of the few calls that cannot be passed on
piece by piece (custom tools, wrapped schemas).

Rules that openai's accumulator sets for the chunks: strings are joined and numbers added, so
`id`, `name` and numbers travel once; list items are merged by `index`, which they must have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import override

from claif_cla.errors import MalformedAnswer, OversizedAnswer
from claif_cla.translate.chat.response import annotation, joint, refusal_text, tool_call
from claif_cla.translate.chat.tools import ToolBox
from claif_cla.translate.flow import Chunk
from claif_cla.translate.stop_reason import finish_reason
from claif_cla.translate.usage import add_usage, merge_usage, service_tier, usage_to_openai
from claif_cla.wire import json_text

__all__ = ["MAX_HELD_ARGUMENTS", "ChunkTranslator"]

MAX_HELD_ARGUMENTS = 64 * 1024 * 1024
"""Bound, in characters, of the arguments of one call that have to be held back."""

_BLANK_LINE = "\n\n"
Delta = dict[str, Any]


@dataclass(slots=True)
class ChunkTranslator:
    """Events in, chunks out. `complete` tells whether the answer ended as it should.

    Args:
        tools: of the request.
        now: Unix seconds for `created`.
        include_usage: whether the caller asked for a last chunk with the usage.
        adaptations: the receipts, which travel on the first chunk.
    """

    tools: ToolBox
    now: int
    include_usage: bool = False
    adaptations: tuple[Mapping[str, str], ...] = ()

    complete: bool = False
    stop_reason: str | None = None
    _base: Chunk = field(default_factory=dict)
    _open: dict[Any, _Block] = field(default_factory=dict)
    _usage: dict[str, Any] = field(default_factory=dict)
    _earlier_usage: dict[str, Any] = field(default_factory=dict)
    _stop: dict[str, Any] = field(default_factory=dict)
    # How far the answer has come, for offsets, joints and indexes.
    length: int = 0
    last_char: str = ""
    apart: bool = False
    thinking_blocks: int = 0
    thinking_texts: int = 0
    tool_calls: int = 0
    annotations: int = 0

    def feed(self, event: Mapping[str, Any]) -> list[Chunk]:
        """The chunks for one event; unknown events have none.

        Raises:
            MalformedAnswer: for an event that contradicts its type.
        """
        try:
            take = _EVENTS.get(event.get("type", ""))
            return take(self, event) if take is not None else []
        except (KeyError, TypeError, AttributeError) as error:
            message = f"an event of type {event.get('type')!r} lacks its fields"
            raise MalformedAnswer(message) from error

    def resume(self) -> None:
        """Go on with the stream that continues a paused turn, as one answer."""
        self._earlier_usage = add_usage(self._earlier_usage, self._usage)
        self._usage, self._stop, self._open = {}, {}, {}
        self.complete, self.stop_reason = False, None

    def _message_start(self, event: Mapping[str, Any]) -> list[Chunk]:
        message = event["message"]
        self._usage = dict(message.get("usage") or {})
        chunks = [] if self._base else [self._first_chunk(message)]
        # A programmatic tool call's answer comes whole in its start.
        for number, block in enumerate(message.get("content") or ()):
            chunks += self._block_start({"index": number, "content_block": block})
            chunks += self._block_stop({"index": number})
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
        chunk = self._chunk({"role": "assistant", "content": "", "refusal": None})
        if self.adaptations:
            chunk["adaptations"] = list(self.adaptations)
        return chunk

    def _chunk(self, delta: Delta, reason: str | None = None) -> Chunk:
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
        return self._base | {"choices": [choice]}

    def _block_start(self, event: Mapping[str, Any]) -> list[Chunk]:
        content = event["content_block"]
        # An index that comes twice opens a new block; the one before it has ended.
        chunks = self._block_stop(event)
        block = _BLOCKS.get(content["type"], _Silent)(self, content)
        self._open[event["index"]] = block
        if not isinstance(block, _Text):
            self.apart = self.length > 0
        return chunks + [self._chunk(delta) for delta in block.start() if delta]

    def _block_delta(self, event: Mapping[str, Any]) -> list[Chunk]:
        block = self._open.get(event["index"])
        if block is None:  # belongs to no block that was started: nobody's text
            return []
        return [self._chunk(delta) for delta in block.delta(event["delta"]) if delta]

    def _block_stop(self, event: Mapping[str, Any]) -> list[Chunk]:
        block = self._open.get(event["index"])
        if block is None:
            return []
        return [self._chunk(delta) for delta in block.stop() if delta]

    def _message_delta(self, event: Mapping[str, Any]) -> list[Chunk]:
        self._usage = merge_usage(self._usage, event.get("usage") or {})
        self._note_stop(event.get("delta") or {})
        return []

    def _note_stop(self, source: Mapping[str, Any]) -> None:
        for key in ("stop_reason", "stop_sequence", "stop_details"):
            if source.get(key) is not None:
                self._stop[key] = source[key]
        self.stop_reason = self._stop.get("stop_reason")

    def _message_stop(self, event: Mapping[str, Any]) -> list[Chunk]:
        if not self._base:
            raise MalformedAnswer("the stream stopped before it began")
        self.complete = True
        # A cut answer may leave a block without its stop.
        return [self._chunk(d) for block in self._open.values() for d in block.stop() if d]

    def finish(self) -> list[Chunk]:
        """The last chunks, once the answer is complete and needs no resumption."""
        chunks = []
        if self.stop_reason == "refusal":
            refusal = refusal_text(self._stop.get("stop_details"))
            chunks.append(self._chunk({"refusal": refusal}))
        reason = finish_reason(
            self.stop_reason, calls_tools=self.tool_calls > 0, legacy=self.tools.legacy
        )
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


class _Block:
    """One open content block: what it adds to the answer at its start, deltas and stop."""

    def __init__(self, answer: ChunkTranslator, content: Mapping[str, Any]) -> None:
        self.answer = answer
        self.content = content

    def start(self) -> list[Delta]:
        return []

    def delta(self, delta: Mapping[str, Any]) -> list[Delta]:
        return []

    def stop(self) -> list[Delta]:
        return []


class _Silent(_Block):
    """Server tools, their results, and blocks of the future: nothing that a caller must run."""


class _Text(_Block):
    def __init__(self, answer: ChunkTranslator, content: Mapping[str, Any]) -> None:
        super().__init__(answer, content)
        self.from_ = -1
        self.citations: list[Any] = list(content.get("citations") or ())

    @override
    def start(self) -> list[Delta]:
        return self._speak(self.content.get("text") or "")

    @override
    def delta(self, delta: Mapping[str, Any]) -> list[Delta]:
        if delta["type"] == "text_delta":
            return self._speak(delta["text"])
        if delta["type"] == "citations_delta":
            self.citations.append(delta["citation"])
        return []

    def _speak(self, text: str) -> list[Delta]:
        if not text:
            return []
        answer = self.answer
        between = joint(answer.last_char, text) if answer.apart else ""
        answer.apart = False
        if self.from_ < 0:
            self.from_ = answer.length + len(between)
        answer.length += len(between) + len(text)
        answer.last_char = text[-1]
        return [{"content": between + text}]

    @override
    def stop(self) -> list[Delta]:
        start, end = max(self.from_, 0), self.answer.length
        made = [annotation(citation, start, end) for citation in self.citations]
        self.citations = []
        found = []
        for item in made:
            if item is not None:
                found.append({"index": self.answer.annotations} | item)
                self.answer.annotations += 1
        return [{"annotations": found}] if found else []


class _Thinking(_Block):
    def __init__(self, answer: ChunkTranslator, content: Mapping[str, Any]) -> None:
        super().__init__(answer, content)
        self.index = answer.thinking_blocks
        self.spoke = False
        answer.thinking_blocks += 1

    @override
    def start(self) -> list[Delta]:
        # Stated even when empty: omitted thinking is an empty text with a signature.
        block = {"index": self.index, "type": "thinking", "thinking": ""}
        deltas: list[Delta] = [{"thinking_blocks": [block]}]
        if self.content.get("thinking"):
            deltas += self._think(self.content["thinking"])
        if self.content.get("signature"):
            deltas += self._sign(self.content["signature"])
        return deltas

    @override
    def delta(self, delta: Mapping[str, Any]) -> list[Delta]:
        if delta["type"] == "thinking_delta" and delta["thinking"]:
            return self._think(delta["thinking"])
        if delta["type"] == "signature_delta":
            return self._sign(delta["signature"])
        return []

    def _think(self, text: str) -> list[Delta]:
        shown = text
        if not self.spoke:
            self.spoke = True
            shown = (_BLANK_LINE if self.answer.thinking_texts else "") + text
            self.answer.thinking_texts += 1
        block = {"index": self.index, "type": "thinking", "thinking": text}
        return [{"reasoning_content": shown, "thinking_blocks": [block]}]

    def _sign(self, signature: str) -> list[Delta]:
        block = {"index": self.index, "type": "thinking", "signature": signature}
        return [{"thinking_blocks": [block]}]


class _RedactedThinking(_Block):
    @override
    def start(self) -> list[Delta]:
        index = self.answer.thinking_blocks
        self.answer.thinking_blocks += 1
        return [{"thinking_blocks": [{"index": index} | dict(self.content)]}]


class _ToolUse(_Block):
    """A call: id and name once, then the arguments as they come."""

    def __init__(self, answer: ChunkTranslator, content: Mapping[str, Any]) -> None:
        super().__init__(answer, content)
        self.index = answer.tool_calls
        self.spoke = False
        self.stopped = False
        self.held: list[str] = []
        self.size = 0
        name = content["name"]
        self.holds = name in answer.tools.custom or name in answer.tools.wrapped
        answer.tool_calls += 1

    @override
    def start(self) -> list[Delta]:
        if self.holds:
            return []
        name = self.answer.tools.names.to_caller(self.content["name"])
        opening = {"name": name, "arguments": ""}
        deltas = [self._call(opening, with_id=True)]
        # Some platforms send the whole input with the start.
        if self.content.get("input"):
            deltas += self._argue(json_text.dump_text(self.content["input"]))
        return deltas

    def _call(self, function: Delta, *, with_id: bool = False) -> Delta:
        if self.answer.tools.legacy:
            # One call is all that the legacy shape can hold; more were not asked for.
            return {"function_call": function} if self.index == 0 else {}
        call: Delta = {"index": self.index}
        if with_id:
            call |= {"id": self.content["id"], "type": "function"}
        return {"tool_calls": [call | {"function": function}]}

    @override
    def delta(self, delta: Mapping[str, Any]) -> list[Delta]:
        if delta["type"] != "input_json_delta" or not delta["partial_json"]:
            return []
        if not self.holds:
            return self._argue(delta["partial_json"])
        self.held.append(delta["partial_json"])
        self.size += len(delta["partial_json"])
        if self.size > MAX_HELD_ARGUMENTS:
            message = f"the arguments of a tool call exceed {MAX_HELD_ARGUMENTS} characters"
            raise OversizedAnswer(message)
        return []

    def _argue(self, arguments: str) -> list[Delta]:
        self.spoke = True
        return [self._call({"arguments": arguments})]

    @override
    def stop(self) -> list[Delta]:
        if self.stopped:
            return []
        self.stopped = True
        if self.holds:
            return [self._whole_call()]
        # Claude sends no arguments for a tool without parameters; OpenAI sends `{}`.
        return [] if self.spoke else self._argue("{}")

    def _whole_call(self) -> Delta:
        block = dict(self.content)
        text = "".join(self.held)
        try:
            block["input"] = json_text.load(text) if text else block.get("input") or {}
        except ValueError:  # cut by `max_tokens`
            block["partial_json"] = text
        call = tool_call(block, self.answer.tools)
        if self.answer.tools.legacy:
            return {"function_call": call["function"]} if self.index == 0 else {}
        return {"tool_calls": [{"index": self.index} | call]}


_BLOCKS: Mapping[str, type[_Block]] = {
    "text": _Text,
    "thinking": _Thinking,
    "redacted_thinking": _RedactedThinking,
    "tool_use": _ToolUse,
}
