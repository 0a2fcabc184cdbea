"""What the upstream answers: whole and streamed, on both wires, as bytes made once.

Both wires carry the same text in the same pieces, with the fields and headers that the real APIs
send, so that each library has its usual work with them.
"""

from __future__ import annotations

import json
from typing import Any

__all__ = ["PIECES", "sse_body", "text_size", "whole_body"]

MODEL = "claude-sonnet-5-5"

_WORDS = (
    "the measure of a call is what it adds to the time that its answer takes, and nobody waits "
    "for a client gladly; so “fast” means: less than one notices, on every day of the year"
).split()

PIECES = [
    " " + " ".join(_WORDS[(3 * at + step) % len(_WORDS)] for step in range(1 + at % 3))
    for at in range(100)
]
"""One round of deltas, of one to three words each, as the API sends them."""

_ANSWER = "".join(PIECES[:20])


def text_size(chunks: int) -> int:
    """The characters of the answer: of the whole one for 0, else of a stream of so many deltas."""
    if not chunks:
        return len(_ANSWER)
    rounds, rest = divmod(chunks, len(PIECES))
    return rounds * sum(map(len, PIECES)) + sum(map(len, PIECES[:rest]))


def whole_body(wire: str) -> bytes:
    """The JSON body of an answer that is not streamed."""
    return _json(_message() if wire == "anthropic" else _completion()).encode()


def sse_body(wire: str) -> tuple[bytes, list[bytes], bytes]:
    """The beginning of a stream, one event for each of `PIECES`, and the end."""
    head, delta, tail = _ANTHROPIC if wire == "anthropic" else _OPENAI
    return head(), [delta(piece) for piece in PIECES], tail()


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


# Anthropic's wire


def _usage(output_tokens: int) -> dict[str, Any]:
    return {
        "input_tokens": 21,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output_tokens,
        "service_tier": "standard",
    }


def _message() -> dict[str, Any]:
    return {
        "model": MODEL,
        "id": "msg_01BenchmarkBenchmarkBench",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": _ANSWER}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": _usage(42),
    }


def _event(data: dict[str, Any]) -> bytes:
    return f"event: {data['type']}\ndata: {_json(data)}\n\n".encode()


def _anthropic_head() -> bytes:
    message = {**_message(), "content": [], "stop_reason": None, "usage": _usage(1)}
    block = {"type": "text", "text": ""}
    return (
        _event({"type": "message_start", "message": message})
        + _event({"type": "content_block_start", "index": 0, "content_block": block})
        + _event({"type": "ping"})
    )


def _anthropic_delta(piece: str) -> bytes:
    delta = {"type": "text_delta", "text": piece}
    return _event({"type": "content_block_delta", "index": 0, "delta": delta})


def _anthropic_tail() -> bytes:
    usage = {
        "input_tokens": 21,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": 42,
    }
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    return (
        _event({"type": "content_block_stop", "index": 0})
        + _event({"type": "message_delta", "delta": end, "usage": usage})
        + _event({"type": "message_stop"})
    )


_ANTHROPIC = (_anthropic_head, _anthropic_delta, _anthropic_tail)


# OpenAI's wire


def _completion() -> dict[str, Any]:
    message = {"role": "assistant", "content": _ANSWER, "refusal": None, "annotations": []}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {
        "id": "chatcmpl-BenchmarkBenchmarkBenchmark",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": MODEL,
        "choices": [choice],
        "usage": {
            "prompt_tokens": 21,
            "completion_tokens": 42,
            "total_tokens": 63,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "default",
        "system_fingerprint": None,
    }


def _chunk(delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    body = {
        "id": "chatcmpl-BenchmarkBenchmarkBenchmark",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": MODEL,
        "service_tier": "default",
        "system_fingerprint": None,
        "choices": [choice],
        "obfuscation": "xYzAbC",
    }
    return f"data: {_json(body)}\n\n".encode()


def _openai_head() -> bytes:
    return _chunk({"role": "assistant", "content": "", "refusal": None})


def _openai_delta(piece: str) -> bytes:
    return _chunk({"content": piece})


def _openai_tail() -> bytes:
    return _chunk({}, "stop") + b"data: [DONE]\n\n"


_OPENAI = (_openai_head, _openai_delta, _openai_tail)
