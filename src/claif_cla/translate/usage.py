"""Anthropic's token counts as OpenAI's `usage`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

__all__ = ["add_usage", "merge_usage", "prompt_cache", "service_tier", "usage_to_openai"]

_SERVICE_TIERS = {"standard": "default", "priority": "priority", "batch": "flex"}
_EXTENSIONS = ("cache_creation", "server_tool_use", "inference_geo", "speed", "iterations")


def merge_usage(first: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """`message_start`'s usage overlaid with `message_delta`'s.

    The counts of `message_delta` are cumulative, so they replace; a field that it leaves out or
    sends as null keeps its value from `message_start`.
    """
    return {**first, **{key: value for key, value in later.items() if value is not None}}


def add_usage(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The usage of two calls that make one answer.

    Counts are added at any depth and lists (of `iterations`) joined; of anything else the later
    one stands.
    """
    total = dict(one)
    for key, value in other.items():
        mine = total.get(key)
        if isinstance(value, Mapping) and isinstance(mine, Mapping):
            total[key] = add_usage(mine, value)
        elif _is_count(value) and _is_count(mine):
            total[key] = mine + value
        elif isinstance(value, list) and isinstance(mine, list):
            total[key] = [*mine, *value]
        elif value is not None:
            total[key] = value
    return total


def usage_to_openai(usage: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAI's `usage` with all its details, and Anthropic's own counts beside them.

    Anthropic's `input_tokens` leaves cached tokens out, OpenAI's `prompt_tokens` counts them in;
    `output_tokens` counts thinking in, as `completion_tokens` does. Reasoning tokens are never
    guessed: without a count the field is absent.
    """
    read = _count(usage, "cache_read_input_tokens")
    written = _count(usage, "cache_creation_input_tokens")
    prompt = _count(usage, "input_tokens") + read + written
    completion = _count(usage, "output_tokens")
    details = {"accepted_prediction_tokens": 0, "audio_tokens": 0, "rejected_prediction_tokens": 0}
    output_details = usage.get("output_tokens_details")
    if isinstance(output_details, (dict, Mapping)):
        thinking = output_details.get("thinking_tokens")
        details |= {"reasoning_tokens": thinking} if _is_count(thinking) else {}
    result: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {
            "audio_tokens": 0,
            "cached_tokens": read,
            "cache_write_tokens": written,
        },
        "completion_tokens_details": details,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
    }
    result.update({key: usage[key] for key in _EXTENSIONS if usage.get(key) is not None})
    return result


def prompt_cache(
    breakpoints: Sequence[Mapping[str, str]], usage: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The receipt of what was cached; None where nothing was to be cached.

    Args:
        breakpoints: of the request: where, and for how long.
        usage: Anthropic's, whole or as it stands in `message_start`.
    """
    if not breakpoints:
        return None
    return {
        "breakpoints": [dict(one) for one in breakpoints],
        "read_tokens": _count(usage, "cache_read_input_tokens"),
        "written_tokens": _count(usage, "cache_creation_input_tokens"),
    }


def service_tier(usage: Mapping[str, Any]) -> str | None:
    """OpenAI's `service_tier` of the answer; None where Anthropic does not say.

    OpenAI calls a fast answer `priority`, by whichever of its two names it was asked for.
    """
    if usage.get("speed") == "fast":
        return "priority"
    tier = usage.get("service_tier")
    return _SERVICE_TIERS.get(tier) if isinstance(tier, str) else None


def _count(usage: Mapping[str, Any], key: str) -> int:
    value = usage.get(key)
    return value if type(value) is int else 0


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
