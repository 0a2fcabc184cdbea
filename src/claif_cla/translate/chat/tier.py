"""`service_tier`: OpenAI's tiers are asked for per request, Claude's are bought.

What remains is one choice, whether a request may use the capacity that was bought in advance.
"""

from __future__ import annotations

from typing import Any

from claif_cla.translate import checks
from claif_cla.translate.chat.context import Context

__all__ = ["service_tier_patch"]

_SAME = {"auto": None, "default": "standard_only", "standard_only": "standard_only"}
_TIERS = (*_SAME, "flex", "scale", "priority", "fast")


def service_tier_patch(value: Any, context: Context) -> dict[str, Any]:
    """`default`, and Anthropic's own `standard_only`, keep to the standard tier."""
    tier = checks.one_of(value, "service_tier", _TIERS)
    if tier not in _SAME:
        detail = f"Claude has no tier `{tier}`."
        if tier in ("priority", "fast"):
            detail += " Some models have a fast mode, at a higher price: `speed` in `extra_body`."
        context.receipts.drop("service_tier", detail)
        return {}
    ours = _SAME[tier]
    return {"service_tier": ours} if ours else {}
