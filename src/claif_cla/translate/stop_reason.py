"""`stop_reason` of a Message as `finish_reason` of a choice."""

from __future__ import annotations

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


def finish_reason(stop_reason: str | None, *, calls_tools: bool, legacy: bool = False) -> str:
    """The finish reason for a stop reason.

    OpenAI's law is that `tool_calls` is the reason exactly when there are calls, whatever the
    upstream calls it; only an answer that was cut or refused is more urgent news.

    Args:
        stop_reason: as the API gave it. A value from the future, or null, is a natural end.
        calls_tools: whether the answer calls a tool of the caller's.
        legacy: whether the caller used `functions` instead of `tools`.
    """
    reason = FINISH_REASONS.get(stop_reason or "end_turn", "stop")
    if reason in ("stop", "tool_calls"):
        called = "function_call" if legacy else "tool_calls"
        return called if calls_tools else "stop"
    return reason
