"""How much Claude thinks: effort levels, token budgets, and what stands for what."""

from __future__ import annotations

from itertools import pairwise

from claif_cla.catalog.model_info import EFFORT_LEVELS, ModelInfo
from claif_cla.errors import Refusal

__all__ = [
    "EFFORTS",
    "SMALLEST_BUDGET",
    "budget_of",
    "checked_effort",
    "fitting_budget",
    "level_of_budget",
    "lowest_level",
    "nearest_level",
]

_BUDGETS = {
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16_384,
    "xhigh": 32_768,
    "max": 32_768,
}

EFFORTS = ("none", *_BUDGETS)
"""The values of `reasoning_effort` of every openai release so far."""

SMALLEST_BUDGET = 1024
"""anthropic SDK, types/thinking_config_enabled_param.py."""

_ENOUGH_FOR_ANSWER = 4096


def checked_effort(effort: str | None) -> str | None:
    """Raises `Refusal` for an effort outside of `EFFORTS`; None means that none was given."""
    if effort is not None and effort not in EFFORTS:
        raise Refusal(
            f"`reasoning_effort` is {effort!r}, but must be one of: {', '.join(EFFORTS)}.",
            param="reasoning_effort",
            code="invalid_value",
        )
    return effort


# Levels


def lowest_level(model: ModelInfo) -> str | None:
    """The least effort of the model; None if it has no levels."""
    return model.effort_levels[0] if model.effort_levels else None


def nearest_level(effort: str, model: ModelInfo) -> tuple[str | None, tuple[str, ...]]:
    """The effort level that stands for `effort`, and a note if it is not the same.

    That is the next higher one that the model has, else its highest.
    """
    levels = model.effort_levels
    if not levels:
        return None, (f"`{model.id}` has no effort levels; it thinks as much as it sees fit",)
    wanted = "low" if effort == "minimal" else effort
    higher = EFFORT_LEVELS[EFFORT_LEVELS.index(wanted) :]
    level = next((level for level in higher if level in levels), levels[-1])
    if level == effort:
        return level, ()
    return level, (f"`{model.id}` has no effort `{effort}`; `{level}` was used",)


def level_of_budget(tokens: int) -> str:
    """The effort that a budget speaks of; the bands end midway between those of `budget_of`."""
    steps = ("low", "medium", "high", "xhigh")
    for level, following in pairwise(steps):
        if tokens <= (_BUDGETS[level] + _BUDGETS[following]) // 2:
            return level
    return steps[-1]


# Budgets


def budget_of(effort: str) -> int:
    """The budget that stands for an effort, where there is room for it."""
    return _BUDGETS[effort]


def fitting_budget(wanted: int, max_tokens: int) -> int | None:
    """The largest budget up to `wanted` that leaves the answer its part of `max_tokens`.

    The budget is a part of `max_tokens` and must be below it; None if even the smallest is not.
    The answer keeps a quarter, between 1,024 and 4,096 tokens.
    """
    if max_tokens <= SMALLEST_BUDGET:
        return None
    answer = min(max(SMALLEST_BUDGET, max_tokens // 4), _ENOUGH_FOR_ANSWER)
    return min(wanted, max(SMALLEST_BUDGET, max_tokens - answer))
