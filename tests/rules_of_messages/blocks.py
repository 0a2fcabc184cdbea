"""Walks over the blocks of a request, with the path of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["Located", "blocks_of", "messages_of", "nested_blocks", "system_blocks"]

Located = tuple[str, Mapping[str, Any]]
"""A path such as `messages[2].content[0]`, and what stands there."""


def messages_of(body: Mapping[str, Any]) -> list[tuple[str, str, list[Located]]]:
    """Path, role and blocks of each message; a string counts as one text block."""
    return [
        (f"messages[{at}]", turn["role"], blocks_of(f"messages[{at}]", turn.get("content", [])))
        for at, turn in enumerate(body["messages"])
    ]


def system_blocks(body: Mapping[str, Any]) -> list[Located]:
    """The blocks of the top-level `system`."""
    system = body.get("system")
    if isinstance(system, str):
        return blocks_of("system", system)
    return [(f"system[{at}]", block) for at, block in enumerate(system or [])]


def blocks_of(path: str, content: Any) -> list[Located]:
    """The blocks of a `content`."""
    if isinstance(content, str):
        return [(f"{path}.content", {"type": "text", "text": content})]
    return [(f"{path}.content[{at}]", block) for at, block in enumerate(content)]


def nested_blocks(path: str, block: Mapping[str, Any]) -> Iterator[Located]:
    """The block itself, and those in the contents of results, documents and search results."""
    yield path, block
    inner = block.get("content")
    if block["type"] == "document" and block["source"]["type"] == "content":
        path, inner = f"{path}.source", block["source"]["content"]
    if isinstance(inner, list):
        for inner_path, inner_block in blocks_of(path, inner):
            if isinstance(inner_block, Mapping) and "type" in inner_block:
                yield from nested_blocks(inner_path, inner_block)
