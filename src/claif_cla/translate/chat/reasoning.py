"""`reasoning_effort` in the form that a model takes.

Everything follows from the facts of `ModelInfo`, never from a model's name. In short:

| model | `none` | `minimal` to `max` |
|---|---|---|
| thinks unless told otherwise | `disabled`, else `between_tools`, else lowest effort | effort |
| thinks when asked, adaptively | `disabled` | `adaptive` and effort |
| thinks within a budget | `disabled` | `enabled` with a budget, and effort if it has levels |
| cannot think | nothing | nothing, with a note |

An absent effort sends nothing, as the defaults of the models differ.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from claif_cla.catalog.model_info import ModelInfo
from claif_cla.translate.chat.efforts import (
    SMALLEST_BUDGET,
    budget_of,
    checked_effort,
    fitting_budget,
    lowest_level,
    nearest_level,
)

__all__ = ["ReasoningPatch", "budgeted", "reasoning_patch", "without_thinking"]


class ReasoningPatch(NamedTuple):
    """How a Messages request asks for thinking.

    Attributes:
        thinking: the value of `thinking`; None to leave it out.
        effort: the value of `output_config.effort`; None to leave it out.
        notes: sentences about what could not be honoured to the letter.
    """

    thinking: dict[str, Any] | None = None
    effort: str | None = None
    notes: tuple[str, ...] = ()


def reasoning_patch(
    effort: str | None, model: ModelInfo, max_tokens: int, *, wants_text: bool
) -> ReasoningPatch:
    """What `reasoning_effort` means for `model`.

    Args:
        effort: one of `EFFORTS`, or None if the caller said nothing.
        model: the model that will answer.
        max_tokens: tokens that the answer may have, thinking included.
        wants_text: whether readable thinking is wanted. It asks for a summary where the model
            would think but show nothing; it never turns thinking on.

    Raises:
        Refusal: for an effort outside of `EFFORTS`.
    """
    effort = checked_effort(effort)
    if effort is None:
        return ReasoningPatch(_shown(None, model, wants_text=wants_text))
    if model.family == "foreign":
        return _foreign(effort, max_tokens)
    if effort == "none":
        return without_thinking(model, wants_text=wants_text)
    return _with_effort(effort, model, max_tokens, wants_text=wants_text)


def _with_effort(
    effort: str, model: ModelInfo, max_tokens: int, *, wants_text: bool
) -> ReasoningPatch:
    types = model.thinking.types
    if "enabled" in types and "adaptive" not in types:
        return budgeted(effort, model, max_tokens)
    level, notes = nearest_level(effort, model)
    if effort == "minimal" and "between_tools" in types and "disabled" not in types:
        # The least of thinking that such a model has.
        return ReasoningPatch({"type": "between_tools"}, level, notes)
    if "adaptive" in types:
        spelled = None if model.thinking.default == "adaptive" else {"type": "adaptive"}
        return ReasoningPatch(_shown(spelled, model, wants_text=wants_text), level, notes)
    if level is None:
        notes = (f"`{model.id}` cannot think; `reasoning_effort` was left out",)
    elif model.thinking.default == "off":
        notes = (*notes, f"`{model.id}` cannot think; `reasoning_effort` only sets its effort")
    return ReasoningPatch(None, level, notes)


def without_thinking(model: ModelInfo, *, wants_text: bool = False) -> ReasoningPatch:
    """As little thinking as the model can be brought to.

    `disabled` and `between_tools` are refused together with the efforts above `high`, so the
    former goes alone (every default is `high` or lower) and the latter with the lowest.
    """
    types = model.thinking.types
    if "disabled" in types:
        return ReasoningPatch({"type": "disabled"})
    if model.thinking.default == "off":
        return ReasoningPatch()
    lowest = lowest_level(model)
    level = f" with effort `{lowest}`" if lowest else ""
    if "between_tools" in types:
        note = f"`{model.id}` cannot stop thinking; it thinks between tools only{level}"
        return ReasoningPatch({"type": "between_tools"}, lowest, (note,))
    note = f"`{model.id}` cannot stop thinking; it thinks{level}"
    return ReasoningPatch(_shown(None, model, wants_text=wants_text), lowest, (note,))


def _shown(
    thinking: dict[str, Any] | None, model: ModelInfo, *, wants_text: bool
) -> dict[str, Any] | None:
    """`thinking` with a readable summary, if one is wanted and the model would omit it."""
    if not wants_text or model.thinking.display != "omitted":
        return thinking
    if thinking is not None:
        return {**thinking, "display": "summarized"}
    thinks = model.thinking.default == "adaptive" and "adaptive" in model.thinking.types
    # The display can only be set on a type that is spelled out.
    return {"type": "adaptive", "display": "summarized"} if thinks else None


def budgeted(effort: str, model: ModelInfo, max_tokens: int) -> ReasoningPatch:
    """`enabled` with a budget below `max_tokens` that leaves room for the answer."""
    level, notes = nearest_level(effort, model)
    if level is None or effort == "minimal":
        notes = ()  # the budget says it
    wanted = budget_of(effort)
    budget = fitting_budget(wanted, max_tokens)
    if budget is None:
        note = (
            f"`max_tokens` of {max_tokens} leaves no room for thinking, which needs more than "
            f"{SMALLEST_BUDGET}; it is off"
        )
        return ReasoningPatch(None, level, (*notes, note))
    if budget < wanted:
        cut = f"The thinking budget was cut from {wanted} to {budget} by `max_tokens`"
        notes = (cut, *notes)
    return ReasoningPatch({"type": "enabled", "budget_tokens": budget}, level, notes)


def _foreign(effort: str, max_tokens: int) -> ReasoningPatch:
    """For servers that only speak the Messages API (Ollama, llama.cpp, vLLM …).

    They read `thinking.type` (`enabled` turns thinking on, llama.cpp also heeds the budget), the
    newer ones `output_config.effort` too, and pass over what they do not know. So both are sent,
    with the budget inside the caller's `max_tokens`, as nothing is known of their limits.
    """
    if effort == "none":
        return ReasoningPatch({"type": "disabled"})
    level = "low" if effort == "minimal" else effort
    notes = (
        () if level == effort else (f"The Messages API has no effort `{effort}`; `low` is sent",)
    )
    budget = fitting_budget(budget_of(effort), max_tokens)
    if budget is None:
        note = f"`max_tokens` of {max_tokens} leaves no room for a thinking budget; none was sent"
        return ReasoningPatch(None, level, (*notes, note))
    return ReasoningPatch({"type": "enabled", "budget_tokens": budget}, level, notes)
