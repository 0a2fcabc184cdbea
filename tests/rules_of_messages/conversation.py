"""Rules about the messages of a request: roles, text, tool calls and their results, thinking."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rules_of_messages.blocks import Located, messages_of, nested_blocks, system_blocks

__all__ = ["conversation_violations"]

_TOOL_USE_ID = re.compile(r"[a-zA-Z0-9_-]+")
_MAX_MESSAGES = 100_000
_ROLE_OF = {
    "tool_use": "assistant",
    "server_tool_use": "assistant",
    "mcp_tool_use": "assistant",
    "thinking": "assistant",
    "redacted_thinking": "assistant",
    "tool_result": "user",
    "image": "user",
}
_THINKING = ("thinking", "redacted_thinking")

Turn = tuple[str, str, list[Located]]


def conversation_violations(body: Mapping[str, Any], *, legacy: bool) -> Iterator[str]:
    """Rules of `messages` and `system`; the shape is known to be right."""
    turns = messages_of(body)
    if not turns:
        yield "messages: empty"
        return
    if len(turns) > _MAX_MESSAGES:
        yield f"messages: more than {_MAX_MESSAGES}"
    yield from _roles(turns)
    yield from _system_slots(turns)
    yield from _texts(body, turns)
    yield from _places(turns, legacy=legacy)
    yield from _tool_use(turns)
    yield from _pairs(turns)
    yield from _containers(body, turns)
    yield from _thinking(body, turns)
    yield from _prefill(body, turns)


def _roles(turns: Sequence[Turn]) -> Iterator[str]:
    if turns[0][1] != "user":
        yield f"messages[0].role: {turns[0][1]!r}, the first message is the user's"
    for (_, before, _), (path, role, _) in itertools.pairwise(turns):
        if role == before:
            yield f"{path}.role: {role!r} again"


def _system_slots(turns: Sequence[Turn]) -> Iterator[str]:
    """After a user turn or a server tool's result; last, or before an assistant turn."""
    for at, (path, role, _) in enumerate(turns):
        if role != "system":
            continue
        if at == 0 or not _may_precede_system(turns[at - 1]):
            yield f"{path}: a system message must follow a user turn or a server tool's result"
        if at + 1 < len(turns) and turns[at + 1][1] != "assistant":
            yield f"{path}: a system message must be last or before an assistant turn"


def _may_precede_system(turn: Turn) -> bool:
    _, role, blocks = turn
    if role == "assistant":
        return bool(blocks) and blocks[-1][1]["type"].endswith("_tool_result")
    return role == "user"


def _texts(body: Mapping[str, Any], turns: Sequence[Turn]) -> Iterator[str]:
    for path, role, blocks in turns:
        if not blocks and role != "system":
            yield f"{path}.content: empty"
    for path, block in system_blocks(body):
        yield from _blank(path, block, spaces=False)
    for _, role, blocks in turns:
        # Claude writes such blocks itself between others, and takes them back; recordings show it.
        spaces = role == "assistant" and len(blocks) > 1
        for path, block in blocks:
            yield from _blank(path, block, spaces=spaces)


def _blank(path: str, block: Mapping[str, Any], *, spaces: bool) -> Iterator[str]:
    for inner_path, inner in nested_blocks(path, block):
        if inner["type"] != "text" or inner["text"].strip() or (inner["text"] and spaces):
            continue
        yield f"{inner_path}: {'white-space' if inner['text'] else 'empty'} text"


def _places(turns: Sequence[Turn], *, legacy: bool) -> Iterator[str]:
    for _, role, blocks in turns:
        for path, block in blocks:
            kind = block["type"]
            if _ROLE_OF.get(kind, role) != role:
                yield f"{path}: {kind} in a message of role {role!r}"
            if legacy:
                continue
            if kind == "document" and role == "assistant":
                yield f"{path}: document in an assistant message, under 2026-10-21"
            if kind == "text" and role == "user" and block.get("citations"):
                yield f"{path}: citations in a user message, under 2026-10-21"


def _tool_use(turns: Sequence[Turn]) -> Iterator[str]:
    seen: set[str] = set()
    for path, block in (located for _, _, blocks in turns for located in blocks):
        if block["type"] != "tool_use":
            continue
        if not _TOOL_USE_ID.fullmatch(block["id"]):
            yield f"{path}.id: {block['id']!r} does not match {_TOOL_USE_ID.pattern}"
        if block["id"] in seen:
            yield f"{path}.id: {block['id']!r} twice"
        seen.add(block["id"])
        if not isinstance(block["input"], dict):
            yield f"{path}.input: no object"


def _pairs(turns: Sequence[Turn]) -> Iterator[str]:
    """Each `tool_use` has one `tool_result`, at the start of the user message that follows."""
    called: list[str] = []
    for at, (path, role, blocks) in enumerate(turns):
        if role == "user":
            results = [b["tool_use_id"] for _, b in blocks if b["type"] == "tool_result"]
            yield from _answers(path, called, results)
            yield from _order(blocks)
        elif called:
            yield f"{path}: tool_use without tool_result before it: {called}"
        called = [b["id"] for _, b in blocks if b["type"] == "tool_use"]
        if called and at == len(turns) - 1:
            yield f"{path}: tool_use without tool_result: {called}"


def _answers(path: str, called: list[str], results: list[str]) -> Iterator[str]:
    for missing in sorted(set(called) - set(results)):
        yield f"{path}: no tool_result for {missing!r}"
    for unexpected in sorted(set(results) - set(called)):
        yield f"{path}: unexpected tool_result for {unexpected!r}"
    for identifier, count in Counter(results).items():
        if count > 1:
            yield f"{path}: {count} tool_results for {identifier!r}"


def _order(blocks: Sequence[Located]) -> Iterator[str]:
    other = False
    for path, block in blocks:
        if block["type"] != "tool_result":
            other = True
        elif other:
            yield f"{path}: tool_result after other content"


def _containers(body: Mapping[str, Any], turns: Sequence[Turn]) -> Iterator[str]:
    """Results for a program that waits name its container."""
    path, role, blocks = turns[-1]
    results = role == "user" and any(block["type"] == "tool_result" for _, block in blocks)
    asked = turns[-2][2] if results and len(turns) > 1 else ()
    if body.get("container") is None and any("tool_id" in _caller(block) for _, block in asked):
        yield f"{path}: results for a program, and no container"


def _caller(block: Mapping[str, Any]) -> Mapping[str, Any]:
    return block.get("caller") or {}


def _thinking(body: Mapping[str, Any], turns: Sequence[Turn]) -> Iterator[str]:
    for path, block in (located for _, _, blocks in turns for located in blocks):
        if block["type"] == "thinking" and not block["signature"]:
            yield f"{path}.signature: empty"
        if block["type"] == "redacted_thinking" and not block["data"]:
            yield f"{path}.data: empty"
    if (body.get("thinking") or {}).get("type") == "enabled":
        # Only the turn that is still open counts: the last assistant message and its results.
        path, _, blocks = next((t for t in reversed(turns) if t[1] == "assistant"), turns[0])
        open_calls = [b for _, b in blocks if b["type"] == "tool_use"]
        if open_calls and path == turns[-2][0] and blocks[0][1]["type"] not in _THINKING:
            yield f"{path}: thinking is enabled, and the open tool turn does not begin with it"


def _prefill(body: Mapping[str, Any], turns: Sequence[Turn]) -> Iterator[str]:
    path, role, blocks = turns[-1]
    if role != "assistant" or not blocks or blocks[-1][1]["type"] != "text":
        return
    last = blocks[-1][1]["text"]
    if last != last.rstrip():
        yield f"{path}: the final assistant message ends in white space"
    if (body.get("output_config") or {}).get("format"):
        yield f"{path}: prefill together with output_config.format"
