"""`reasoning_effort` and Anthropic's own `thinking`, settled for one model and request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from claif_cla.translate.chat.context import Context
from claif_cla.translate.chat.reasoning import native_thinking, reasoning_patch

__all__ = ["settle_thinking"]


def settle_thinking(body: dict[str, Any], context: Context) -> None:
    """Complete `thinking` and `output_config.effort` in `body`, in place.

    A caller's own `thinking` wins over `reasoning_effort`. What `thinking.type: enabled` cannot
    stand beside wins over it: thinking is then off for this turn, with a receipt.
    """
    native = "thinking" in body
    if native:
        given = body.pop("thinking")
        thinking, effort, notes = native_thinking(
            given, context.model, max_tokens=body["max_tokens"]
        )
        _settle(body, thinking, effort)
        for note in notes:
            context.receipts.adapt("thinking", note)
    else:
        _settle_effort(body, context)
    budgeted = body.get("thinking", {}).get("type") == "enabled"
    reason = _why_not(body) if budgeted and context.model.family == "claude" else None
    if reason is not None:
        detail = f"{context.model.id} does not think {reason}."
        context.receipts.adapt("thinking" if native else "reasoning_effort", detail)
        del body["thinking"]


def _settle_effort(body: dict[str, Any], context: Context) -> None:
    effort = context.request.get("reasoning_effort")
    wants_text = context.settings.reasoning == "summary" or (
        context.settings.reasoning == "auto" and effort not in (None, "none")
    )
    # `max_tokens` is final by now: the caller's, or the most that the model writes.
    patch = reasoning_patch(
        effort, context.model, body["max_tokens"], max_tokens_given=True, wants_text=wants_text
    )
    _settle(body, patch.thinking, patch.effort)
    for note in patch.notes:
        context.receipts.adapt("reasoning_effort", note)


def _settle(body: dict[str, Any], thinking: dict[str, Any] | None, effort: str | None) -> None:
    if thinking is not None:
        body["thinking"] = thinking
    if effort is not None:
        config = body.setdefault("output_config", {})
        config.setdefault("effort", effort)  # the caller's own stands


def _why_not(body: Mapping[str, Any]) -> str | None:
    """What the API refuses thinking with a budget for; None where it takes it."""
    if body.get("tool_choice", {}).get("type") in ("any", "tool"):
        return "when a tool call is forced"
    turns = [turn for turn in body["messages"] if turn["role"] != "system"]
    if turns[-1]["role"] == "assistant":
        return "when it continues a message"
    return "in a turn that began without" if _goes_on_unthought(turns) else None


def _goes_on_unthought(turns: Sequence[Mapping[str, Any]]) -> bool:
    """Whether some round of the turn that is going on began without thinking.

    Calls and their results are one turn until Claude has said all, however many rounds that
    takes. Then the API wants thinking at its head; by its words the last round's, by the docs
    the first one's. Only where all have it, neither reading is a 400.
    """
    rounds = takewhile(_is_of_a_round, reversed(turns))
    heads = (turn["content"][0]["type"] for turn in rounds if turn["role"] == "assistant")
    return any(head not in ("thinking", "redacted_thinking") for head in heads)


def _is_of_a_round(turn: Mapping[str, Any]) -> bool:
    called = any(block["type"] == "tool_result" for block in turn["content"])
    return called or turn["role"] == "assistant"
