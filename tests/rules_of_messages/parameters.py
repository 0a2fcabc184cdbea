"""Rules about the parameters of a Messages request: limits, tools, caching."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rules_of_messages.blocks import Located, messages_of, nested_blocks, system_blocks

__all__ = ["SAMPLING", "parameter_violations"]

SAMPLING = frozenset({"temperature", "top_p", "top_k"})
"""Fields that exist under `anthropic-version: 2023-06-01` only."""

_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_COMBINATORS = ("oneOf", "allOf", "anyOf")
_MAX_BREAKPOINTS = 4
_MAX_STRICT_TOOLS = 20
_MIN_BUDGET = 1024


def parameter_violations(body: Mapping[str, Any]) -> Iterator[str]:
    """Everything but the messages; the shape is known to be right."""
    yield from _limits(body)
    yield from _sampling(body)
    yield from _thinking(body)
    yield from _tools(body)
    yield from _tool_choice(body)
    yield from _caching(body)


def _limits(body: Mapping[str, Any]) -> Iterator[str]:
    if not body["model"].strip():
        yield "model: empty"
    if body["max_tokens"] < 1:
        yield "max_tokens: less than 1"
    for at, sequence in enumerate(body.get("stop_sequences", ())):
        if not sequence.strip():
            yield f"stop_sequences[{at}]: only white space"


def _sampling(body: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(SAMPLING & body.keys()):
        value = body[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield f"{name}: no number"
        elif name == "top_k" and (value < 0 or not isinstance(value, int)):
            yield "top_k: no count"
        elif name != "top_k" and not 0 <= value <= 1:
            yield f"{name}: outside 0 to 1"


def _thinking(body: Mapping[str, Any]) -> Iterator[str]:
    thinking = body.get("thinking") or {}
    if thinking.get("type") != "enabled":
        return
    if thinking["budget_tokens"] < _MIN_BUDGET:
        yield f"thinking.budget_tokens: less than {_MIN_BUDGET}"
    if thinking["budget_tokens"] >= body["max_tokens"]:
        yield "thinking.budget_tokens: not less than max_tokens"
    if (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
        yield "tool_choice: forces a tool while thinking is enabled"


def _tools(body: Mapping[str, Any]) -> Iterator[str]:
    tools = body.get("tools") or []
    names: set[str] = set()
    for at, tool in enumerate(tools):
        name = tool.get("name")
        if name is not None:
            if not _TOOL_NAME.fullmatch(name):
                yield f"tools[{at}].name: {name!r} does not match {_TOOL_NAME.pattern}"
            if name in names:
                yield f"tools[{at}].name: {name!r} twice"
            names.add(name)
        if "input_schema" in tool:
            yield from _input_schema(f"tools[{at}].input_schema", tool["input_schema"])
    if sum(tool.get("strict") is True for tool in tools) > _MAX_STRICT_TOOLS:
        yield f"tools: more than {_MAX_STRICT_TOOLS} strict ones"


def _input_schema(path: str, schema: Mapping[str, Any]) -> Iterator[str]:
    if schema.get("type") != "object":
        yield f"{path}.type: not 'object'"
    for combinator in _COMBINATORS:
        if combinator in schema:
            yield f"{path}: {combinator} at the top level"


def _tool_choice(body: Mapping[str, Any]) -> Iterator[str]:
    choice = body.get("tool_choice")
    if choice is None:
        return
    # Servers of the MCP connector bring tools that the request does not list.
    if not (body.get("tools") or body.get("mcp_servers")):
        yield "tool_choice: without tools"
    elif choice["type"] == "tool" and not body.get("mcp_servers"):
        names = [tool.get("name") for tool in body["tools"]]
        if choice["name"] not in names:
            yield f"tool_choice.name: {choice['name']!r} is none of {names}"


def _caching(body: Mapping[str, Any]) -> Iterator[str]:
    # The order of the prefix; the automatic breakpoint at the top level is the last block's.
    marked = [(path, block) for path, block in _cacheable(body) if block.get("cache_control")]
    if body.get("cache_control"):
        marked.append(("cache_control", body))
    if len(marked) > _MAX_BREAKPOINTS:
        yield f"cache_control: {len(marked)} breakpoints, at most {_MAX_BREAKPOINTS}"
    short = ""
    for path, block in marked:
        if block.get("type") in ("thinking", "redacted_thinking"):
            yield f"{path}.cache_control: on thinking"
        if block.get("type") == "text" and not block["text"]:
            yield f"{path}.cache_control: on empty text"
        if block["cache_control"].get("ttl", "5m") == "5m":
            short = short or path
        elif short:
            yield f"{path}.cache_control: ttl 1h after a shorter one at {short}"


def _cacheable(body: Mapping[str, Any]) -> Iterator[Located]:
    for at, tool in enumerate(body.get("tools") or []):
        yield f"tools[{at}]", tool
    yield from system_blocks(body)
    for _, _, blocks in messages_of(body):
        for path, block in blocks:
            # What is nested comes before the block that holds it is closed.
            inner = list(nested_blocks(path, block))
            yield from [*inner[1:], inner[0]]
