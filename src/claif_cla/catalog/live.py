"""What `GET /v1/models` says about a model, laid over the catalogue's facts.

The API knows limits, lifecycle, kinds of thinking, effort levels and structured outputs. It
says nothing of sampling, forced tools, prefill, system messages in mid-conversation, fast mode
and prices, nor of which effort goes with which kind of thinking: those stay as they are.

Field names: `types/model_info.py` and `types/model_capabilities.py` of the anthropic SDK 2.12.0.
Answers from before autumn 2026 lack some fields (`lifecycle`, `thinking.types.disabled`); a
field that is absent, null where a value is due, or of another shape changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from claif_cla.catalog.records import EFFORT_LEVELS, THINKING_TYPES, ModelInfo, Thinking

__all__ = ["LIVE_SOURCE", "merge_live"]

LIVE_SOURCE = "GET /v1/models"

_EPOCH_YEAR = "1970"


def merge_live(
    info: ModelInfo, model_json: Mapping[str, Any], *, source: str = LIVE_SOURCE
) -> ModelInfo:
    """`info` as refined by one object of `GET /v1/models`; neither argument is changed.

    Args:
        info: the facts so far, usually `lookup(model_json["id"])`. The caller has matched the
            two; ids are not compared, because an alias and its dated id are one model.
        model_json: one element of the answer's `data`, or the answer of `GET /v1/models/{id}`.
        source: what to note as the source of each fact that the API confirmed or changed.
    """
    found = {**_plain_facts(info, model_json), **_capabilities(info, model_json)}
    if not found:
        return info
    # A default effort is derived from the levels, not told: it gets no source.
    names = {"thinking_types" if name == "thinking" else name for name in found}
    names.discard("default_effort")
    return info._replace(
        **found,
        sources=MappingProxyType({**info.sources, **dict.fromkeys(sorted(names), source)}),
        assumed=info.assumed - names,
    )


def _plain_facts(info: ModelInfo, model_json: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, key in (("context_window", "max_input_tokens"), ("max_output_tokens", "max_tokens")):
        size = model_json.get(key)
        if isinstance(size, int) and not isinstance(size, bool) and size > 0:
            found[name] = size
    for name in ("display_name", "line"):
        text = model_json.get(name)
        if isinstance(text, str) and text:
            found[name] = text
    if model_json.get("lifecycle") in ("active", "deprecated", "retired"):
        found["lifecycle"] = model_json["lifecycle"]
        # Null means that nothing is scheduled, but only where the lifecycle is told with it.
        found["retires_at"] = _day(model_json.get("retires_at"))
    created = _day(model_json.get("created_at"))
    # The API gives an epoch value where it does not know; a reviewed date is not replaced,
    # because `created_at` of a model may lie days before its release.
    if info.released is None and created is not None and not created.startswith(_EPOCH_YEAR):
        found["released"] = created
    return found


def _day(moment: object) -> str | None:
    """The date of an RFC 3339 moment."""
    return moment[:10] if isinstance(moment, str) and len(moment) >= 10 else None


def _capabilities(info: ModelInfo, model_json: Mapping[str, Any]) -> dict[str, Any]:
    capabilities = _mapping(model_json.get("capabilities"))
    found: dict[str, Any] = {}
    structured = _supported(capabilities, "structured_outputs")
    if structured is not None:
        found["structured_outputs"] = structured
    thinking = _mapping(capabilities.get("thinking"))
    if thinking:
        found["thinking"] = _thinking(info.thinking, thinking)
    effort = _mapping(capabilities.get("effort"))
    if effort:
        levels = _chosen(EFFORT_LEVELS, info.effort_levels, effort)
        found["effort_levels"] = levels
        if info.default_effort not in levels:
            found["default_effort"] = _default_effort(levels)
    return found


def _thinking(known: Thinking, told: Mapping[str, Any]) -> Thinking:
    if told.get("supported") is False:
        return Thinking()
    types = frozenset(
        _chosen(THINKING_TYPES, tuple(known.types), _mapping(told.get("types")), whole=False)
    )
    refined = known._replace(
        types=types,
        max_effort=MappingProxyType({k: v for k, v in known.max_effort.items() if k in types}),
    )
    if "adaptive" not in types:
        return refined._replace(default="off")
    return refined._replace(default="adaptive") if refined.always_on else refined


def _chosen(
    order: tuple[str, ...],
    known: tuple[str, ...],
    told: Mapping[str, Any],
    *,
    whole: bool = True,
) -> tuple[str, ...]:
    """Of `order`, what `told` supports, and what it is silent about if `known` has it.

    With `whole`, `told` carries a verdict on the group too: `supported: false` empties it.
    """
    if whole and told.get("supported") is False:
        return ()
    verdicts = {name: _supported(told, name) for name in order}
    return tuple(
        name for name in order if (name in known if verdicts[name] is None else verdicts[name])
    )


def _default_effort(levels: tuple[str, ...]) -> str | None:
    # `high` is the default of all models but two (Claude docs, effort).
    if "high" in levels:
        return "high"
    return levels[-1] if levels else None


def _supported(group: Mapping[str, Any], name: str) -> bool | None:
    verdict = _mapping(group.get(name)).get("supported")
    return verdict if isinstance(verdict, bool) else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
