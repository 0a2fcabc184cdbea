"""`stop_reason` of a Message as `finish_reason` of a choice."""

from __future__ import annotations

from typing import Any

__all__ = ["FINISH_REASONS", "finish_reason"]

FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    # The flow resumes a paused turn; one that is still paused after the last resume is cut off.
    "pause_turn": "length",
    "refusal": "content_filter",
    "compaction": "length",
}
"""Every value of the API's `StopReason`, with beta's `compaction`."""

_NATURAL = ("stop", "tool_calls")


def finish_reason(stop_reason: Any, *, calls_tools: bool, legacy: bool = False) -> str:
    """The finish reason for a stop reason.

    OpenAI's law is that `tool_calls` is the reason exactly when there are calls, whatever the
    upstream calls it; only an answer that was cut or refused is more urgent news. A paused turn
    that calls the caller's tools goes on when they answer.

    Args:
        stop_reason: as the API gave it. A value from the future, or none, is a natural end.
        calls_tools: whether the answer calls a tool of the caller's.
        legacy: whether the caller used `functions` instead of `tools`.
    """
    known = isinstance(stop_reason, str)
    reason = FINISH_REASONS.get(stop_reason, "stop") if known else "stop"
    if calls_tools and (reason in _NATURAL or stop_reason == "pause_turn"):
        return "function_call" if legacy else "tool_calls"
    return "stop" if reason in _NATURAL else reason
