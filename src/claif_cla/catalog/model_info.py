"""Facts about models: the record, and the rules that find one for a name.

The facts are data (`models.json`, reviewed, with source and date); nothing else in the package
looks at a model's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["ModelInfo", "Thinking", "active_models", "all_models", "lookup", "newest_of_line"]


@dataclass(frozen=True, slots=True)
class Thinking:
    """How a model thinks.

    Attributes:
        types: values of `thinking.type` that the model takes
            (`adaptive`, `enabled`, `disabled`, `between_tools`); empty if it cannot think.
        default: what happens when `thinking` is absent: `off` or `adaptive`.
        display: what it shows when `display` is absent: `summarized`, `omitted`, or None
            where there is nothing to show.
    """

    types: frozenset[str] = frozenset()
    default: Literal["off", "adaptive"] = "off"
    display: Literal["summarized", "omitted"] | None = None


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model as the translation sees it. Sizes are in tokens, dates are ISO.

    Attributes:
        id: the full id.
        display_name: for people.
        line: `opus`, `sonnet`, `haiku`, `fable`, `mythos`; None where unknown.
        lifecycle: `active`, `deprecated` or `retired`; `unknown` for ids outside the catalogue.
        family: `claude`, or `foreign` for a model of another maker behind a custom base_url,
            whose parameters are passed as given.
        known: whether the catalogue lists it.
        aliases: other names of the same model.
        released, retires_at: dates, None where unknown.
        replacement: the successor of a retired or deprecated model.
        context_window, max_output_tokens: limits.
        thinking: see `Thinking`.
        effort_levels: values of `output_config.effort` it takes, lowest first; may be empty.
        default_effort: what it uses when absent; None where it has no effort.
        sampling: `none` (temperature, top_p, top_k are refused), `one_of` (temperature *or*
            top_p), or `any`.
        forced_tool_choice: whether `tool_choice` may be `any` or `tool`.
        mid_conversation_system: whether `role: system` may stand inside `messages`.
        prefill: whether the last message may be the assistant's.
        structured_outputs: whether `output_config.format` is taken.
        fast_mode: None, `ga`, or the beta header that `speed: fast` needs.
        cache_minimum_tokens: the shortest prefix that is cached.
        prices: USD per million tokens by kind (`input`, `output`, `cache_read`,
            `cache_write_5m`, `cache_write_1h`, …); empty where unknown.
        sources: per fact, where it was read and when.
    """

    id: str
    display_name: str
    line: str | None = None
    lifecycle: Literal["active", "deprecated", "retired", "unknown"] = "active"
    family: Literal["claude", "foreign"] = "claude"
    known: bool = True
    aliases: tuple[str, ...] = ()
    released: str | None = None
    retires_at: str | None = None
    replacement: str | None = None
    context_window: int = 1_000_000
    max_output_tokens: int = 128_000
    thinking: Thinking = field(default_factory=Thinking)
    effort_levels: tuple[str, ...] = ()
    default_effort: str | None = None
    sampling: Literal["none", "one_of", "any"] = "none"
    forced_tool_choice: bool = False
    mid_conversation_system: bool = False
    prefill: bool = False
    structured_outputs: bool = True
    fast_mode: str | None = None
    cache_minimum_tokens: int = 512
    prices: Mapping[str, float] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)


def lookup(model: str) -> ModelInfo:
    """The facts for `model`: catalogue entry, newest-generation rules, or foreign rules."""
    raise NotImplementedError


def all_models() -> tuple[ModelInfo, ...]:
    """Every model of the catalogue, newest first, the retired ones last."""
    raise NotImplementedError


def active_models() -> tuple[ModelInfo, ...]:
    """The models that answer today, newest first."""
    raise NotImplementedError


def newest_of_line(line: str) -> ModelInfo:
    """The newest active model of a line that anyone may call. Raises KeyError for no such line."""
    raise NotImplementedError
