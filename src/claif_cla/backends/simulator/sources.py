"""Citations of the caller's own documents and search results, where they are enabled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from claif_cla.backends.simulator.conversation import Block, Turn, blocks_of, text_of

__all__ = ["cited_blocks"]

_QUOTED = 60


def cited_blocks(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """One quoting text block for each source in the last turn that may be cited."""
    last = list(_with_results(turns[-1]))
    return [
        {"type": "text", "text": f" “{citation['cited_text'].strip()}”", "citations": [citation]}
        for kind, cite in (("document", _citations), ("search_result", _found))
        for index, block in enumerate(_sources(turns, kind))
        if any(block is own for own in last) and (block.get("citations") or {}).get("enabled")
        for citation in cite(block, index)
    ]


def _sources(turns: Sequence[Turn], kind: str) -> list[Block]:
    spoken = (turn for turn in turns if turn.role == "user")
    return [block for turn in spoken for block in _with_results(turn) if block["type"] == kind]


def _with_results(turn: Turn) -> Iterator[Block]:
    """The blocks of a turn and of the tool results in it."""
    for block in turn.blocks:
        yield block
        if block["type"] == "tool_result":
            yield from blocks_of(block.get("content"))


def _found(block: Block, index: int) -> list[dict[str, Any]]:
    place = {"search_result_index": index, "start_block_index": 0, "end_block_index": 1}
    named = {"source": block["source"], "title": block["title"]}
    text = text_of(block["content"])[:_QUOTED]
    return [{"type": "search_result_location", "cited_text": text, **named, **place}]


def _citations(block: Block, index: int) -> list[dict[str, Any]]:
    source, title = block["source"], block.get("title")
    common = {"document_index": index, "document_title": title}
    if source["type"] == "text":
        text = source["data"][:_QUOTED]
        place = {"start_char_index": 0, "end_char_index": len(text)}
        return [{"type": "char_location", "cited_text": text, **common, **place}]
    if source["type"] == "content":
        text = text_of(blocks_of(source["content"]))[:_QUOTED]
        place = {"start_block_index": 0, "end_block_index": 1}
        return [{"type": "content_block_location", "cited_text": text, **common, **place}]
    place = {"start_page_number": 1, "end_page_number": 2}
    text = "The simulator does not read PDF files."
    return [{"type": "page_location", "cited_text": text, **common, **place}]
