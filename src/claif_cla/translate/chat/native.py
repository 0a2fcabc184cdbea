"""Anthropic's own request fields, as a caller sends them through `extra_body`.

They arrive in the same JSON object as OpenAI's, so they are told by name. They win over what is
derived from OpenAI's parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from claif_cla.translate import checks
from claif_cla.translate.chat.context import Context
from claif_cla.translate.chat.sampling import top_k_patch

__all__ = ["NATIVE", "requested_betas", "settle_native", "settle_unknown"]

_VERBATIM = (
    "billing_policy cache_control compaction container context_management diagnostics"
    " fallback_credit_token fallbacks inference_geo mcp_servers stop_sequences thinking thread"
).split()
"""Fields that go into the body as they are; `thinking` is settled by the model later."""

NATIVE = frozenset((*_VERBATIM, "betas", "output_config", "speed", "system", "top_k"))
"""Fields of the Messages API, GA and beta, that OpenAI has no parameter of the same name for.
`betas` is the anthropic SDK's spelling of the `anthropic-beta` header."""


def requested_betas(request: Mapping[str, Any]) -> list[str]:
    """The `betas` field, for the header that they travel in."""
    betas = request.get("betas")
    if betas is None:
        return []
    items = [betas] if isinstance(betas, str) else checks.sequence(betas, "betas")
    return [checks.string(item, f"betas[{index}]") for index, item in enumerate(items)]


def settle_native(body: dict[str, Any], context: Context) -> list[str]:
    """Write the native fields into `body`, in place; the betas that they need."""
    given = {
        name: context.request[name] for name in NATIVE if context.request.get(name) is not None
    }
    body |= {name: given[name] for name in _VERBATIM if name in given}
    if "output_config" in given:
        # One level deep: a `format` of the caller's replaces ours and is not mixed with it.
        config = checks.mapping(given["output_config"], "output_config")
        body["output_config"] = {**body.get("output_config", {}), **config}
    if "top_k" in given:
        body |= top_k_patch(given["top_k"], context)
    if "system" in given:
        # After the system messages: both are the caller's, neither is lost.
        system = [*body.get("system", ()), *_system(given["system"])]
        body |= {"system": system} if system else {}
    return _settle_speed(body, given["speed"], context) if "speed" in given else []


def _system(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [{"type": "text", "text": value}] if value.strip() else []
    blocks = checks.sequence(value, "system")
    return [checks.mapping(block, f"system[{index}]") for index, block in enumerate(blocks)]


def _settle_speed(body: dict[str, Any], value: Any, context: Context) -> list[str]:
    """`speed`, where the model has a fast mode; the beta that it needs, if any."""
    speed, mode = checks.one_of(value, "speed", ("standard", "fast")), context.model.fast_mode
    if speed == "fast" and mode is None and context.model.family == "claude":
        context.receipts.drop("speed", f"{context.model.id} has no fast mode.")
        return []
    body["speed"] = speed
    return [mode] if speed == "fast" and mode and mode != "ga" else []


def settle_unknown(
    body: dict[str, Any], names: Iterable[str], context: Context, *, pass_on: bool
) -> None:
    """What neither OpenAI nor we know, from the request into `body`, in place.

    With a beta, or for another maker's model, the server judges: the field goes on as it is.
    Else it is refused like OpenAI does, since a mistyped parameter must not be lost.
    """
    for name in sorted(names):
        value = context.request[name]
        if value is None:
            continue
        if pass_on:
            body[name] = value
        else:
            detail = "neither OpenAI nor Anthropic has a parameter of this name."
            context.receipts.refuse(name, detail, code="unknown_parameter")
