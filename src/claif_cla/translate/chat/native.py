"""Anthropic's own request fields, as a caller sends them through `extra_body`.

They arrive in the same JSON object as OpenAI's, so they are told by name. They win over what is
derived from OpenAI's parameters.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from claif_cla.translate import checks
from claif_cla.translate.chat.context import Context
from claif_cla.translate.chat.sampling import top_k_patch
from claif_cla.translate.chat.tier import settle_speed
from claif_cla.translate.rules import refuse_unknown

__all__ = ["NATIVE", "requested_betas", "settle_native", "settle_unknown"]

_VERBATIM = (
    "billing_policy cache_control compaction container context_management diagnostics"
    " fallback_credit_token fallbacks inference_geo mcp_servers stop_sequences thinking thread"
).split()
"""Fields that go into the body as they are; `thinking` is settled by the model later."""

NATIVE = frozenset((*_VERBATIM, "betas", "output_config", "speed", "system", "top_k"))
"""Fields of the Messages API, GA and beta, that OpenAI has no parameter of the same name for.
`betas` is the anthropic SDK's spelling of the `anthropic-beta` header."""

BINDING_BETA = "thinking-binding-controls-2026-08-01"
"""anthropic SDK, types/anthropic_beta_param.py."""


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
    return [*settle_speed(body, context), *_binding_betas(body.get("thinking"))]


def _binding_betas(thinking: Any) -> tuple[str, ...]:
    """The beta of `thinking.block_binding`, which the API does not know without it."""
    bound = isinstance(thinking, Mapping) and thinking.get("block_binding") is not None
    return (BINDING_BETA,) if bound else ()


def _system(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [{"type": "text", "text": value}] if value.strip() else []
    blocks = checks.sequence(value, "system")
    return [checks.mapping(block, f"system[{index}]") for index, block in enumerate(blocks)]


def settle_unknown(
    body: dict[str, Any], known: Collection[str], context: Context, *, pass_on: bool
) -> None:
    """What neither OpenAI nor we know, from the request into `body`, in place.

    With a beta, or for another maker's model, the server judges: the field goes on as it is.
    Else it is refused like OpenAI does.
    """
    if not pass_on:
        refuse_unknown(context.request, known, "", context.receipts)
        return
    unknown = {name: context.request[name] for name in sorted(context.request.keys() - known)}
    body |= {name: value for name, value in unknown.items() if value is not None}
