"""Rules about tool calls and their results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from claif_cla.backends.simulator.conversation import Turn
from claif_cla.backends.simulator.rules.shapes import fail

__all__ = ["check_pairs"]


def check_pairs(turns: Sequence[Turn]) -> None:
    """Each `tool_use` is answered once, at the head of the next user turn, and nothing else is."""
    seen: set[str] = set()
    for place, turn in enumerate(turns):
        calls = [block["id"] for block in turn.blocks if block["type"] == "tool_use"]
        for call in calls:
            if call in seen:
                fail("messages", "`tool_use` ids must be unique")
            seen.add(call)
        if calls:
            _check_answered(turns, place, calls)
        if turn.role == "user":
            _check_results(turn, turns[place - 1] if place else None)
        if turn.role == "assistant":
            _check_server_tools(turn, last=place == len(turns) - 1)


def _check_answered(turns: Sequence[Turn], place: int, calls: Sequence[str]) -> None:
    answered = set()
    if place + 1 < len(turns):
        # Results count only while they come first; what follows other content comes too late.
        for block in turns[place + 1].blocks:
            if block["type"] != "tool_result":
                break
            answered.add(block["tool_use_id"])
    missing = [call for call in calls if call not in answered]
    if missing:
        fail(
            f"messages.{turns[place].index}",
            "`tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(missing)}. Each `tool_use` block must have a corresponding "
            "`tool_result` block in the next message.",
        )


def _check_results(turn: Turn, before: Turn | None) -> None:
    results = [
        (path, block["tool_use_id"])
        for path, block in turn.located()
        if block["type"] == "tool_result"
    ]
    calls = {block.get("id") for block in before.blocks} if before is not None else set()
    counts = Counter(call for _, call in results)
    for path, call in results:
        if call not in calls:
            fail(
                path,
                f"unexpected `tool_use_id` found in `tool_result` blocks: {call}. Each "
                "`tool_result` block must have a corresponding `tool_use` block in the previous "
                "message.",
            )
        if counts[call] > 1:
            fail(
                path,
                "each tool_use must have a single result. Found multiple `tool_result` blocks "
                f"with id: {call}",
            )


def _check_server_tools(turn: Turn, *, last: bool) -> None:
    """A server tool's result follows its call within the turn; only the last turn may wait."""
    open_calls: dict[str, str] = {}
    for path, block in turn.located():
        kind = str(block["type"])
        if kind == "server_tool_use":
            open_calls[block["id"]] = block["name"]
        elif kind.endswith("_tool_result") and kind != "mcp_tool_result":
            if block["tool_use_id"] not in open_calls:
                fail(
                    path,
                    f"unexpected `tool_use_id` found in `{kind}` blocks: {block['tool_use_id']}. "
                    f"Each `{kind}` block must have a corresponding `server_tool_use` block "
                    "before it.",
                )
            del open_calls[block["tool_use_id"]]
    if open_calls and not last and not any(b["type"] == "tool_use" for b in turn.blocks):
        call, name = next(iter(open_calls.items()))
        fail(
            f"messages.{turn.index}",
            f"`{name}` tool use with id `{call}` was found without a corresponding "
            f"`{name}_tool_result` block",
        )
