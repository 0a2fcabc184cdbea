"""What a refusal of the API teaches.

The catalogue may be behind the API. Where a 400 says that a model does not take something which
the catalogue thought it did, the fact is corrected and the request translated anew, once; so the
correction is everywhere at once, with the receipts that go with it, and later calls need no
refusal. What the API says is told by its words: it has no codes for these.

Words alone are not trusted: a lesson counts only where the corrected request differs, and it is
remembered only once the API has taken that request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias

from claif_cla.catalog.model_info import EFFORT_LEVELS, ModelInfo
from claif_cla.translate.chat.binding import thinking_keys

__all__ = ["Lesson", "Lessons", "lesson_of"]


class Lessons(Protocol):
    """Where the facts that the API has corrected are kept; see `claif_cla.model_lessons`."""

    def facts(self, model_id: str) -> ModelInfo | None:
        """The corrected facts about the model of that id in the catalogue; None without any."""
        ...

    def learn(self, facts: ModelInfo) -> None:
        """Keep `facts` for their model."""
        ...


class Lesson(NamedTuple):
    """How a refused request is to be translated instead.

    Attributes:
        said: the API's words.
        facts: of the model, as the refusal corrects them.
        lasting: whether the facts hold for other requests too.
        unfit: keys of the thinking that is left out of the history.
    """

    said: str
    facts: ModelInfo
    lasting: bool = True
    unfit: frozenset[str] = frozenset()


_Correct: TypeAlias = Callable[[ModelInfo, Mapping[str, Any], str], ModelInfo]


def _no_sampling(model: ModelInfo, body: Mapping[str, Any], said: str) -> ModelInfo:
    return model._replace(sampling="none")


def _one_of_sampling(model: ModelInfo, body: Mapping[str, Any], said: str) -> ModelInfo:
    return model._replace(sampling="one_of")


def _no_system_inside(model: ModelInfo, body: Mapping[str, Any], said: str) -> ModelInfo:
    return model._replace(mid_conversation_system=False)


def _no_forced_tool(model: ModelInfo, body: Mapping[str, Any], said: str) -> ModelInfo:
    return model._replace(forced_tool_choice=False)


def _no_prefill(model: ModelInfo, body: Mapping[str, Any], said: str) -> ModelInfo:
    return model._replace(prefill=False)


def _no_format(model: ModelInfo, body: Mapping[str, Any], said: str) -> ModelInfo:
    return model._replace(structured_outputs=False)


def _no_output_config(model: ModelInfo, body: Mapping[str, Any], said: str) -> ModelInfo:
    return model._replace(structured_outputs=False, effort_levels=(), default_effort=None)


def _no_fast_mode(model: ModelInfo, body: Mapping[str, Any], said: str) -> ModelInfo:
    return model._replace(fast_mode=None)


def _no_effort(model: ModelInfo, body: Mapping[str, Any], said: str) -> ModelInfo:
    return model._replace(effort_levels=(), default_effort=None)


_SUPPORTED = re.compile(r"Supported levels: ([a-z, ]+)")


def _other_effort(model: ModelInfo, body: Mapping[str, Any], said: str) -> ModelInfo:
    supported = _SUPPORTED.search(said)
    if supported:
        named = supported.group(1).replace(",", " ").split()
        return model._replace(effort_levels=tuple(x for x in EFFORT_LEVELS if x in named))
    effort = (body.get("output_config") or {}).get("effort")
    levels = tuple(level for level in model.effort_levels if level != effort)
    return model._replace(effort_levels=levels)


_INSTEAD = re.compile(r"Use [\"'`]?thinking\.type\.(adaptive|enabled|between_tools)")


def _other_thinking(model: ModelInfo, body: Mapping[str, Any], said: str) -> ModelInfo:
    refused = (body.get("thinking") or {}).get("type")
    instead = _INSTEAD.search(said)
    types = model.thinking.types - {refused} | ({instead.group(1)} if instead else set())
    return model._replace(thinking=model.thinking._replace(types=types))


_LIMIT = re.compile(r"max_tokens: \d+ > (\d+), which is the maximum")


def _lower_limit(model: ModelInfo, body: Mapping[str, Any], said: str) -> ModelInfo:
    limit = _LIMIT.search(said)
    return model._replace(max_output_tokens=int(limit.group(1))) if limit else model


_EXTRA = r"Extra inputs are not permitted"
_NOT = r"not support|deprecated|not available"
_SAMPLING = r"\b(temperature|top_p|top_k)\b"
_FORMAT = r"output_config\.format\b|structured outputs?|\bstrict\b"
_OF_MODEL = r"(?=.*\b(model|platform)\b)"

_FACTS: tuple[tuple[str, _Correct], ...] = (
    (_LIMIT.pattern, _lower_limit),
    # What thinking and effort may not stand beside is no fact about either alone.
    (rf"^(?=.*thinking\.type)(?=.*({_NOT}))(?!.*with effort)", _other_thinking),
    (rf"^(?=.*(adaptive|enabled) thinking)(?=.*({_NOT})){_OF_MODEL}", _other_thinking),
    (rf"^(?=.*effort parameter)(?=.*({_NOT}))|^output_config\.effort: {_EXTRA}", _no_effort),
    (rf"^(?=.*\beffort\b)(?=.*({_NOT}|invalid))(?!.*thinking)", _other_effort),
    (r"^(?=.*(temperature|top_p))(?=.*cannot both)", _one_of_sampling),
    (rf"^(?=.*{_SAMPLING})(?=.*({_NOT}|{_EXTRA}|may only be set))(?!.*thinking)", _no_sampling),
    (r"role ['\"`]?system['\"`]? is not supported|Unexpected role ['\"`]system", _no_system_inside),
    (rf"^(?=.*tool_choice)(?=.*({_NOT}))(?!.*[Tt]hinking)", _no_forced_tool),
    (rf"^(?=.*[Pp]refill)(?=.*({_NOT}|cannot))(?!.*(output_config|[Tt]hinking))", _no_prefill),
    # A keyword of the schema that is not supported is no matter of the model.
    (rf"^(?!.*\.schema\b)(?=.*({_FORMAT}))(?=.*({_NOT})){_OF_MODEL}", _no_format),
    (rf"^output_config\.format: {_EXTRA}|^tools\.\d+\.(custom\.)?strict: {_EXTRA}", _no_format),
    (rf"^output_config: {_EXTRA}", _no_output_config),
    (rf"^(?=.*\b(speed|fast mode)\b)(?=.*({_NOT}|{_EXTRA}))", _no_fast_mode),
)
"""Each fact that the catalogue may have wrong, by what the API says then. First match wins: the
order goes from the narrower to the wider words."""

_LESSONS = tuple((re.compile(pattern, re.DOTALL), correct) for pattern, correct in _FACTS)

_TOO_MUCH_GRAMMAR = re.compile(
    r"Schemas? (is|are) too complex|Too many strict tools|would make grammar compilation"
)
"""Strict tools beyond what the API compiles for one request. A format that is too much is the
caller's own matter: its answer would have another shape."""

_BROKEN_THINKING = re.compile(
    r"Invalid `?(signature|data)`? in `?(redacted_)?thinking`?"
    r"|`?thinking`?.* blocks? .*cannot be modified"
    r"|Expected `?thinking`? or `?redacted_thinking`?"
)
"""Thinking is bound to the model and to all that stands before it; a history that a caller
trimmed or edited does not fit it any more."""


def lesson_of(said: str, model: ModelInfo, body: Mapping[str, Any]) -> Lesson | None:
    """What the refusal teaches; None if that is nothing new.

    Args:
        said: the message of the API's 400.
        model: the facts that the refused request was made from.
        body: the refused request.
    """
    if _BROKEN_THINKING.search(said):
        # Which block is meant is not said in a form to rely on, so all of them go.
        turns = (turn["content"] for turn in body["messages"])
        keys = (key for content in turns for key in thinking_keys(content))
        return Lesson(said, model, lasting=False, unfit=frozenset(keys))
    if _TOO_MUCH_GRAMMAR.search(said):
        compiled = (body.get("output_config") or {}).get("format") is not None
        facts = model._replace(structured_outputs=False)
        return None if compiled else Lesson(said, facts, lasting=False)
    for pattern, correct in _LESSONS:
        if pattern.search(said):
            facts = correct(model, body, said)
            return Lesson(said, facts) if facts != model else None
    return None
