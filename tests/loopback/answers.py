"""Builders of what the Messages API answers: messages, event streams, errors.

    message([text_block("Hi")])                                   the whole body
    sse(stream_of([text_block("Hi"), tool_use_block("f", {})]))   the same as events

The fields and their order are those of recorded answers of 2026.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = [
    "error_body",
    "error_event",
    "message",
    "redacted_thinking_block",
    "sse",
    "stream_of",
    "text_block",
    "thinking_block",
    "tool_use_block",
    "usage_of",
]

Block = dict[str, Any]

_MODEL = "claude-opus-5-5"
_ID = "msg_01LoopbackLoopbackLoop"


def text_block(text: str, *, citations: Sequence[Mapping[str, Any]] | None = None) -> Block:
    """A `text` block. With citations it has the key; the API leaves it out or gives null else."""
    block: Block = {"type": "text", "text": text}
    return block if citations is None else {**block, "citations": [dict(c) for c in citations]}


def thinking_block(thinking: str, signature: str = "c2lnbmF0dXJl") -> Block:
    """A `thinking` block; empty text is what `display: omitted` gives."""
    return {"type": "thinking", "thinking": thinking, "signature": signature}


def redacted_thinking_block(data: str = "cmVkYWN0ZWQ=") -> Block:
    """A `redacted_thinking` block."""
    return {"type": "redacted_thinking", "data": data}


def tool_use_block(name: str, input: Any, id: str = "toolu_01Loopback") -> Block:  # noqa: A002
    """A `tool_use` block."""
    return {"type": "tool_use", "id": id, "name": name, "input": input}


def usage_of(input_tokens: int = 11, output_tokens: int = 7, **more: Any) -> dict[str, Any]:
    """A complete `usage`; `more` replaces or adds fields."""
    return {
        "input_tokens": input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output_tokens,
        "service_tier": "standard",
        "inference_geo": "global",
        **more,
    }


def message(  # noqa: PLR0913  # each is a field of a Message
    blocks: Sequence[Block],
    *,
    stop_reason: str | None = "end_turn",
    usage: Mapping[str, Any] | None = None,
    stop_sequence: str | None = None,
    model: str = _MODEL,
    id: str = _ID,  # noqa: A002
    **more: Any,
) -> dict[str, Any]:
    """A whole Message; `more` adds or replaces top-level fields (`container`, `stop_details` …)."""
    return {
        "model": model,
        "id": id,
        "type": "message",
        "role": "assistant",
        "content": list(blocks),
        "stop_reason": stop_reason,
        "stop_sequence": stop_sequence,
        "stop_details": None,
        "usage": dict(usage or usage_of()),
        **more,
    }


def stream_of(  # noqa: PLR0913  # as `message`, and how to cut it
    blocks: Sequence[Block],
    *,
    stop_reason: str = "end_turn",
    usage: Mapping[str, Any] | None = None,
    stop_sequence: str | None = None,
    model: str = _MODEL,
    id: str = _ID,  # noqa: A002
    piece: int = 8,
    ping: bool = True,
    **more: Any,
) -> list[dict[str, Any]]:
    """The events that stream what `message` with the same arguments gives whole.

    Args:
        blocks: complete content blocks.
        stop_reason: of `message_delta`.
        usage: final usage; `message_start` has the same with one output token.
        stop_sequence: of `message_delta`.
        model: what answers.
        id: the message's id.
        piece: length of a text, thinking or JSON delta in characters.
        ping: whether a `ping` comes after the first block's start, as the API sends it.
        more: further fields of `message_delta.delta` (`container`, `stop_details` …).
    """
    final = dict(usage or usage_of())
    start = message([], stop_reason=None, usage={**final, "output_tokens": 1}, model=model, id=id)
    events: list[dict[str, Any]] = [{"type": "message_start", "message": start}]
    for index, block in enumerate(blocks):
        events += _block_events(index, block, piece)
    if ping:
        events.insert(2 if blocks else 1, {"type": "ping"})
    delta = {"stop_reason": stop_reason, "stop_sequence": stop_sequence, "stop_details": None}
    cumulative = {key: final[key] for key in final if key not in _START_ONLY}
    events.append({"type": "message_delta", "delta": {**delta, **more}, "usage": cumulative})
    events.append({"type": "message_stop"})
    return events


_START_ONLY = {"cache_creation", "service_tier", "inference_geo", "speed"}
"""Fields of `usage` that `message_delta` does not repeat."""


def _block_events(index: int, block: Block, piece: int) -> list[dict[str, Any]]:
    opening, deltas = _opened(block, piece)
    return [
        {"type": "content_block_start", "index": index, "content_block": opening},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def _opened(block: Block, piece: int) -> tuple[Block, list[Block]]:
    """The block as it starts, and the deltas that complete it."""
    kind = block["type"]
    if kind == "text":
        opening = {**block, "text": ""}
        deltas = [{"type": "text_delta", "text": part} for part in _parts(block["text"], piece)]
        if block.get("citations"):
            opening["citations"] = []
            cited = [{"type": "citations_delta", "citation": c} for c in block["citations"]]
            deltas = cited + deltas
        return opening, deltas
    if kind == "thinking":
        parts = _parts(block["thinking"], piece)
        deltas = [{"type": "thinking_delta", "thinking": part} for part in parts]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
        return {**block, "thinking": "", "signature": ""}, deltas
    if kind in ("tool_use", "server_tool_use", "mcp_tool_use"):
        written = json.dumps(block["input"], ensure_ascii=False)
        # The first delta is empty; a tool without arguments gets no other.
        parts = ["", *(_parts(written, piece) if block["input"] else [])]
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in parts]
        return {**block, "input": {}}, deltas
    return dict(block), []


def _parts(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def sse(events: Iterable[Mapping[str, Any]]) -> bytes:
    """The events as the API frames them: `event:` and `data:` lines and an empty one."""
    return b"".join(
        b"event: %b\ndata: %b\n\n"
        % (event["type"].encode(), json.dumps(event, ensure_ascii=False).encode())
        for event in events
    )


def error_body(
    type: str,  # noqa: A002
    message: str,
    *,
    request_id: str | None = "req_011Loopback",
    **details: Any,
) -> dict[str, Any]:
    """The body of an error answer; `details` go beside `type` and `message`."""
    body: dict[str, Any] = {
        "type": "error",
        "error": {"type": type, "message": message, **details},
    }
    return body if request_id is None else {**body, "request_id": request_id}


def error_event(type: str, message: str) -> dict[str, Any]:  # noqa: A002
    """The event that ends a stream in an error; it has `details` and no request id."""
    return {"type": "error", "error": {"details": None, "type": type, "message": message}}
