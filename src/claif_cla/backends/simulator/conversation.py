"""The request's messages as turns, which is how the API reads them.

Consecutive messages of one role are one turn, and a string is one text block. Rules, counting,
caching and answering all look at turns, so that the two spellings can't be treated differently.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = [
    "Block",
    "Turn",
    "blocks_of",
    "last_user_text",
    "text_of",
    "tool_rounds",
    "trailing_assistant",
    "turns_of",
]

Block: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """Consecutive messages of one role.

    Attributes:
        role: `user`, `assistant` or `system`.
        blocks: their content blocks, in order.
        paths: where each block stands in the request: `messages.0.content.1`.
        index: of the first message of the turn.
    """

    role: str
    blocks: tuple[Block, ...]
    paths: tuple[str, ...]
    index: int

    def located(self) -> Iterator[tuple[str, Block]]:
        """The blocks with their paths."""
        return zip(self.paths, self.blocks, strict=True)


def blocks_of(content: Any) -> list[Block]:
    """A message's content, or a system prompt, as a list of blocks."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return list(content or ())


def turns_of(messages: Sequence[Mapping[str, Any]]) -> tuple[Turn, ...]:
    """Merge consecutive messages of the same role."""
    turns: list[Turn] = []
    for index, message in enumerate(messages):
        blocks = tuple(blocks_of(message["content"]))
        paths = tuple(f"messages.{index}.content.{place}" for place in range(len(blocks)))
        if turns and turns[-1].role == message["role"]:
            last = turns.pop()
            blocks, paths, index = last.blocks + blocks, last.paths + paths, last.index  # noqa: PLW2901
        turns.append(Turn(message["role"], blocks, paths, index))
    return tuple(turns)


def text_of(blocks: Sequence[Block]) -> str:
    """The text of the text blocks, joined with newlines."""
    return "\n".join(block["text"] for block in blocks if block.get("type") == "text")


def last_user_text(turns: Sequence[Turn]) -> str:
    """The text of the last user turn that has any."""
    for turn in reversed(turns):
        if turn.role == "user" and (text := text_of(turn.blocks).strip()):
            return text
    return ""


def tool_rounds(turns: Sequence[Turn]) -> int:
    """How many tool-calling assistant turns came since the user's last text."""
    rounds = 0
    for turn in reversed(turns):
        if turn.role == "user" and text_of(turn.blocks).strip():
            break
        if turn.role == "assistant" and any(b.get("type") == "tool_use" for b in turn.blocks):
            rounds += 1
    return rounds


def trailing_assistant(turns: Sequence[Turn]) -> tuple[Block, ...]:
    """The blocks of the last turn, if it is the assistant's: a prefill, or a paused turn."""
    return turns[-1].blocks if turns and turns[-1].role == "assistant" else ()
