"""Content blocks of a stream: what each adds to the answer at its start, deltas and stop.

Rules that openai's accumulator sets for the deltas: strings are joined and numbers added, so
`id`, `name` and numbers travel once; list items are merged by `index`, which they must have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from typing_extensions import override

from claif_cla.errors import OversizedAnswer
from claif_cla.translate.body import parse
from claif_cla.translate.chat.calls import tool_call
from claif_cla.translate.chat.fences import Unfencing
from claif_cla.translate.chat.response import BLANK_LINE, annotation, joint
from claif_cla.translate.chat.tools import ToolBox
from claif_cla.translate.surrogates import HalfHeld, paired
from claif_cla.wire import json_text

__all__ = ["MAX_HELD_ARGUMENTS", "Delta", "Progress", "StreamedBlock", "streamed_block"]

MAX_HELD_ARGUMENTS = 64 * 1024 * 1024
"""Bound, in characters, of the arguments of one call that have to be held back."""

Delta: TypeAlias = dict[str, Any]


@dataclass(slots=True)
class Progress:
    """How far an answer has come: what offsets, joints and indexes are counted from.

    Attributes:
        unfencing: takes the code fence off the text; None where the text stays as it is.
        length: of the text passed on, in characters.
        last_char: of the text that came; empty before it begins.
        apart: whether a block that is no text has come since.
        thinking_blocks, thinking_texts: thinking blocks, and those of them with a text.
        tool_calls, annotations: how many.
    """

    unfencing: Unfencing | None = None
    length: int = 0
    last_char: str = ""
    apart: bool = False
    thinking_blocks: int = 0
    thinking_texts: int = 0
    tool_calls: int = 0
    annotations: int = 0


def streamed_block(content: Mapping[str, Any], progress: Progress, tools: ToolBox) -> StreamedBlock:
    """The block that a `content_block_start` opens.

    Server tools, their results, and blocks of the future add nothing: they are nothing that a
    caller must run. They travel in `content_blocks`.
    """
    kind = _KINDS.get(content["type"], StreamedBlock)
    if kind is not _Text:
        progress.apart = bool(progress.last_char)
    return kind(content, progress, tools)


class StreamedBlock:
    """One content block. After its stop it may still be fed: deltas come late now and then."""

    def __init__(self, content: Mapping[str, Any], progress: Progress, tools: ToolBox) -> None:
        self.content = content
        self.progress = progress
        self.tools = tools
        self.stopped = False

    def start(self) -> list[Delta]:
        """What the start itself says."""
        return []

    def delta(self, delta: Mapping[str, Any]) -> list[Delta]:
        """What one delta of the block says; deltas of an unknown type say nothing."""
        return []

    def stop(self) -> list[Delta]:
        """What was held back so far. May be called again."""
        self.stopped = True
        return []


class _Text(StreamedBlock):
    def __init__(self, content: Mapping[str, Any], progress: Progress, tools: ToolBox) -> None:
        super().__init__(content, progress, tools)
        self.begin = -1
        self.end = 0
        self.text = HalfHeld()
        self.citations: list[Any] = [*(content.get("citations") or ())]

    @override
    def start(self) -> list[Delta]:
        return self._speak(self.text.take(self.content.get("text") or ""))

    @override
    def delta(self, delta: Mapping[str, Any]) -> list[Delta]:
        if delta["type"] == "text_delta":
            return self._speak(self.text.take(delta["text"]))
        if delta["type"] == "citations_delta":
            self.citations.append(delta["citation"])
        return []

    def _speak(self, text: str) -> list[Delta]:
        if not text:
            return []
        progress = self.progress
        if self.begin < 0:
            between = joint(progress.last_char, text) if progress.apart else ""
            progress.apart = False
            self.begin = progress.length + len(between)
        else:
            between = ""
        progress.last_char = text[-1]
        said = between + text
        if progress.unfencing is not None:
            said = progress.unfencing.take(said)
        progress.length += len(said)
        self.end = progress.length
        return [{"content": said}] if said else []

    @override
    def stop(self) -> list[Delta]:
        said = self._speak(self.text.rest())
        if self.begin < 0:  # nothing that could be cited
            return said
        citations, self.citations = self.citations, []
        begin = min(self.begin, self.end)  # of what is held back as a possible fence
        made = [annotation(citation, begin, self.end) for citation in citations]
        found = []
        for item in filter(None, made):
            found.append({"index": self.progress.annotations} | item)
            self.progress.annotations += 1
        return [*said, {"annotations": found}] if found else said


class _Thinking(StreamedBlock):
    def __init__(self, content: Mapping[str, Any], progress: Progress, tools: ToolBox) -> None:
        super().__init__(content, progress, tools)
        self.index = progress.thinking_blocks
        self.spoke = False
        self.text = HalfHeld()
        self.signature = content.get("signature") or ""
        self.signed = False
        progress.thinking_blocks += 1

    @override
    def start(self) -> list[Delta]:
        # Stated even when empty: omitted thinking is an empty text with a signature.
        empty = {key: "" for key in ("thinking", "signature") if key in self.content}
        block = {"index": self.index, **self.content, **empty}
        return [{"thinking_blocks": [block]}, *self._think(self.content.get("thinking") or "")]

    @override
    def delta(self, delta: Mapping[str, Any]) -> list[Delta]:
        if delta["type"] == "thinking_delta":
            return self._think(delta["thinking"])
        if delta["type"] == "signature_delta" and not self.signed:
            self.signature = delta["signature"]
            return self._sign() if self.stopped else []
        return []

    def _think(self, piece: str) -> list[Delta]:
        return self._say(self.text.take(piece))

    def _say(self, text: str) -> list[Delta]:
        if not text:
            return []
        shown = text
        if not self.spoke:
            self.spoke = True
            shown = (BLANK_LINE if self.progress.thinking_texts else "") + text
            self.progress.thinking_texts += 1
        block = {"index": self.index, "type": "thinking", "thinking": text}
        return [{"reasoning_content": shown, "thinking_blocks": [block]}]

    def _sign(self) -> list[Delta]:
        if self.signed or not self.signature:
            return []
        self.signed = True
        block = {"index": self.index, "type": "thinking", "signature": self.signature}
        return [{"thinking_blocks": [block]}]

    @override
    def stop(self) -> list[Delta]:
        self.stopped = True
        return [*self._say(self.text.rest()), *self._sign()]


class _RedactedThinking(StreamedBlock):
    @override
    def start(self) -> list[Delta]:
        index = self.progress.thinking_blocks
        self.progress.thinking_blocks += 1
        return [{"thinking_blocks": [{"index": index, **self.content}]}]


class _ToolUse(StreamedBlock):
    """A call: id and name once, then the arguments as they come.

    The arguments of custom tools and of wrapped schemas are held back, because what the caller
    gets is inside of what Claude writes.
    """

    def __init__(self, content: Mapping[str, Any], progress: Progress, tools: ToolBox) -> None:
        super().__init__(content, progress, tools)
        self.index = progress.tool_calls
        self.argued = False
        self.text = HalfHeld()
        self.held: list[str] = []
        self.size = 0
        self.holds = content["name"] in tools.custom or content["name"] in tools.wrapped
        progress.tool_calls += 1

    @override
    def start(self) -> list[Delta]:
        if self.holds:
            return []
        call = tool_call({**self.content, "input": None, "partial_json": ""}, self.tools)
        return self._call(call)

    def _call(self, call: Delta) -> list[Delta]:
        if not self.tools.legacy:
            return [{"tool_calls": [{"index": self.index} | call]}]
        # One call is all that the legacy shape can hold; more were not asked for.
        return [{"function_call": call["function"]}] if self.index == 0 else []

    @override
    def delta(self, delta: Mapping[str, Any]) -> list[Delta]:
        if delta["type"] != "input_json_delta" or self.stopped:
            return []
        text = delta["partial_json"]
        self.argued = self.argued or bool(text.strip())
        if not self.holds:
            return self._argue(self.text.take(text))
        self.size += len(text)
        if self.size > MAX_HELD_ARGUMENTS:
            message = f"the arguments of a tool call exceed {MAX_HELD_ARGUMENTS} characters"
            raise OversizedAnswer(message)
        self.held.append(text)
        return []

    def _argue(self, arguments: str) -> list[Delta]:
        return self._call({"function": {"arguments": arguments}}) if arguments else []

    @override
    def stop(self) -> list[Delta]:
        if self.stopped:
            return []
        self.stopped = True
        if self.holds:
            return self._call(tool_call(self._whole(), self.tools))
        if self.argued:
            return self._argue(self.text.rest())
        # Some platforms send the whole input with the start. A tool without parameters gets
        # none, where OpenAI sends `{}`.
        return self._argue(json_text.dump_text(self.content.get("input") or {}))

    def _whole(self) -> dict[str, Any]:
        """The block as `MessageFold` makes it."""
        if not self.argued:
            return {**self.content}
        text = paired("".join(self.held))
        try:
            return {**self.content, "input": parse(text)}
        except ValueError:  # cut by `max_tokens`
            return {**self.content, "partial_json": text}


_KINDS: Mapping[str, type[StreamedBlock]] = {
    "text": _Text,
    "thinking": _Thinking,
    "redacted_thinking": _RedactedThinking,
    "tool_use": _ToolUse,
}
