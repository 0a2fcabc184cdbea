"""Rules about thinking: what a request may ask for, and the blocks that it sends back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from claif_cla.backends.simulator.conversation import Block, Turn
from claif_cla.backends.simulator.rejection import Rejection
from claif_cla.backends.simulator.rules.shapes import fail
from claif_cla.backends.simulator.signatures import Signer, prefix_digests
from claif_cla.catalog.model_info import ModelInfo

__all__ = ["check_thinking_config", "check_tool_loop", "readable_turns"]

_THINKING = frozenset({"thinking", "redacted_thinking"})


def check_thinking_config(payload: Mapping[str, Any], model: ModelInfo, *, counting: bool) -> None:
    """`thinking` and `output_config.effort` against the model."""
    kind = (payload.get("thinking") or {}).get("type")
    effort = (payload.get("output_config") or {}).get("effort")
    # A model that can't think takes `disabled` all the same.
    taken = model.thinking.types or frozenset({"disabled"})
    if kind is not None and kind not in taken:
        _refuse_kind(kind, model)
    if (
        kind == "enabled"
        and not counting
        and payload["thinking"]["budget_tokens"] >= payload["max_tokens"]
    ):
        raise Rejection("`max_tokens` must be greater than `thinking.budget_tokens`.")
    if effort is not None and effort not in model.effort_levels:
        if not model.effort_levels:
            raise Rejection("This model does not support the effort parameter.")
        levels = ", ".join(sorted(model.effort_levels))
        raise Rejection(
            f"This model does not support effort level '{effort}'. Supported levels: {levels}."
        )
    if kind in model.thinking.types and not model.thinking.takes(kind, effort):
        limit = model.thinking.max_effort[kind]
        raise Rejection(
            f"\"thinking.type.{kind}\" is not supported with effort level '{effort}'. "
            f"Use effort level '{limit}' or lower."
        )


def _refuse_kind(kind: str, model: ModelInfo) -> None:
    if kind == "adaptive":
        raise Rejection("adaptive thinking is not supported on this model")
    hint = ""
    if kind == "enabled" and "adaptive" in model.thinking.types:
        hint = (
            ' Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
        )
    elif kind == "disabled" and "between_tools" in model.thinking.types:
        hint = ' Use "thinking.type.between_tools" instead.'
    raise Rejection(f'"thinking.type.{kind}" is not supported for this model.{hint}')


def check_tool_loop(payload: Mapping[str, Any], turns: Sequence[Turn]) -> None:
    """With `enabled` thinking, the assistant's part of a running tool loop begins with thinking.

    The loop goes back to the user's last turn that answers no tool: without interleaving, Claude
    thinks only there. Adaptive models take such a history without its thinking.
    """
    if (payload.get("thinking") or {}).get("type") != "enabled":
        return
    place = len(turns) - 1
    while place > 0 and any(block["type"] == "tool_result" for block in turns[place].blocks):
        place -= 2
    if place == len(turns) - 1 or place + 1 >= len(turns):
        return
    first = turns[place + 1]
    if first.blocks and first.blocks[0]["type"] not in _THINKING:
        fail(
            f"{first.paths[0]}.type",
            "Expected `thinking` or `redacted_thinking`, but found "
            f"`{first.blocks[0]['type']}`. When `thinking` is enabled, a final `assistant` "
            "message must start with a thinking block (preceeding the lastmost set of "
            "`tool_use` and `tool_result` blocks). We recommend you include thinking blocks from "
            "previous turns. To avoid this requirement, disable `thinking`.",
        )


def readable_turns(
    payload: Mapping[str, Any], turns: Sequence[Turn], model: ModelInfo, signer: Signer
) -> tuple[tuple[Turn, ...], list[dict[str, Any]]]:
    """Verify the thinking blocks of the history.

    Returns:
        The turns, and entries for `input_transformations`: blocks whose conversation has changed
        are removed where `thinking.block_binding.prefix_mismatch_behavior` is `drop_block`.

    Raises:
        Rejection: a block was altered, made up, or moved into another conversation.
    """
    binding = (payload.get("thinking") or {}).get("block_binding") or {}
    drop = binding.get("prefix_mismatch_behavior") == "drop_block"
    kept: list[Turn] = []
    removed: list[dict[str, Any]] = []
    for turn, digest in zip(turns, prefix_digests(payload, turns), strict=False):
        if turn.role != "assistant" or not any(b["type"] in _THINKING for b in turn.blocks):
            kept.append(turn)
            continue
        if turn.blocks[-1]["type"] in _THINKING:
            fail(
                turn.paths[-1],
                f"The final block in an assistant message cannot be `{turn.blocks[-1]['type']}`.",
            )
        expected = digest if model.binds_thinking else None
        blocks = []
        for path, block in turn.located():
            if _verify(path, block, expected, signer, drop=drop):
                blocks.append((path, block))
            else:
                removed.append(
                    {"type": "thinking_dropped", "path": path, "reason": "prefix_binding_mismatch"}
                )
        kept.append(
            replace(turn, blocks=tuple(b for _, b in blocks), paths=tuple(p for p, _ in blocks))
        )
    return tuple(kept), removed


def _verify(path: str, block: Block, expected: bytes | None, signer: Signer, *, drop: bool) -> bool:
    """Whether the block stays; raises where it must not be there at all."""
    kind = block["type"]
    if kind not in _THINKING:
        return True
    if kind == "thinking":
        field, bound = "signature", signer.verify(block["thinking"], block["signature"])
    else:
        field, bound = "data", signer.verify("", block["data"])
    if bound is None:
        fail(path, f"Invalid `{field}` in `{kind}` block")
    if expected is None or bound == expected:
        return True
    if not drop:
        fail(
            path,
            f"Invalid `{field}` in `{kind}` block. The block is bound to a different "
            "conversation: the system prompt, the tools or the messages before it have changed.",
        )
    return False
