"""Citations of the caller's own documents, where they are enabled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from claif_cla.backends.simulator.conversation import Block, Turn, blocks_of, text_of

__all__ = ["cited_blocks"]

_QUOTED = 60


def cited_blocks(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """One quoting text block for each document of the last turn that may be cited."""
    documents = [
        block
        for turn in turns
        if turn.role == "user"
        for block in turn.blocks
        if block["type"] == "document"
    ]
    last = turns[-1].blocks
    return [
        {"type": "text", "text": f" “{citation['cited_text'].strip()}”", "citations": [citation]}
        for index, block in enumerate(documents)
        if any(block is own for own in last) and (block.get("citations") or {}).get("enabled")
        for citation in _citations(block, index)
    ]


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
