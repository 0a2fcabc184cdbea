"""Prompt caching: when Claude's automatic breakpoint is asked for.

Claude caches only where it is told to; the top-level `cache_control` lets it place the
breakpoint itself, on the last block that can be cached, which moves along with a growing
conversation. It costs a little on the first call and saves most of the prefix on the next,
so it is asked for once there is a conversation, or when the caller shows that they want it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from claif_cla.errors import Refusal
from claif_cla.translate import checks
from claif_cla.translate.chat.context import Context

__all__ = ["cache_retention_patch", "prompt_cache_options_patch", "settle_caching"]

_ASKING = ("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention")
MAX_BREAKPOINTS = 4
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

    Never beside a breakpoint of the caller's own: where they stand is the caller's decision.

    Raises:
        Refusal: for more breakpoints than the API takes; which of them to give up is the
            caller's decision too.
    """
    if context.model.family == "foreign":
        return
    marked = sum(1 for _ in _marked(body, _MAX_DEPTH))
    if marked > MAX_BREAKPOINTS:
        message = f"The request sets {marked} cache breakpoints; Claude takes {MAX_BREAKPOINTS}."
        raise Refusal(message, param="cache_control", code="invalid_value")
    request, mode = context.request, context.settings.prompt_caching
    if mode == "off" or marked:
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


def _marked(value: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    """The objects that carry a breakpoint."""
    if depth == 0:
        return
    inner: Iterable[Any] = ()
    if isinstance(value, Mapping):
        if value.get("cache_control") is not None:
            yield value
        inner = (value[key] for key in ("tools", "system", "messages", "content") if key in value)
    elif isinstance(value, (list, tuple)):
        inner = value
    for item in inner:
        yield from _marked(item, depth - 1)
