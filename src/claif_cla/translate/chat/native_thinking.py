"""A caller's own Anthropic `thinking`, adapted only where the model does not take it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claif_cla.catalog.model_info import ModelInfo
from claif_cla.errors import Refusal
from claif_cla.translate.chat.efforts import (
    SMALLEST_BUDGET,
    fitting_budget,
    level_of_budget,
    lowest_level,
    nearest_level,
)
from claif_cla.translate.chat.reasoning import ReasoningPatch, budgeted, without_thinking

__all__ = ["native_thinking"]


def native_thinking(
    thinking: Any, model: ModelInfo, max_tokens: int, effort: str | None = None
) -> ReasoningPatch:
    """What is sent for `thinking`, and an effort that stands in for what could not be sent.

    Args:
        thinking: the value from `extra_body`.
        model: the model that will answer.
        max_tokens: of the same request, which budgets must stay below.
        effort: the caller's own `output_config.effort`, which stands.

    Raises:
        Refusal: if it is no object with a `type`, or an `enabled` without a whole number of
            budget tokens.
    """
    kind = _checked_type(thinking)
    given = dict(thinking)
    if model.family == "foreign" or kind not in _INSTEAD:
        # A type that we do not know is for the API to judge: it may be newer than we are.
        return ReasoningPatch(given)
    if kind in model.thinking.types:
        return _fitted(given, max_tokens) if kind == "enabled" else ReasoningPatch(given)
    if not model.thinking.types:
        notes = () if kind == "disabled" else (f"`{model.id}` cannot think",)
        return ReasoningPatch(notes=notes)
    return _INSTEAD[kind](given, model, max_tokens, effort)


def _checked_type(thinking: Any) -> str:
    kind = thinking.get("type") if isinstance(thinking, Mapping) else None
    if not isinstance(kind, str):
        raise Refusal(
            '`thinking` must be an object with a `type`, such as `{"type": "adaptive"}`.',
            param="thinking",
            code="invalid_value",
        )
    budget = thinking.get("budget_tokens")
    if kind == "enabled" and (not isinstance(budget, int) or isinstance(budget, bool)):
        raise Refusal(
            "`thinking.budget_tokens` must be a whole number of tokens, 1024 or more.",
            param="thinking.budget_tokens",
            code="invalid_value",
        )
    return kind


def _fitted(given: dict[str, Any], max_tokens: int) -> ReasoningPatch:
    """A budget within its bounds: 1,024 or more, and less than `max_tokens`."""
    wanted = given["budget_tokens"]
    if SMALLEST_BUDGET <= wanted < max_tokens:
        return ReasoningPatch(given)
    budget = fitting_budget(max(wanted, SMALLEST_BUDGET), max_tokens)
    if budget is None:
        note = f"`max_tokens` of {max_tokens} leaves no room for a thinking budget; it is off"
        return ReasoningPatch(notes=(note,))
    why = f"it must be {SMALLEST_BUDGET} or more and below the `max_tokens` of {max_tokens}"
    note = f"The thinking budget of {wanted} became {budget}: {why}"
    return ReasoningPatch({**given, "budget_tokens": budget}, notes=(note,))


def _instead_of_enabled(
    given: dict[str, Any], model: ModelInfo, max_tokens: int, effort: str | None
) -> ReasoningPatch:
    """A budget on a model that takes none: adaptive thinking with the effort of its band."""
    budget = given.pop("budget_tokens")
    if "adaptive" not in model.thinking.types:
        return ReasoningPatch(notes=(f"`{model.id}` takes no thinking budget; it was left out",))
    level = effort or nearest_level(level_of_budget(budget), model)[0]
    note = f"`{model.id}` takes no thinking budget; `{budget}` tokens became adaptive thinking"
    if level is not None:
        note += f" with effort `{level}`"
    return ReasoningPatch({**given, "type": "adaptive"}, level, (note,))


def _instead_of_disabled(
    given: dict[str, Any], model: ModelInfo, max_tokens: int, effort: str | None
) -> ReasoningPatch:
    return ReasoningPatch() if model.thinking.default == "off" else without_thinking(model)


def _instead_of_adaptive(
    given: dict[str, Any], model: ModelInfo, max_tokens: int, effort: str | None
) -> ReasoningPatch:
    if "enabled" not in model.thinking.types:
        note = f"`{model.id}` does not think adaptively; `thinking` was left out"
        return ReasoningPatch(notes=(note,))
    patch = budgeted("medium", model, max_tokens)
    note = f"`{model.id}` does not think adaptively; it was given a budget"
    return ReasoningPatch(patch.thinking, notes=(note, *patch.notes))


def _instead_of_between_tools(
    given: dict[str, Any], model: ModelInfo, max_tokens: int, effort: str | None
) -> ReasoningPatch:
    """Nearest is to let the model think, but little."""
    if "adaptive" not in model.thinking.types:
        return _instead_of_adaptive(given, model, max_tokens, effort)
    note = f"`{model.id}` does not take `between_tools`; it thinks adaptively with least effort"
    return ReasoningPatch({"type": "adaptive"}, lowest_level(model), (note,))


_INSTEAD = {
    "enabled": _instead_of_enabled,
    "disabled": _instead_of_disabled,
    "adaptive": _instead_of_adaptive,
    "between_tools": _instead_of_between_tools,
}
