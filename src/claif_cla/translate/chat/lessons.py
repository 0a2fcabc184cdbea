"""What a refusal of the API teaches about a model.

The catalogue may be behind the API. Where a 400 says that a model does not take something which
the catalogue thought it did, the fact is corrected and the request translated anew, once; so the
correction is everywhere at once, with the receipts that go with it, and later calls need no
refusal. What the API says is told by its words: it has no codes for these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from claif_cla.catalog.model_info import ModelInfo

__all__ = ["is_broken_thinking", "lesson_of"]

_Correct = Callable[[ModelInfo, Mapping[str, Any]], ModelInfo]


def _no_sampling(model: ModelInfo, body: Mapping[str, Any]) -> ModelInfo:
    return replace(model, sampling="none")


def _one_of_sampling(model: ModelInfo, body: Mapping[str, Any]) -> ModelInfo:
    return replace(model, sampling="one_of")


def _no_system_inside(model: ModelInfo, body: Mapping[str, Any]) -> ModelInfo:
    return replace(model, mid_conversation_system=False)


def _no_forced_tool(model: ModelInfo, body: Mapping[str, Any]) -> ModelInfo:
    return replace(model, forced_tool_choice=False)


def _no_prefill(model: ModelInfo, body: Mapping[str, Any]) -> ModelInfo:
    return replace(model, prefill=False)


def _no_format(model: ModelInfo, body: Mapping[str, Any]) -> ModelInfo:
    return replace(model, structured_outputs=False)


def _no_fast_mode(model: ModelInfo, body: Mapping[str, Any]) -> ModelInfo:
    return replace(model, fast_mode=None)


def _other_thinking(model: ModelInfo, body: Mapping[str, Any]) -> ModelInfo:
    kind = body.get("thinking", {}).get("type")
    types = model.thinking.types - {kind}
    return replace(model, thinking=replace(model.thinking, types=types))


def _lower_effort(model: ModelInfo, body: Mapping[str, Any]) -> ModelInfo:
    effort = body.get("output_config", {}).get("effort")
    levels = tuple(level for level in model.effort_levels if level != effort)
    return replace(model, effort_levels=levels)


_LESSONS: tuple[tuple[re.Pattern[str], _Correct], ...] = (
    (re.compile(r"(?=.*(temperature|top_p|top_k))(?=.*cannot both)"), _one_of_sampling),
    (
        re.compile(
            r"(?=.*(temperature|top_p|top_k))"
            r"(?=.*(Extra inputs are not permitted|not supported|deprecated|may only be set))"
        ),
        _no_sampling,
    ),
    (re.compile(r"role ['\"`]?system['\"`]? is not supported"), _no_system_inside),
    (re.compile(r"(?=.*tool_choice)(?=.*(not supported|forces tool use))"), _no_forced_tool),
    (re.compile(r"(?=.*prefill)(?=.*(not support|cannot))"), _no_prefill),
    (re.compile(r"(?=.*output_config\.format|.*structured output)(?=.*not support)"), _no_format),
    (re.compile(r"(?=.*\b(speed|fast mode)\b)(?=.*not support)"), _no_fast_mode),
    (re.compile(r"(?=.*effort)(?=.*(not support|invalid))"), _lower_effort),
    (
        re.compile(r"(?=.*thinking\.type|.*(adaptive|enabled) thinking)(?=.*not support)"),
        _other_thinking,
    ),
)
"""Each model fact that the catalogue may have wrong, by what the API says then. First match wins:
the order goes from the narrower to the wider words."""

_BROKEN_THINKING = re.compile(
    r"Invalid `?signature`? in `?thinking`? block|`?thinking`?.* blocks? .*cannot be modified"
    r"|Expected `?thinking`? or `?redacted_thinking`?"
)


def lesson_of(message: str, model: ModelInfo, body: Mapping[str, Any]) -> ModelInfo | None:
    """The facts as the refusal corrects them; None if it teaches nothing new.

    Args:
        message: of the API's 400.
        model: the facts that the refused request was made from.
        body: the refused request.
    """
    for pattern, correct in _LESSONS:
        if pattern.search(message):
            corrected = correct(model, body)
            return corrected if corrected != model else None
    return None


def is_broken_thinking(message: str) -> bool:
    """Whether the API refused thinking blocks of the history.

    They are bound to the model and to all that stands before them; a history that a caller
    trimmed or edited does not fit them any more, and goes without.
    """
    return _BROKEN_THINKING.search(message) is not None
