"""Prompt caching: when Claude's automatic breakpoint is asked for.

Claude caches only where it is told to; the top-level `cache_control` lets it place the
breakpoint itself, on the last block that can be cached, which moves along with a growing
conversation. It costs a little on the first call and saves most of the prefix on the next,
so it is asked for once there is a conversation, or when the caller shows that they want it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from claif_cla.translate import checks
from claif_cla.translate.chat.context import Context

__all__ = ["cache_retention_patch", "prompt_cache_options_patch", "settle_caching"]

_ASKING = ("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention")
_MAX_DEPTH = 8
"""Markers stand on tools, blocks, and blocks within tool results: never deeper than this."""


def cache_retention_patch(value: Any, context: Context) -> dict[str, Any]:
    """`in_memory` is Claude's five minutes; `24h` is its hour, with a receipt."""
    # Older openai releases wrote `in-memory`.
    kinds = ("in_memory", "in-memory", "24h")
    if checks.one_of(value, "prompt_cache_retention", kinds) == "24h":
        detail = "Claude keeps a prompt for one hour at most; sent as `ttl: 1h`."
        context.receipts.adapt("prompt_cache_retention", detail)
    return {}


def prompt_cache_options_patch(value: Any, context: Context) -> dict[str, Any]:
    """`mode` decides about the automatic breakpoint; `ttl` is Claude's hour, with a receipt."""
    options = checks.mapping(value, "prompt_cache_options")
    if options.get("mode") is not None:
        checks.one_of(options["mode"], "prompt_cache_options.mode", ("implicit", "explicit"))
    if options.get("ttl") is not None:
        checks.one_of(options["ttl"], "prompt_cache_options.ttl", ("30m",))
        detail = "Claude keeps a prompt for five minutes or one hour; sent as `ttl: 1h`."
        context.receipts.adapt("prompt_cache_options.ttl", detail)
    return {}


def settle_caching(body: dict[str, Any], context: Context) -> None:
    """Add the automatic breakpoint to `body` where the settings and the request ask for it.

    Never beside a breakpoint of the caller's own: four are the most that the API takes, and
    where they stand is the caller's decision.
    """
    request, mode = context.request, context.settings.prompt_caching
    if mode == "off" or context.model.family == "foreign" or _is_marked(body, _MAX_DEPTH):
        return
    options = request.get("prompt_cache_options")
    if isinstance(options, Mapping) and options.get("mode") == "explicit":
        return
    asked = any(request.get(name) is not None for name in _ASKING)
    talked = any(turn["role"] == "assistant" for turn in body["messages"])
    if mode == "always" or asked or talked:
        long = request.get("prompt_cache_retention") == "24h"
        long = long or (isinstance(options, Mapping) and options.get("ttl") is not None)
        body["cache_control"] = {"type": "ephemeral"} | ({"ttl": "1h"} if long else {})


def _is_marked(value: Any, depth: int) -> bool:
    if depth == 0:
        return False
    if isinstance(value, Mapping):
        if value.get("cache_control") is not None:
            return True
        inner: Iterable[Any] = (
            value[key] for key in ("tools", "system", "messages", "content") if key in value
        )
    elif isinstance(value, (list, tuple)):
        inner = value
    else:
        return False
    return any(_is_marked(item, depth - 1) for item in inner)
