"""Rules that depend on the model: whether it answers, its limits, sampling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from claif_cla.backends.simulator.rejection import Rejection
from claif_cla.backends.simulator.rules.shapes import fail
from claif_cla.catalog.model_info import ModelInfo

__all__ = ["callable_model", "check_max_tokens", "check_sampling", "check_speed"]


def callable_model(name: str, lookup: Callable[[str], ModelInfo]) -> ModelInfo:
    """The model of that name; 404 for what is unknown, foreign or retired."""
    model = lookup(name)
    named = name == model.id or name in model.aliases
    if not (model.known and named and model.family == "claude") or model.lifecycle == "retired":
        raise Rejection(f"model: {name}", status=404)
    return model


def check_max_tokens(payload: Mapping[str, Any], model: ModelInfo) -> None:
    """The model's maximum; and 0, which only fills the cache, goes with nothing else."""
    asked = payload["max_tokens"]
    if asked > model.max_output_tokens:
        fail(
            "max_tokens",
            f"{asked} > {model.max_output_tokens}, which is the maximum allowed number of "
            f"output tokens for {model.id}",
        )
    choice = (payload.get("tool_choice") or {}).get("type")
    if asked == 0 and (
        payload.get("stream")
        or (payload.get("output_config") or {}).get("format")
        or (payload.get("thinking") or {}).get("type") == "enabled"
        or choice in ("any", "tool")
    ):
        fail(
            "max_tokens",
            "0 cannot be combined with streaming, enabled thinking, structured output or a "
            "forced tool choice",
        )


def check_sampling(payload: Mapping[str, Any], model: ModelInfo) -> None:
    """Sampling fields under API version 2023-06-01; the newer one has none of them."""
    temperature, top_p, top_k = (payload.get(n) for n in ("temperature", "top_p", "top_k"))
    if model.sampling != "any" and temperature is not None and top_p is not None:
        raise Rejection(
            "`temperature` and `top_p` cannot both be specified for this model. "
            "Please use only one."
        )
    if model.sampling == "none":
        for name, value in (("temperature", temperature), ("top_p", top_p), ("top_k", top_k)):
            neutral = value == 1 and name != "top_k"
            if value is not None and not neutral:
                raise Rejection(f"`{name}` is deprecated for this model.")
    thinking = (payload.get("thinking") or {}).get("type")
    if thinking not in ("enabled", "adaptive"):
        return
    if temperature not in (None, 1):
        raise Rejection("`temperature` may only be set to 1 when thinking is enabled.")
    if top_k is not None:
        raise Rejection("`top_k` must be unset when thinking is enabled.")
    if top_p is not None and top_p < 0.95:
        raise Rejection(
            "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled."
        )


def check_speed(payload: Mapping[str, Any], model: ModelInfo, betas: frozenset[str]) -> None:
    """`speed: fast` needs a model that has it and, for some, a beta header."""
    if payload.get("speed") is None:
        return
    if model.fast_mode is None:
        fail("speed", "fast mode is not supported on this model")
    if model.fast_mode not in ("ga", *betas):
        fail("speed", "Extra inputs are not permitted")
