"""The shape of a Messages request, field by field.

Source: the parameter types of the anthropic SDK 2.12 (`types/message_create_params.py` and
what it refers to), and recorded 400 answers for the wording.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claif_cla.backends.simulator.rules.blocks import CACHE_CONTROL, MESSAGE, TEXT
from claif_cla.backends.simulator.rules.shapes import (
    Betas,
    Check,
    anything,
    array,
    boolean,
    fail,
    integer,
    literal,
    mapping,
    nullable,
    number,
    record,
    string,
    tagged,
    text_or,
)
from claif_cla.backends.simulator.rules.tool_fields import TOOL_CHOICE, check_tool

__all__ = ["SAMPLING_VERSION", "VERSIONS", "check_fields"]

SAMPLING_VERSION = "2023-06-01"
VERSIONS = (SAMPLING_VERSION, "2026-10-21")
"""Values of `anthropic-version` that are taken; only the first knows the sampling fields."""

_DISPLAY = nullable(literal("summarized", "omitted", beta_allowed=("updates",)))
_THINKING = tagged(
    {
        "adaptive": record({"type": anything, "display": _DISPLAY}, beta_fields=("block_binding",)),
        "between_tools": record({"type": anything}),
        "disabled": record({"type": anything}),
        "enabled": record(
            {"type": anything, "budget_tokens": integer(minimum=1024), "display": _DISPLAY},
            required=("budget_tokens",),
            beta_fields=("block_binding",),
        ),
    }
)
_OUTPUT_CONFIG = record(
    {
        "effort": nullable(literal("low", "medium", "high", "xhigh", "max")),
        "format": nullable(
            record({"type": literal("json_schema"), "schema": mapping}, required=("type", "schema"))
        ),
    },
    beta_fields=("task_budget",),
)
_COUNTED: Mapping[str, Check] = {
    "messages": array(MESSAGE),
    "model": string(minimum=1),
    "cache_control": nullable(CACHE_CONTROL),
    "output_config": _OUTPUT_CONFIG,
    "speed": nullable(literal("standard", "fast")),
    "system": text_or(array(TEXT)),
    "thinking": _THINKING,
    "tool_choice": TOOL_CHOICE,
    "tools": array(check_tool),
}
_CREATED: Mapping[str, Check] = {
    "max_tokens": integer(minimum=0),
    **_COUNTED,
    "container": nullable(anything),
    "diagnostics": nullable(record({"previous_message_id": nullable(string())})),
    "inference_geo": nullable(string()),
    "metadata": record({"user_id": nullable(string())}),
    "service_tier": literal("auto", "standard_only"),
    "stop_sequences": array(string()),
    "stream": boolean,
}
_SAMPLING: Mapping[str, Check] = {
    "temperature": nullable(number(0, 1)),
    "top_p": nullable(number(0, 1)),
    "top_k": nullable(integer(minimum=0)),
}
_BETA_FIELDS = (
    "billing_policy",
    "compaction",
    "context_management",
    "fallback_credit_token",
    "fallbacks",
    "mcp_servers",
    "output_format",
    "thread",
)
_CREATE_REQUIRED = ("max_tokens", "messages", "model")
_COUNT_REQUIRED = ("messages", "model")

_CREATE = record(_CREATED, required=_CREATE_REQUIRED, beta_fields=_BETA_FIELDS)
_CREATE_SAMPLING = record(
    {**_CREATED, **_SAMPLING}, required=_CREATE_REQUIRED, beta_fields=_BETA_FIELDS
)
_COUNT = record(_COUNTED, required=_COUNT_REQUIRED, beta_fields=_BETA_FIELDS)


def check_fields(payload: Any, *, version: str, betas: Betas, counting: bool) -> None:
    """Reject a body whose fields are missing, unknown or of the wrong type.

    Args:
        payload: the parsed body.
        version: the value of `anthropic-version`.
        betas: the values of `anthropic-beta`; with any, the fields of betas are let through.
        counting: whether this is a request to count tokens, which has fewer fields.
    """
    if not isinstance(payload, dict):
        fail("", "Input should be a valid dictionary")
    if counting:
        _COUNT(payload, "", betas)
    elif version == SAMPLING_VERSION:
        _CREATE_SAMPLING(payload, "", betas)
    else:
        _CREATE(payload, "", betas)
    if not payload["messages"]:
        fail("messages", "at least one message is required")
    if len(payload["messages"]) > 100_000:
        fail("messages", "List should have at most 100000 items")
    for sequence in payload.get("stop_sequences", ()):
        if not sequence.strip():
            fail("stop_sequences", "each stop sequence must contain non-whitespace")
