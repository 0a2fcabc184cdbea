"""The shapes of tools and of `tool_choice`."""

from __future__ import annotations

from typing import Any

from claif_cla.backends.simulator.rules.blocks import CACHE_CONTROL
from claif_cla.backends.simulator.rules.shapes import (
    Betas,
    Check,
    anything,
    array,
    boolean,
    fail,
    literal,
    mapping,
    nullable,
    record,
    string,
    tagged,
)

__all__ = ["TOOL_CHOICE", "TYPED_TOOLS", "check_tool"]

_CALLERS = (
    "direct",
    "code_execution_20250825",
    "code_execution_20260120",
    "code_execution_20260521",
)
TYPED_TOOLS = (
    "bash_20250124",
    "browser_toolset_20260801",
    "code_execution_20250522",
    "code_execution_20250825",
    "code_execution_20260120",
    "code_execution_20260521",
    "computer_toolset_20260801",
    "memory_20250818",
    "text_editor_20250124",
    "text_editor_20250429",
    "text_editor_20250728",
    "tool_search_tool_bm25_20251119",
    "tool_search_tool_regex_20251119",
    "web_fetch_20250910",
    "web_fetch_20260209",
    "web_fetch_20260309",
    "web_fetch_20260318",
    "web_search_20250305",
    "web_search_20260209",
    "web_search_20260318",
)
"""`type` of the tools that Anthropic defines: `types/tool_union_param.py` of the SDK 2.12."""

_CUSTOM = record(
    {
        "type": nullable(literal("custom")),
        "name": string(pattern="[a-zA-Z0-9_-]{1,64}"),
        "input_schema": mapping,
        "allowed_callers": array(literal(*_CALLERS)),
        "cache_control": nullable(CACHE_CONTROL),
        "defer_loading": boolean,
        "description": string(),
        "eager_input_streaming": nullable(boolean),
        "input_examples": array(mapping),
        "strict": boolean,
    },
    required=("name", "input_schema"),
)
_TAGGED: Check = tagged({"custom": _CUSTOM, **dict.fromkeys(TYPED_TOOLS, mapping)})


def check_tool(value: Any, path: str, betas: Betas) -> None:
    """A tool: of the caller's own (`type` is optional), or one that Anthropic defines."""
    if isinstance(value, dict) and value.get("type") is None:
        _CUSTOM(value, f"{path}.custom", betas)
        _check_root(value["input_schema"], f"{path}.custom.input_schema")
        return
    _TAGGED(value, path, betas)
    if value["type"] == "custom":
        _check_root(value["input_schema"], f"{path}.custom.input_schema")


def _check_root(schema: dict[str, Any], path: str) -> None:
    """The root of `input_schema` is an object schema without combinators."""
    if "type" not in schema:
        fail(f"{path}.type", "Field required")
    if schema["type"] != "object":
        fail(f"{path}.type", "Input should be 'object'")
    if any(name in schema for name in ("oneOf", "allOf", "anyOf")):
        fail(path, "input_schema does not support oneOf, allOf, or anyOf at the top level")


TOOL_CHOICE: Check = tagged(
    {
        "any": record({"type": anything, "disable_parallel_tool_use": boolean}),
        "auto": record({"type": anything, "disable_parallel_tool_use": boolean}),
        "none": record({"type": anything}),
        "tool": record(
            {"type": anything, "disable_parallel_tool_use": boolean, "name": string()},
            required=("name",),
        ),
    }
)
