"""`max_tokens`, which Claude demands, and `stop`."""

from __future__ import annotations

from typing import Any

from claif_cla.translate import checks
from claif_cla.translate.chat.context import Context

__all__ = [
    "STREAM_ABOVE",
    "max_completion_tokens_patch",
    "max_tokens_patch",
    "settle_max_tokens",
    "stop_patch",
]

STREAM_ABOVE = 21_333
"""Above this many tokens an answer may take longer than the ten minutes after which the API
and the networks before it give up on a silent connection: 3,600 s × max_tokens / 128,000."""


def max_completion_tokens_patch(value: Any, context: Context) -> dict[str, Any]:
    """It counts thinking, as Claude's limit does."""
    return _limited(value, "max_completion_tokens", context)


def max_tokens_patch(value: Any, context: Context) -> dict[str, Any]:
    """The older name; the newer one wins."""
    newer = context.request.get("max_completion_tokens")
    if newer is None:
        return _limited(value, "max_tokens", context)
    if checks.integer(value, "max_tokens", 1) != newer:
        context.receipts.drop("max_tokens", "`max_completion_tokens` wins over it.")
    return {}


def _limited(value: Any, name: str, context: Context) -> dict[str, Any]:
    limit, most = checks.integer(value, name, 1), context.model.max_output_tokens
    if limit > most and context.model.family == "claude":
        context.receipts.adapt(name, f"`{context.model.id}` writes {most} tokens at most.")
        limit = most
    return {"max_tokens": limit}


def settle_max_tokens(body: dict[str, Any], context: Context) -> None:
    """Without a limit of the caller's, the model's own.

    A smaller one would cut answers that OpenAI would not cut.
    """
    body.setdefault("max_tokens", context.model.max_output_tokens)


def stop_patch(value: Any, context: Context) -> dict[str, Any]:
    """One string or several; blank ones, which the API refuses, are left out."""
    items = [value] if isinstance(value, str) else checks.sequence(value, "stop")
    given = [checks.string(item, f"stop[{index}]") for index, item in enumerate(items)]
    kept = [item for item in given if item.strip()]
    if len(kept) < len(given):
        detail = "Claude takes no stop sequence of white space alone; it is left out."
        context.receipts.drop("stop", detail)
    return {"stop_sequences": kept} if kept else {}
