"""`reasoning_effort`, and Anthropic's own `thinking`, in the form that a model takes.

Everything follows from the facts of `ModelInfo`, never from a model's name. In short:

| model | `none` | `minimal` to `max` |
|---|---|---|
| thinks unless told otherwise | `disabled`, else `between_tools`, else lowest effort | effort |
| thinks when asked, adaptively | `disabled` | `adaptive` and effort |
| thinks within a budget | `disabled` | `enabled` with a budget, and effort if it has levels |
| cannot think | nothing | nothing, with a note |

An absent effort sends nothing, as the defaults of the models differ. An effort that the model
does not have becomes the next higher one, else the highest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from claif_cla.catalog.model_info import ModelInfo
from claif_cla.errors import Refusal

__all__ = ["EFFORTS", "ReasoningPatch", "native_thinking", "reasoning_patch"]

_BUDGETS = {
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16_384,
    "xhigh": 32_768,
    "max": 32_768,
}
_LEVELS = ("low", "medium", "high", "xhigh", "max")

EFFORTS = ("none", *_BUDGETS)
"""The values of `reasoning_effort` of every openai release so far."""

_SMALLEST_BUDGET = 1024  # anthropic SDK, types/thinking_config_enabled_param.py

_ENOUGH_FOR_ANSWER = 4096


@dataclass(frozen=True, slots=True)
class ReasoningPatch:
    """What a `reasoning_effort` changes in the Messages request.

    Attributes:
        thinking: the value of `thinking`; None to leave it out.
        effort: the value of `output_config.effort`; None to leave it out.
        max_tokens: the new value of `max_tokens`; None to leave it as it is.
        notes: sentences about what could not be honoured to the letter.
    """

    thinking: dict[str, Any] | None = None
    effort: str | None = None
    max_tokens: int | None = None
    notes: tuple[str, ...] = ()


def reasoning_patch(
    effort: str | None,
    model: ModelInfo,
    max_tokens: int,
    max_tokens_given: bool,  # noqa: FBT001
    wants_text: bool,  # noqa: FBT001
) -> ReasoningPatch:
    """What `reasoning_effort` means for `model`.

    Args:
        effort: one of `EFFORTS`, or None if the caller said nothing.
        model: the model that will answer.
        max_tokens: tokens that the answer may have, thinking included.
        max_tokens_given: whether the caller chose `max_tokens`; our own default makes room for a
            budget, the caller's number stands.
        wants_text: whether readable thinking is wanted. It asks for a summary where the model
            would think but show nothing; it never turns thinking on.

    Raises:
        Refusal: for an effort outside of `EFFORTS`.
    """
    if effort is not None and effort not in EFFORTS:
        raise Refusal(
            f"`reasoning_effort` is {effort!r}, but must be one of: {', '.join(EFFORTS)}.",
            param="reasoning_effort",
            code="invalid_value",
        )
    if effort is None:
        return ReasoningPatch(_shown(None, model, wants_text=wants_text))
    if model.family == "foreign":
        return _foreign(effort, max_tokens)
    if effort == "none":
        return _without(model, wants_text=wants_text)
    return _with_effort(effort, model, max_tokens, given=max_tokens_given, wants_text=wants_text)


def native_thinking(
    thinking: Any, model: ModelInfo, *, max_tokens: int | None = None
) -> tuple[dict[str, Any] | None, str | None, tuple[str, ...]]:
    """A caller's own Anthropic `thinking`, adapted only where the model does not take its type.

    Args:
        thinking: the value from `extra_body`; None means nothing.
        model: the model that will answer.
        max_tokens: of the same request, for budgets that we choose; None if unknown, which gives
            the smallest.

    Returns:
        `thinking` to send or None, an effort that stands in for what could not be sent or None,
        and notes.

    Raises:
        Refusal: if it is no object with a `type`, or an `enabled` without a whole number of
            budget tokens.
    """
    if thinking is None:
        return None, None, ()
    kind = _checked_type(thinking)
    given = dict(thinking)
    if model.family == "foreign" or kind in model.thinking.types or kind not in _INSTEAD:
        # A type that we do not know is for the API to judge: it may be newer than we are.
        return given, None, ()
    if not model.thinking.types:
        notes = () if kind == "disabled" else (f"`{model.id}` cannot think",)
        return None, None, notes
    return _INSTEAD[kind](given, model, max_tokens)


_Native = tuple[dict[str, Any] | None, str | None, tuple[str, ...]]


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


def _instead_of_enabled(given: dict[str, Any], model: ModelInfo, _limit: int | None) -> _Native:
    """A budget on a model that takes none: adaptive thinking with the effort of its band."""
    budget = given.pop("budget_tokens")
    if "adaptive" not in model.thinking.types:
        return None, None, (f"`{model.id}` takes no thinking budget; it was left out",)
    wanted = next((level for level in _LEVELS if budget <= _band(level)), "xhigh")
    level, _ = _level(wanted, model)
    note = f"`{model.id}` takes no thinking budget; `{budget}` tokens became adaptive thinking"
    if level is not None:
        note += f" with effort `{level}`"
    return {**given, "type": "adaptive"}, level, (note,)


def _instead_of_disabled(_given: dict[str, Any], model: ModelInfo, _limit: int | None) -> _Native:
    if model.thinking.default == "off":
        return None, None, ()
    patch = _without(model, wants_text=False)
    return patch.thinking, patch.effort, patch.notes


def _instead_of_adaptive(_given: dict[str, Any], model: ModelInfo, limit: int | None) -> _Native:
    if "enabled" not in model.thinking.types:
        return None, None, (f"`{model.id}` does not think adaptively; `thinking` was left out",)
    level, _ = _level(model.default_effort or "medium", model)
    room = limit if limit is not None else 2 * _SMALLEST_BUDGET
    patch = _budgeted("medium", level, model, room, given=True)
    note = f"`{model.id}` does not think adaptively; it was given a budget"
    return patch.thinking, None, (note, *patch.notes)


def _instead_of_between_tools(
    given: dict[str, Any], model: ModelInfo, limit: int | None
) -> _Native:
    """Nearest is to let the model think, but little."""
    if "adaptive" not in model.thinking.types:
        return _instead_of_adaptive(given, model, limit)
    note = f"`{model.id}` does not take `between_tools`; it thinks adaptively with least effort"
    return {"type": "adaptive"}, _lowest(model), (note,)


_INSTEAD = {
    "enabled": _instead_of_enabled,
    "disabled": _instead_of_disabled,
    "adaptive": _instead_of_adaptive,
    "between_tools": _instead_of_between_tools,
}


def _with_effort(
    effort: str, model: ModelInfo, max_tokens: int, *, given: bool, wants_text: bool
) -> ReasoningPatch:
    types = model.thinking.types
    level, note = _level(effort, model)
    notes = (note,) if note else ()
    if effort == "minimal" and "between_tools" in types and "disabled" not in types:
        # The least of thinking that such a model has.
        return ReasoningPatch({"type": "between_tools"}, level, notes=notes)
    if "adaptive" in types:
        base = None if model.thinking.default == "adaptive" else {"type": "adaptive"}
        return ReasoningPatch(_shown(base, model, wants_text=wants_text), level, notes=notes)
    if "enabled" in types:
        return _budgeted(effort, level, model, max_tokens, given=given)
    if level is not None and model.thinking.default == "off":
        notes = (*notes, f"`{model.id}` cannot think; `reasoning_effort` only sets its effort")
    elif level is None:
        notes = (f"`{model.id}` cannot think; `reasoning_effort` was left out",)
    return ReasoningPatch(None, level, notes=notes)


def _without(model: ModelInfo, *, wants_text: bool) -> ReasoningPatch:
    """As little thinking as the model can be brought to.

    `disabled` and `between_tools` are refused together with the efforts above `high`, so the
    former goes alone (every default is `high` or lower) and the latter with the lowest.
    """
    types = model.thinking.types
    if "disabled" in types:
        return ReasoningPatch({"type": "disabled"})
    if model.thinking.default == "off":
        return ReasoningPatch()
    lowest = _lowest(model)
    level = f" with effort `{lowest}`" if lowest else ""
    if "between_tools" in types:
        note = f"`{model.id}` cannot stop thinking; it thinks between tools only{level}"
        return ReasoningPatch({"type": "between_tools"}, lowest, notes=(note,))
    note = f"`{model.id}` cannot stop thinking; it thinks{level}"
    return ReasoningPatch(_shown(None, model, wants_text=wants_text), lowest, notes=(note,))


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


def _lowest(model: ModelInfo) -> str | None:
    return model.effort_levels[0] if model.effort_levels else None


def _level(effort: str, model: ModelInfo) -> tuple[str | None, str | None]:
    """The effort level that stands for `effort`, and a note if it is not the same."""
    levels = model.effort_levels
    wanted = "low" if effort == "minimal" else effort
    if not levels:
        return None, f"`{model.id}` has no effort levels; it thinks as much as it sees fit"
    rank = _LEVELS.index(wanted)
    fitting = [level for level in _LEVELS[rank:] if level in levels]
    level = fitting[0] if fitting else levels[-1]
    if level == effort:
        return level, None
    return level, f"`{model.id}` has no effort `{effort}`; `{level}` was used"


def _budgeted(
    effort: str, level: str | None, model: ModelInfo, max_tokens: int, *, given: bool
) -> ReasoningPatch:
    """`enabled` with a budget below `max_tokens` that leaves room for the answer."""
    wanted = _BUDGETS[effort]
    limit = max_tokens
    if not given:
        limit = max(max_tokens, min(max_tokens + wanted, model.max_output_tokens))
    budget = _fitting_budget(wanted, limit)
    if budget is None:
        note = (
            f"`max_tokens` of {max_tokens} leaves no room for thinking, which needs more than "
            f"{_SMALLEST_BUDGET}; it is off"
        )
        return ReasoningPatch(None, level, notes=(note,))
    notes = []
    if budget < wanted:
        notes.append(f"the thinking budget was cut from {wanted} to {budget} by `max_tokens`")
    if level not in {None, effort} and effort != "minimal":
        notes.append(f"`{model.id}` has no effort `{effort}`; `{level}` was used")
    raised = limit if limit > max_tokens else None
    thinking = {"type": "enabled", "budget_tokens": budget}
    return ReasoningPatch(thinking, level, raised, tuple(notes))


def _fitting_budget(wanted: int, max_tokens: int) -> int | None:
    """The largest budget up to `wanted` that leaves the answer its part of `max_tokens`.

    The budget is a part of `max_tokens` and must be below it; None if even the smallest is not.
    The answer keeps a quarter, between 1,024 and 4,096 tokens.
    """
    if max_tokens <= _SMALLEST_BUDGET:
        return None
    answer = min(max(_SMALLEST_BUDGET, max_tokens // 4), _ENOUGH_FOR_ANSWER)
    return min(wanted, max(_SMALLEST_BUDGET, max_tokens - answer))


def _band(level: str) -> int:
    """The largest budget that still counts as `level`: midway between the steps of `_BUDGETS`."""
    following = {"low": "medium", "medium": "high", "high": "xhigh"}.get(level)
    return 0 if following is None else (_BUDGETS[level] + _BUDGETS[following]) // 2


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
        () if level == effort else (f"the Messages API has no effort `{effort}`; `low` is sent",)
    )
    budget = _fitting_budget(_BUDGETS[effort], max_tokens)
    if budget is None:
        note = f"`max_tokens` of {max_tokens} leaves no room for a thinking budget; none was sent"
        return ReasoningPatch(None, level, notes=(*notes, note))
    return ReasoningPatch({"type": "enabled", "budget_tokens": budget}, level, notes=notes)
