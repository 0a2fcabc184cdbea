"""A Message as the events of its stream, in the order and with the fields of the API.

Checked against recorded streams of 2026: `message_start` has no content, the input side of
`usage` and a first `output_tokens`; a `ping` follows the first `content_block_start`; a tool
call's first delta is empty; `message_delta` has cumulative usage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from claif_cla.backends.simulator.answers import Answer
from claif_cla.backends.simulator.tokens import count_text
from claif_cla.wire.json_text import dump_text

__all__ = ["Event", "stream_events"]

_PIECE = 24
"""Characters of a delta: about six tokens, as recorded ones mostly have."""

_DELTA_USAGE = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    "output_tokens_details",
    "server_tool_use",
)
_END_ONLY = ("output_tokens_details", "server_tool_use")
_END = ("stop_reason", "stop_sequence", "stop_details", "container")


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream, and how many tokens were written for it."""

    data: Mapping[str, Any]
    tokens: int = 0


def stream_events(answer: Answer) -> Iterator[Event]:
    """The events of a streamed answer, made one by one."""
    message = answer.message
    if answer.whole:
        yield Event({"type": "message_start", "message": message})
        yield Event({"type": "message_stop"})
        return
    usage = message["usage"]
    start = {name: value for name, value in usage.items() if name not in _END_ONLY}
    opened = {
        **{name: value for name, value in message.items() if name != "container"},
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "usage": {**start, "output_tokens": min(1, usage["output_tokens"])},
    }
    yield Event({"type": "message_start", "message": opened})
    if not message["content"]:
        yield Event({"type": "ping"})
    last = len(message["content"]) - 1
    for index, block in enumerate(message["content"]):
        cut = answer.cut_json if index == last else None
        yield Event(
            {"type": "content_block_start", "index": index, "content_block": _opened(block)}
        )
        if index == 0:
            yield Event({"type": "ping"})
        for delta, tokens in _deltas(block, cut):
            yield Event({"type": "content_block_delta", "index": index, "delta": delta}, tokens)
        yield Event({"type": "content_block_stop", "index": index})
    ended = {name: message[name] for name in _END if name in message}
    final = {name: usage[name] for name in _DELTA_USAGE if name in usage}
    yield Event({"type": "message_delta", "delta": ended, "usage": final})
    yield Event({"type": "message_stop"})


def _opened(block: Mapping[str, Any]) -> dict[str, Any]:
    """A block as `content_block_start` shows it: without what deltas will bring."""
    kind = block["type"]
    if kind == "text":
        return {"type": "text", "text": "", **({"citations": []} if "citations" in block else {})}
    if kind == "thinking":
        return {"type": "thinking", "thinking": "", "signature": ""}
    if kind in ("tool_use", "server_tool_use"):
        return {**block, "input": {}}
    return dict(block)


def _deltas(block: Mapping[str, Any], cut_json: str | None) -> Iterator[tuple[dict[str, Any], int]]:
    kind = block["type"]
    if kind == "text":
        for citation in block.get("citations", ()):
            yield {"type": "citations_delta", "citation": citation}, 0
        for piece in _pieces(block["text"]):
            yield {"type": "text_delta", "text": piece}, count_text(piece)
    elif kind == "thinking":
        for piece in _pieces(block["thinking"]):
            yield {"type": "thinking_delta", "thinking": piece}, count_text(piece)
        yield {"type": "signature_delta", "signature": block["signature"]}, 0
    elif kind in ("tool_use", "server_tool_use"):
        text = cut_json if cut_json is not None else dump_text(block["input"])
        yield {"type": "input_json_delta", "partial_json": ""}, 0
        # A call without arguments has no further delta.
        for piece in _pieces("" if text == "{}" else text):
            yield {"type": "input_json_delta", "partial_json": piece}, count_text(piece)


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), _PIECE):
        yield text[start : start + _PIECE]
