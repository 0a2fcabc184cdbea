"""All rules in the order in which a request meets them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from claif_cla.backends.simulator.conversation import Turn, turns_of
from claif_cla.backends.simulator.rules.caching import check_cache_control
from claif_cla.backends.simulator.rules.fields import check_fields
from claif_cla.backends.simulator.rules.media import check_media
from claif_cla.backends.simulator.rules.model_rules import (
    callable_model,
    check_max_tokens,
    check_sampling,
    check_speed,
)
from claif_cla.backends.simulator.rules.pairing import check_container, check_pairs
from claif_cla.backends.simulator.rules.thinking import (
    check_thinking_config,
    check_tool_loop,
    readable_turns,
)
from claif_cla.backends.simulator.rules.tools import (
    check_output_format,
    check_tool_choice,
    check_tools,
)
from claif_cla.backends.simulator.rules.turns import check_prefill, check_roles, check_texts
from claif_cla.backends.simulator.signatures import Signer
from claif_cla.catalog.model_info import ModelInfo

__all__ = ["ValidRequest", "check_request"]


@dataclass(frozen=True, slots=True)
class ValidRequest:
    """A request that broke no rule.

    Attributes:
        payload: the parsed body.
        turns: its messages as turns, without thinking that was dropped.
        model: the model that answers.
        betas: the values of `anthropic-beta`.
        transformations: entries of `input_transformations`.
    """

    payload: Mapping[str, Any]
    turns: tuple[Turn, ...]
    model: ModelInfo
    betas: frozenset[str] = frozenset()
    transformations: tuple[Mapping[str, Any], ...] = ()


def check_request(  # noqa: PLR0913
    payload: Any,
    *,
    version: str,
    betas: frozenset[str],
    counting: bool,
    lookup: Callable[[str], ModelInfo],
    signer: Signer,
) -> ValidRequest:
    """Check a parsed body of `/v1/messages` or `/v1/messages/count_tokens`.

    Raises:
        Rejection: with the first rule that the request breaks.
    """
    check_fields(payload, version=version, betas=betas, counting=counting)
    model = callable_model(payload["model"], lookup)
    turns = turns_of(payload["messages"])
    if not counting:
        check_max_tokens(payload, model)
        check_sampling(payload, model)
    check_speed(payload, model, betas)
    check_thinking_config(payload, model, counting=counting)
    check_tools(payload.get("tools") or ())
    check_tool_choice(payload, model)
    structured = check_output_format(payload, model)
    check_roles(payload["messages"], turns, model, version)
    # An empty text block with a breakpoint is told as such, so caching comes before texts.
    check_cache_control(payload, turns)
    check_texts(payload, turns)
    check_pairs(turns)
    if not counting:
        check_container(payload, turns)
    check_media(turns, model, structured=structured)
    check_prefill(turns, model, structured=structured)
    check_tool_loop(payload, turns)
    turns, dropped = readable_turns(payload, turns, model, signer)
    return ValidRequest(payload, turns, model, betas, tuple(dropped))
