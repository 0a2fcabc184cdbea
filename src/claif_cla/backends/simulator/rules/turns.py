"""Rules about the order of turns, and about text in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from claif_cla.backends.simulator.conversation import Turn, blocks_of
from claif_cla.backends.simulator.rejection import Rejection
from claif_cla.backends.simulator.rules.shapes import fail
from claif_cla.catalog.model_info import ModelInfo

__all__ = ["check_prefill", "check_roles", "check_texts", "ends_unfinished"]

_ASSISTANT_ONLY = frozenset({"redacted_thinking", "server_tool_use", "thinking", "tool_use"})
_USER_ONLY = frozenset({"container_upload", "image", "search_result", "tool_result"})
_NOT_SYSTEM = _ASSISTANT_ONLY | _USER_ONLY | {"document"}


def check_roles(
    messages: Sequence[Mapping[str, Any]], turns: Sequence[Turn], model: ModelInfo, version: str
) -> None:
    """Who may speak when, and which blocks may stand in whose turn."""
    if messages[0]["role"] == "system":
        _check_system_supported(model)
        fail("messages.0", "role 'system' must follow a 'user' message")
    # The older version takes an assistant's message first (recorded, claude-sonnet-4-6); whether
    # the newer one does is not known, and what is not known to work is refused.
    if messages[0]["role"] != "user" and version >= "2026-10-21":
        fail("messages", 'first message must use the "user" role')
    for index, message in enumerate(messages):
        last = index == len(messages) - 1
        if not blocks_of(message["content"]) and not (last and message["role"] == "assistant"):
            fail(
                f"messages.{index}",
                "all messages must have non-empty content except for the optional final "
                "assistant message",
            )
    for place, turn in enumerate(turns):
        if turn.role == "system":
            _check_system_turn(turns, place, model)
        _check_blocks_of_role(turn, version)


def _check_system_supported(model: ModelInfo) -> None:
    if not model.mid_conversation_system:
        raise Rejection("role 'system' is not supported on this model")


def _check_system_turn(turns: Sequence[Turn], place: int, model: ModelInfo) -> None:
    """A system turn follows a user turn or a server tool's result, and precedes the assistant."""
    _check_system_supported(model)
    turn, before = turns[place], turns[place - 1]
    where = f"messages.{turn.index}"
    after_server_tool = (
        before.role == "assistant"
        and bool(before.blocks)
        and str(before.blocks[-1].get("type")).endswith("_tool_result")
    )
    if before.role != "user" and not after_server_tool:
        fail(where, "role 'system' must follow a 'user' message or a server tool result")
    if place + 1 < len(turns) and turns[place + 1].role != "assistant":
        fail(
            where,
            "role 'system' must precede an 'assistant' message or end the array; the "
            "directive-only form (content: [] with output_config) is accepted at any position",
        )


def _check_blocks_of_role(turn: Turn, version: str) -> None:
    for path, block in turn.located():
        kind = block["type"]
        if turn.role != "assistant" and kind in _ASSISTANT_ONLY:
            fail(path, f"`{kind}` blocks can only be in `assistant` messages")
        if turn.role != "user" and kind in _USER_ONLY:
            fail(path, f"`{kind}` blocks can only be in `user` messages")
        if turn.role == "system" and kind in _NOT_SYSTEM:
            fail(path, f"`{kind}` blocks are not allowed in `system` messages")
        if version < "2026-10-21":
            continue
        # Two shapes that this version of the API no longer takes.
        if turn.role == "assistant" and kind == "document":
            fail(path, "`document` blocks can only be in `user` messages")
        if turn.role == "user" and kind == "text" and block.get("citations"):
            fail(f"{path}.text.citations", "Extra inputs are not permitted")


def check_texts(payload: Mapping[str, Any], turns: Sequence[Turn]) -> None:
    """No text block may be empty or white space, wherever it stands."""
    _check_text_blocks(blocks_of(payload.get("system")), "system")
    for turn in turns:
        # Claude itself writes blank text beside other blocks, and the API takes it back.
        blank = turn.role == "assistant" and len(turn.blocks) > 1
        _check_text_blocks(turn.blocks, "messages", blank=blank)
        for block in turn.blocks:
            if block["type"] == "tool_result":
                _check_text_blocks(blocks_of(block.get("content")), "messages")


def _check_text_blocks(
    blocks: Sequence[Mapping[str, Any]], where: str, *, blank: bool = False
) -> None:
    for block in blocks:
        if block["type"] != "text":
            continue
        if not block["text"]:
            fail(where, "text content blocks must be non-empty")
        if not blank and not block["text"].strip():
            fail(where, "text content blocks must contain non-whitespace text")


def ends_unfinished(turns: Sequence[Turn]) -> bool:
    """Whether the last turn is the assistant's and waits for a server tool (`pause_turn`)."""
    if turns[-1].role != "assistant":
        return False
    answered = {block.get("tool_use_id") for block in turns[-1].blocks}
    kinds = [str(block["type"]) for block in turns[-1].blocks]
    waiting = any(
        block["type"] == "server_tool_use" and block["id"] not in answered
        for block in turns[-1].blocks
    )
    return waiting or (bool(kinds) and kinds[-1].endswith("_tool_result"))


def check_prefill(turns: Sequence[Turn], model: ModelInfo, *, structured: bool) -> None:
    """An assistant turn at the end is a prefill unless a paused turn is being resumed."""
    if turns[-1].role != "assistant" or ends_unfinished(turns):
        return
    if not model.prefill:
        raise Rejection(
            "This model does not support assistant message prefill. The conversation must end "
            "with a user message."
        )
    if structured:
        raise Rejection(
            "Prefilling assistant messages is not supported with `output_config.format`."
        )
    last = turns[-1].blocks[-1] if turns[-1].blocks else {"type": "none"}
    if last["type"] == "text" and last["text"] != last["text"].rstrip():
        fail("messages", "final assistant content cannot end with trailing whitespace")
