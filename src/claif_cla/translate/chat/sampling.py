"""`temperature`, `top_p` and `top_k`: what the model takes of them, and the API version for it.

Facts: under `anthropic-version: 2026-10-21` these fields do not exist and are a 400 even at
their defaults; under `2023-06-01` the models up to 4.6 take temperature 0–1 *or* top_p (the
older ones both), nothing but `top_p` 0.95–1 while they think, and the newer models nothing.
"""

from __future__ import annotations

from typing import Any

from claif_cla.translate import checks
from claif_cla.translate.chat.context import Context

__all__ = [
    "CURRENT_VERSION",
    "SAMPLING_VERSION",
    "settle_sampling",
    "temperature_patch",
    "top_k_patch",
    "top_p_patch",
]

CURRENT_VERSION = "2026-10-21"
SAMPLING_VERSION = "2023-06-01"

_KEYS = ("temperature", "top_p", "top_k")
_NEUTRAL = {"temperature": 1, "top_p": 1}
_LEAST_TOP_P_WITH_THINKING = 0.95


def temperature_patch(value: Any, context: Context) -> dict[str, Any]:
    """OpenAI's range is 0 to 2; what of it the model takes is settled later."""
    return {"temperature": checks.number(value, "temperature", 0, 2)}


def top_p_patch(value: Any, context: Context) -> dict[str, Any]:
    """0 to 1 in both APIs."""
    return {"top_p": checks.number(value, "top_p", 0, 1)}


def top_k_patch(value: Any, context: Context) -> dict[str, Any]:
    """Anthropic's own, through `extra_body`."""
    return {"top_k": checks.integer(value, "top_k", 0)}


def settle_sampling(body: dict[str, Any], context: Context) -> str:
    """Leave in `body` what the model takes; return the `anthropic-version` for the rest."""
    if context.model.family == "foreign":
        # Other makers' models behind the Messages API: as given, on the version they know.
        return SAMPLING_VERSION
    if context.model.sampling == "none":
        detail = f"`{context.model.id}` takes no sampling parameters."
        for key in _KEYS:
            _drop(body, key, detail, context)
    else:
        _settle_by_value(body, context)
    return SAMPLING_VERSION if any(key in body for key in _KEYS) else CURRENT_VERSION


def _settle_by_value(body: dict[str, Any], context: Context) -> None:
    if body.get("temperature", 0) > 1:
        context.receipts.adapt("temperature", "Claude's range ends at 1; sent as 1.")
        body["temperature"] = 1.0
    if body.get("thinking", {}).get("type") in ("enabled", "adaptive"):
        detail = "Claude samples freely while it thinks."
        _drop(body, "temperature", detail, context)
        _drop(body, "top_k", detail, context)
        if body.get("top_p", 1) < _LEAST_TOP_P_WITH_THINKING:
            _drop(body, "top_p", detail, context)
    if context.model.sampling == "one_of" and "temperature" in body and "top_p" in body:
        if body["temperature"] == 1 and body["top_p"] != 1:
            del body["temperature"]  # the default: leaving it out changes nothing
        else:
            detail = f"`{context.model.id}` takes `temperature` or `top_p`; `temperature` wins."
            _drop(body, "top_p", detail, context)
    for key, neutral in _NEUTRAL.items():
        if key in body and body[key] == neutral:
            del body[key]


def _drop(body: dict[str, Any], key: str, detail: str, context: Context) -> None:
    if key in body and body.pop(key) != _NEUTRAL.get(key):
        context.receipts.drop(key, detail)
