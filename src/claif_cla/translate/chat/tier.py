"""`service_tier` and `speed`: OpenAI's tiers are asked for per request, Claude's are bought.

What remains of them is whether a request may use the capacity that was bought in advance; and
OpenAI's `priority` and `fast`, two names for faster answers at a higher price, are Claude's fast
mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claif_cla.translate import checks
from claif_cla.translate.chat.context import Context

__all__ = ["service_tier_patch", "settle_speed"]

_PATCHES: Mapping[str, Mapping[str, Any]] = {
    "auto": {},
    "default": {"service_tier": "standard_only"},
    "standard_only": {"service_tier": "standard_only"},
    "priority": {"speed": "fast"},
    "fast": {"speed": "fast"},
}
_TIERS = (*_PATCHES, "flex", "scale")


def service_tier_patch(value: Any, context: Context) -> dict[str, Any]:
    """`default`, and Anthropic's own `standard_only`, keep to the standard tier."""
    tier = checks.one_of(value, "service_tier", _TIERS)
    if tier not in _PATCHES:
        context.receipts.drop("service_tier", f"Claude has no tier `{tier}`.")
        return {}
    patch = _PATCHES[tier]
    # Anthropic's own `speed`, where the caller states it, wins.
    if "speed" in patch and context.request.get("speed") is None and not context.model.fast_mode:
        context.receipts.drop("service_tier", _slow(context))
        return {}
    return {**patch}


def settle_speed(body: dict[str, Any], context: Context) -> list[str]:
    """Leave in `body` what the model takes of `speed`; the beta that it needs, if any."""
    given, mode = context.request.get("speed"), context.model.fast_mode
    if given is not None:
        body["speed"] = checks.one_of(given, "speed", ("standard", "fast"))
    if "speed" not in body or context.model.family == "foreign":
        return []
    if body["speed"] == "standard":
        # The default, and without the beta some models take no `speed` at all.
        del body["speed"]
    elif mode is None:
        context.receipts.drop("speed", _slow(context))
        del body["speed"]
    return [mode] if "speed" in body and mode and mode != "ga" else []


def _slow(context: Context) -> str:
    return f"`{context.model.id}` has no fast mode."
