"""Prompt caching: which breakpoints a request has, and when Claude's automatic one is asked for.

Claude caches only where it is told to; the top-level `cache_control` lets it place the
breakpoint itself, on the last block that can be cached, which moves along with a growing
conversation. It costs a little on the first call and saves most of the prefix on the next,
so it is asked for once there is a conversation, or when the caller shows that they want it.

Breakpoints in Anthropic's spelling, `cache_control`, are the caller's decision alone. Those in
OpenAI's, `prompt_cache_breakpoint`, follow OpenAI's rules: the automatic one stands beside them
unless `mode` is `explicit`, of too many the latest count, and a lifetime is the least that is
wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from claif_cla.errors import Refusal
from claif_cla.translate import checks
from claif_cla.translate.chat.content import ONE_HOUR_AT_MOST
from claif_cla.translate.chat.context import Context
from claif_cla.translate.rules import refuse_unknown

__all__ = [
    "breakpoints",
    "cache_key_patch",
    "cache_options_patch",
    "cache_retention_patch",
    "settle_caching",
]

MAX_BREAKPOINTS = 4
_ASKING = ("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention")
_FIVE_MINUTES = {"type": "ephemeral"}
_ONE_HOUR = {"type": "ephemeral", "ttl": "1h"}
_NOT_PLACED = "No breakpoint of this request takes its lifetime from it."
_INSIDE = (
    *("tools", "function", "custom", "functions", "system"),
    *("messages", "content", "content_blocks", "tool_calls"),
)
"""Where breakpoints may stand, in a request of either API."""
_MAX_DEPTH = 8
"""Breakpoints stand on tools, blocks, and blocks within tool results: never deeper than this."""


def cache_key_patch(value: Any, context: Context) -> dict[str, Any]:
    """Claude finds a cached prompt by its content; the key only shows that caching is wanted."""
    checks.string(value, "prompt_cache_key")
    return {}


def cache_retention_patch(value: Any, context: Context) -> dict[str, Any]:
    """`in_memory` is Claude's five minutes; `24h` is its hour, with a receipt."""
    # Older openai releases wrote `in-memory`.
    checks.one_of(value, "prompt_cache_retention", ("in_memory", "in-memory", "24h"))
    return {}


def cache_options_patch(value: Any, context: Context) -> dict[str, Any]:
    """`mode` decides about the automatic breakpoint; `ttl`, a least lifetime, is Claude's hour."""
    options = checks.mapping(value, "prompt_cache_options")
    for key, choices in (("mode", ("implicit", "explicit")), ("ttl", ("30m",))):
        if options.get(key) is not None:
            checks.one_of(options[key], f"prompt_cache_options.{key}", choices)
    refuse_unknown(options, ("mode", "ttl"), "prompt_cache_options", context.receipts)
    return {}


def settle_caching(body: dict[str, Any], context: Context) -> None:
    """Settle the breakpoints of `body` in place, by the settings and the request.

    Raises:
        Refusal: for more breakpoints of Anthropic's spelling than the API takes; which of them
            to give up is the caller's decision.
    """
    placed = False
    if context.model.family != "foreign":
        if any(_marked({**context.request, "messages": context.rich_messages})):
            _check_count(body)
        else:
            placed = _place(body, context)
    request, receipts = context.request, context.receipts
    if request.get("prompt_cache_retention") == "24h":
        if placed:
            receipts.adapt("prompt_cache_retention", ONE_HOUR_AT_MOST)
        else:
            receipts.drop("prompt_cache_retention", _NOT_PLACED)
    if _options(request).get("ttl") is not None and not placed:
        receipts.drop("prompt_cache_options.ttl", _NOT_PLACED)


def _check_count(body: Mapping[str, Any]) -> None:
    count = sum(1 for _ in _marked(body))
    if count > MAX_BREAKPOINTS:
        message = (
            f"The request sets {count} cache breakpoints; Claude takes {MAX_BREAKPOINTS}."
            " Take `cache_control` away from the others."
        )
        raise Refusal(message, param="cache_control", code="invalid_value")


def _place(body: dict[str, Any], context: Context) -> bool:
    """Place ours and OpenAI's; whether what was asked about them holds."""
    request, options = context.request, _options(context.request)
    marks = [holder for _, holder in _marked({**body, "messages": context.rich_turns})]
    explicit = options.get("mode") == "explicit"
    automatic = not explicit and _wants_automatic(body, context, asked=bool(marks))
    surplus = max(0, len(marks) + automatic - MAX_BREAKPOINTS)
    if surplus:
        detail = f"Claude takes {MAX_BREAKPOINTS} breakpoints; the latest of them stay."
        context.receipts.drop("messages[].content[].prompt_cache_breakpoint", detail)
    for holder in marks[:surplus]:
        del holder["cache_control"]
    long = request.get("prompt_cache_retention") == "24h" or options.get("ttl") is not None
    if automatic:
        body["cache_control"] = {**(_ONE_HOUR if long else _FIVE_MINUTES)}
    for holder in reversed(marks[surplus:]):
        # The API wants no hour after five minutes, and a longer life does no harm.
        long = long or "ttl" in holder["cache_control"]
        holder["cache_control"] = {**(_ONE_HOUR if long else _FIVE_MINUTES)}
    return explicit or automatic or bool(marks)


def _wants_automatic(body: Mapping[str, Any], context: Context, *, asked: bool) -> bool:
    mode = context.settings.prompt_caching
    if mode != "auto":
        return mode == "always"
    asked = asked or any(context.request.get(name) is not None for name in _ASKING)
    return asked or any(turn["role"] == "assistant" for turn in body["messages"])


def _options(request: Mapping[str, Any]) -> Mapping[str, Any]:
    return request.get("prompt_cache_options") or {}


def breakpoints(body: Mapping[str, Any], context: Context) -> tuple[dict[str, str], ...]:
    """The breakpoints of a Messages request, for the receipt: where, and for how long.

    The automatic one, which comes last in the prompt, is at `automatic`.
    """
    # Most are not in the messages; only for those that are it matters which message it is.
    within = any(_marked(context.rich_turns))
    found = [
        {"at": path or "automatic", "ttl": holder["cache_control"].get("ttl") or "5m"}
        for path, holder in _marked(body if within else {**body, "messages": ()})
        if isinstance(holder["cache_control"], Mapping)
    ]
    return tuple(sorted(found, key=lambda one: one["at"] == "automatic"))


def _marked(value: Any, path: str = "", depth: int = _MAX_DEPTH) -> Iterator[tuple[str, Any]]:
    """The objects that carry a breakpoint in Anthropic's spelling, with their paths."""
    if depth == 0:
        return
    inner: Iterable[tuple[str, Any]] = ()
    if isinstance(value, Mapping):
        if value.get("cache_control") is not None:
            yield path, value
        at = f"{path}." if path else ""
        inner = ((f"{at}{key}", value[key]) for key in _INSIDE if key in value)
    elif isinstance(value, (list, tuple)):
        inner = ((f"{path}[{index}]", item) for index, item in enumerate(value))
    for where, item in inner:
        yield from _marked(item, where, depth - 1)
