"""The record of one model: what the translation, the simulator and the command line read.

Records are immutable and hold no rule about names. Where a fact of the API has no natural
place, a field is added here with a default, so that older records stay valid.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias

from typing_extensions import override

__all__ = [
    "BINDING_SINCE",
    "EFFORT_LEVELS",
    "THINKING_TYPES",
    "Lifecycle",
    "ModelInfo",
    "Sampling",
    "Thinking",
]

EFFORT_LEVELS = ("low", "medium", "high", "xhigh", "max")
"""Every value of `output_config.effort`, lowest first."""

THINKING_TYPES = ("adaptive", "enabled", "disabled", "between_tools")
"""Every value of `thinking.type`."""

BINDING_SINCE = "2026-09-01"
"""Release date of the first model (Fable 5.1) whose thinking is bound to the conversation."""

Lifecycle: TypeAlias = Literal["active", "deprecated", "retired", "unknown"]
Sampling: TypeAlias = Literal["none", "one_of", "any"]


_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Thinking(NamedTuple):
    """How a model thinks.

    Two rules hold for every model and are therefore no facts here: `enabled` needs
    `1024 <= budget_tokens < max_tokens`, and with `enabled` no tool choice may be forced.

    Attributes:
        types: values of `thinking.type` that the model takes
            (`adaptive`, `enabled`, `disabled`, `between_tools`); empty if it cannot think.
        default: what happens when `thinking` is absent: `off` or `adaptive`.
        display: what it shows when `display` is absent: `summarized`, `omitted`, or None
            where there is nothing to show.
        max_effort: per type, the highest effort with which it is taken; a type that is not
            named here goes with every effort of the model.
    """

    types: frozenset[str] = frozenset()
    default: Literal["off", "adaptive"] = "off"
    display: Literal["summarized", "omitted"] | None = None
    max_effort: Mapping[str, str] = _NOTHING

    @property
    def always_on(self) -> bool:
        """Whether the model thinks and no request can turn that off."""
        return bool(self.types) and not self.types & {"disabled", "between_tools"}

    def takes(self, kind: str, effort: str | None) -> bool:
        """Whether `thinking.type` may be `kind` together with `output_config.effort`.

        Args:
            kind: the value of `thinking.type`.
            effort: the effort that will apply; None where the model has none.
        """
        if kind not in self.types:
            return False
        limit = self.max_effort.get(kind)
        if limit is None or effort not in EFFORT_LEVELS:
            return True
        return EFFORT_LEVELS.index(effort) <= EFFORT_LEVELS.index(limit)


class ModelInfo(NamedTuple):
    """One model as the translation sees it. Sizes are in tokens, dates are ISO.

    Attributes:
        id: the full id; for a name outside the catalogue, that name.
        display_name: for people.
        line: `opus`, `sonnet`, `haiku`, `fable`, `mythos`; None where unknown.
        lifecycle: `active`, `deprecated` or `retired`; `unknown` for ids outside the catalogue.
        family: `claude`, or `foreign` for a model of another maker behind a custom base_url,
            whose parameters are passed as given.
        known: whether the catalogue lists it.
        aliases: other names of the same model.
        restricted: whether only verified organizations may call it.
        released, retires_at: dates, None where unknown. `retires_at` is a schedule or, for a
            retired model, the day it happened; `lifecycle` is the signal, never the date.
        retires_not_before: the day until which it will certainly be served.
        replacement: the successor of a retired or deprecated model.
        context_window, max_output_tokens: limits. For a foreign model a guess, never a reason
            to refuse.
        thinking: see `Thinking`.
        effort_levels: values of `output_config.effort` it takes, lowest first; may be empty.
        default_effort: what it uses when absent; None where it has no effort.
        sampling: what API version 2023-06-01 takes: `none` (temperature, top_p, top_k are
            refused), `one_of` (temperature *or* top_p), or `any`. Version 2026-10-21 takes
            none of them for any model.
        forced_tool_choice: whether `tool_choice` may be `any` or `tool`.
        mid_conversation_system: whether `role: system` may stand inside `messages`.
        prefill: whether the last message may be the assistant's.
        structured_outputs: whether `output_config.format` and strict tools are taken.
        fast_mode: None, `ga`, or the beta header that `speed: fast` needs.
        cache_minimum_tokens: the shortest prefix that is cached.
        prices: USD per million tokens by kind (`input`, `output`, `cache_read`,
            `cache_write_5m`, `cache_write_1h`; `fast_input` and `fast_output` with
            `speed: fast`; `batch_input` and `batch_output` in batches; `long_*` for prompts
            beyond `long_prompt_tokens`); empty where unknown.
        long_prompt_tokens: a longer prompt is charged at the `long_*` prices; None where
            there is one price.
        assumed: the names of facts that nobody has published, where the value is our safe
            assumption.
        sources: per fact, where it was read and when. Facts about thinking carry the prefix
            `thinking_`.
    """

    id: str
    display_name: str
    line: str | None = None
    lifecycle: Lifecycle = "active"
    family: Literal["claude", "foreign"] = "claude"
    known: bool = True
    aliases: tuple[str, ...] = ()
    released: str | None = None
    retires_at: str | None = None
    replacement: str | None = None
    context_window: int = 1_000_000
    max_output_tokens: int = 128_000
    thinking: Thinking = Thinking()
    effort_levels: tuple[str, ...] = ()
    default_effort: str | None = None
    sampling: Sampling = "none"
    forced_tool_choice: bool = False
    mid_conversation_system: bool = False
    prefill: bool = False
    structured_outputs: bool = True
    fast_mode: str | None = None
    cache_minimum_tokens: int = 512
    prices: Mapping[str, float] = _NOTHING
    sources: Mapping[str, str] = _NOTHING
    restricted: bool = False
    retires_not_before: str | None = None
    long_prompt_tokens: int | None = None
    assumed: frozenset[str] = frozenset()

    @override
    def __hash__(self) -> int:
        return hash(self.id)  # a mapping has no hash

    @property
    def binds_thinking(self) -> bool:
        """Whether its thinking blocks are bound to the conversation that stands before them."""
        return self.released is not None and self.released >= BINDING_SINCE

    def as_json(self) -> dict[str, Any]:
        """All facts as a fresh value that `json` can write; `thinking` is nested."""
        thinking = {name: _plain(value) for name, value in self.thinking._asdict().items()}
        facts = {name: _plain(value) for name, value in self._asdict().items()}
        return {**facts, "thinking": thinking}


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    return value
