"""Anthropic's own request fields, as a caller sends them through `extra_body`.

They arrive in the same JSON object as OpenAI's, so they are told by name. They win over what is
derived from OpenAI's parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claif_cla.translate import checks
from claif_cla.translate.chat.context import Context

__all__ = [
    "NATIVE",
    "native_fields",
    "requested_betas",
    "settle_speed",
    "settle_system",
    "settle_unknown",
]

NATIVE = frozenset(
    "cache_control container context_management compaction diagnostics fallbacks"
    " fallback_credit_token inference_geo mcp_servers output_config speed stop_sequences system"
    " thinking thread top_k billing_policy".split()
)
"""Fields of the Messages API, GA and beta, that OpenAI has no parameter of the same name for.
`betas` is the anthropic SDK's spelling of the `anthropic-beta` header."""


def native_fields(request: Mapping[str, Any]) -> dict[str, Any]:
    """Those fields of the request that go into the body as they are."""
    special = ("system", "top_k", "speed")
    given = {key: request[key] for key in sorted(NATIVE) if request.get(key) is not None}
    return {key: value for key, value in given.items() if key not in special}


def requested_betas(request: Mapping[str, Any]) -> list[str]:
    """The `betas` field, for the header that they travel in."""
    betas = request.get("betas")
    if betas is None:
        return []
    items = [betas] if isinstance(betas, str) else checks.sequence(betas, "betas")
    return [checks.string(item, f"betas[{index}]") for index, item in enumerate(items)]


def settle_system(body: dict[str, Any], context: Context) -> None:
    """A native `system` after the system messages: both are the caller's, neither is lost."""
    system = context.request.get("system")
    if isinstance(system, str):
        system = [{"type": "text", "text": system}] if system.strip() else []
    if system:
        body["system"] = [*body.get("system", ()), *checks.sequence(system, "system")]


def settle_unknown(
    body: dict[str, Any], names: set[str], context: Context, *, pass_on: bool
) -> None:
    """What neither OpenAI nor we know.

    With a beta, or for another maker's model, the server judges: the field goes on as it is.
    Else it is refused like OpenAI does, since a mistyped parameter must not be lost.
    """
    for name in sorted(names):
        value = context.request[name]
        if pass_on:
            body.setdefault(name, value)
        elif value is not None:
            detail = "neither OpenAI nor Anthropic has a parameter of this name."
            context.receipts.refuse(name, detail, code="unknown_parameter")


def settle_speed(body: dict[str, Any], context: Context) -> list[str]:
    """`speed`, where the model has a fast mode; the beta that it needs, if any."""
    speed = context.request.get("speed")
    if speed is None:
        return []
    if checks.one_of(speed, "speed", ("standard", "fast")) == "fast":
        if context.model.fast_mode is None and context.model.family == "claude":
            context.receipts.drop("speed", f"{context.model.id} has no fast mode.")
            return []
        body["speed"] = speed
        return [] if context.model.fast_mode in (None, "ga") else [context.model.fast_mode]
    body["speed"] = speed
    return []
