"""`web_search_options` as Claude's own web search tool.

The oldest version of the tool is used: it runs on every model and platform, and calls nothing
but the search itself, where the newer ones ask for code execution beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claif_cla.translate import checks
from claif_cla.translate.receipts import Receipts

__all__ = ["TOOL_NAME", "web_search_tool"]

TOOL_NAME = "web_search"
_TYPE = "web_search_20250305"
_MAX_USES = {"low": 3, "medium": 5, "high": 10}
_PLACE = ("city", "country", "region", "timezone")


def web_search_tool(options: Any, receipts: Receipts) -> dict[str, Any]:
    """The tool for OpenAI's options. Raises `Refusal` for malformed ones."""
    at = "web_search_options"
    given = checks.mapping(options, at)
    tool: dict[str, Any] = {"type": _TYPE, "name": TOOL_NAME}
    size = given.get("search_context_size")
    if size is not None:
        tool["max_uses"] = _MAX_USES[checks.one_of(size, f"{at}.search_context_size", [*_MAX_USES])]
        detail = f"Claude has no such size; it may search {tool['max_uses']} times."
        receipts.adapt(f"{at}.search_context_size", detail)
    location = given.get("user_location")
    if location is not None:
        at += ".user_location"
        approximate = checks.mapping(checks.mapping(location, at).get("approximate"), at)
        tool["user_location"] = {"type": "approximate", **_place(approximate, at)}
    return tool


def _place(approximate: Mapping[str, Any], at: str) -> dict[str, str]:
    given = {key: approximate[key] for key in _PLACE if approximate.get(key) is not None}
    return {key: checks.string(value, f"{at}.approximate.{key}") for key, value in given.items()}
