"""`reasoning_effort` and Anthropic's own `thinking`, settled for one model and request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from claif_cla.translate.chat.context import Context
from claif_cla.translate.chat.efforts import checked_effort
from claif_cla.translate.chat.native_thinking import native_thinking
from claif_cla.translate.chat.reasoning import ReasoningPatch, reasoning_patch

__all__ = ["settle_thinking"]


def settle_thinking(body: dict[str, Any], context: Context) -> None:
    """Complete `thinking` and `output_config.effort` in `body`, in place.

    A caller's own `thinking` and `output_config` win over `reasoning_effort`, which sets what
    they leave open. What a kind of thinking cannot stand beside wins over it: thinking is then
    left out for this request, with a receipt.
    """
    given = body.pop("thinking", None)
    if given is None:
        param, patch = "reasoning_effort", _of_effort(body, context)
    else:
        own = body.get("output_config", {}).get("effort")
        param = "thinking"
        patch = native_thinking(given, context.model, body["max_tokens"], own)
    for note in patch.notes:
        context.receipts.adapt(param, f"{note}.")
    if given is not None:
        patch = _with_effort_beside(patch, body, context)
    _settle_effort(body, patch.effort, context)
    if patch.thinking is None:
        return
    detail = _why_not(body, patch.thinking, context, derived=patch.thinking != given)
    if detail is None:
        body["thinking"] = patch.thinking
    else:
        context.receipts.adapt(param, detail)


def _of_effort(body: Mapping[str, Any], context: Context) -> ReasoningPatch:
    effort = context.request.get("reasoning_effort")
    wants_text = context.settings.reasoning == "summary" or (
        context.settings.reasoning == "auto" and effort not in (None, "none")
    )
    return reasoning_patch(effort, context.model, body["max_tokens"], wants_text=wants_text)


def _with_effort_beside(
    patch: ReasoningPatch, body: Mapping[str, Any], context: Context
) -> ReasoningPatch:
    """A native `thinking`, and as much of `reasoning_effort` as it leaves open: the level."""
    asked = checked_effort(context.request.get("reasoning_effort"))
    kind = patch.thinking["type"] if patch.thinking is not None else None
    if asked is None or (asked == "none" and kind in (None, "disabled")):
        return patch
    level = reasoning_patch(asked, context.model, body["max_tokens"], wants_text=False).effort
    if asked == "none" or level is None or patch.effort not in (None, level):
        detail = "`thinking` says how much to think, and wins."
        context.receipts.adapt("reasoning_effort", detail)
        return patch
    if kind in context.model.thinking.types and not context.model.thinking.takes(kind, level):
        detail = f"`thinking` of type `{kind}` wins, which goes with no effort `{level}`."
        context.receipts.adapt("reasoning_effort", detail)
        return patch
    if level != asked:
        detail = f"`{context.model.id}` has no effort `{asked}`; `{level}` was used."
        context.receipts.adapt("reasoning_effort", detail)
    return patch._replace(effort=level)


def _settle_effort(body: dict[str, Any], effort: str | None, context: Context) -> None:
    own = body.get("output_config", {}).get("effort")
    if effort is None or own == effort:
        return
    if own is None:
        body.setdefault("output_config", {})["effort"] = effort
    elif context.request.get("reasoning_effort") is not None:
        detail = f"`output_config` asks for effort `{own}`, and wins."
        context.receipts.adapt("reasoning_effort", detail)


def _why_not(
    body: Mapping[str, Any], thinking: Mapping[str, Any], context: Context, *, derived: bool
) -> str | None:
    """What the API refuses this thinking for; None where it takes it."""
    model, kind = context.model, thinking["type"]
    if model.family != "claude":
        return None
    if kind == "enabled":
        reason = _why_no_budget(body)
        return f"`{model.id}` does not think {reason}." if reason is not None else None
    effort = body.get("output_config", {}).get("effort", model.default_effort)
    if derived and not model.thinking.takes(kind, effort):
        return f"`{model.id}` takes no `{kind}` thinking with effort `{effort}`; that wins."
    return None


def _why_no_budget(body: Mapping[str, Any]) -> str | None:
    """What thinking within a budget cannot stand beside; None where it can."""
    if body.get("tool_choice", {}).get("type") in ("any", "tool"):
        return "when a tool call is forced"
    latest = (turn for turn in reversed(body["messages"]) if turn["role"] != "system")
    rounds = list(takewhile(_is_of_a_round, latest))
    if rounds and rounds[0]["role"] == "assistant":
        return "when it continues a message"
    return "in a turn that began without" if _goes_on_unthought(rounds) else None


def _goes_on_unthought(rounds: Sequence[Mapping[str, Any]]) -> bool:
    """Whether some of the rounds of the turn that is going on began without thinking.

    Calls and their results are one turn until Claude has said all, however many rounds that
    takes. Then the API wants thinking at its head; by its words the last round's, by the docs
    the first one's. Only where all have it, neither reading is a 400.
    """
    heads = (turn["content"][0]["type"] for turn in rounds if turn["role"] == "assistant")
    return any(head not in ("thinking", "redacted_thinking") for head in heads)


def _is_of_a_round(turn: Mapping[str, Any]) -> bool:
    called = any(block["type"] == "tool_result" for block in turn["content"])
    return called or turn["role"] == "assistant"
