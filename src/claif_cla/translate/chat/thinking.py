"""`reasoning_effort` and Anthropic's own `thinking`, settled for one model and request."""

from __future__ import annotations

from typing import Any

from claif_cla.translate.chat.context import Context
from claif_cla.translate.chat.reasoning import native_thinking, reasoning_patch

__all__ = ["settle_thinking"]


def settle_thinking(body: dict[str, Any], context: Context) -> None:
    """Complete `thinking` and `output_config.effort` in `body`, in place.

    A caller's own `thinking` wins over `reasoning_effort`. Forcing a tool is incompatible with
    `thinking.type: enabled`, and the guaranteed call wins: thinking is then off.
    """
    native = "thinking" in body
    if native:
        thinking, effort, notes = native_thinking(body.pop("thinking"), context.model)
        _settle(body, thinking, effort)
        for note in notes:
            context.receipts.adapt("thinking", note)
    else:
        _settle_effort(body, context)
    _yield_to_forced_tool(body, context, "thinking" if native else "reasoning_effort")


def _settle_effort(body: dict[str, Any], context: Context) -> None:
    effort = context.request.get("reasoning_effort")
    wants_text = context.settings.reasoning == "summary" or (
        context.settings.reasoning == "auto" and effort not in (None, "none")
    )
    patch = reasoning_patch(
        effort,
        context.model,
        max_tokens=body["max_tokens"],
        max_tokens_given=any(
            context.request.get(name) is not None
            for name in ("max_tokens", "max_completion_tokens")
        ),
        wants_text=wants_text,
    )
    _settle(body, patch.thinking, patch.effort)
    if patch.max_tokens is not None:
        body["max_tokens"] = patch.max_tokens
    for note in patch.notes:
        context.receipts.adapt("reasoning_effort", note)


def _settle(body: dict[str, Any], thinking: dict[str, Any] | None, effort: str | None) -> None:
    if thinking is not None:
        body["thinking"] = thinking
    if effort is not None:
        config = body.setdefault("output_config", {})
        config.setdefault("effort", effort)  # the caller's own stands


def _yield_to_forced_tool(body: dict[str, Any], context: Context, param: str) -> None:
    forced = body.get("tool_choice", {}).get("type") in ("any", "tool")
    if forced and body.get("thinking", {}).get("type") == "enabled":
        detail = f"{context.model.id} does not think when a tool call is forced."
        context.receipts.adapt(param, detail)
        del body["thinking"]
