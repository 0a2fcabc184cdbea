"""A deterministic token count.

It is no tokenizer: about four bytes of UTF-8 make a token, plus fixed costs for structure.
Real counts differ, mostly by less than a third; what tests need is that equal requests count
equal, that more content counts more, and that `usage` and `count_tokens` agree.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from claif_cla.backends.simulator.conversation import Block, Turn, blocks_of
from claif_cla.wire.image_size import image_size
from claif_cla.wire.json_text import dump_bytes, dump_text

__all__ = ["BYTES_PER_TOKEN", "Segment", "count_text", "count_tokens", "segments_of"]

BYTES_PER_TOKEN = 4

_TURN_TOKENS = 4
_REQUEST_TOKENS = 3
_TOOL_TOKENS = 12
_TOOLS_PROMPT_TOKENS = 346
"""What the documentation gives as the cost of the prompt that explains tools to the model."""

_IMAGE_TOKENS = 1590
"""An image whose size is unknown (a URL or a file) counts as a large one."""

_PIXELS_PER_TOKEN = 750
_PAGE_TOKENS = 1500


@dataclass(frozen=True, slots=True)
class Segment:
    """One block of the prompt, the unit of caching.

    Attributes:
        identity: bytes that tell it from others; without `cache_control`.
        tokens: its size.
        cache_control: its breakpoint, if it carries one.
        cacheable: whether the automatic breakpoint may stand here.
    """

    identity: bytes
    tokens: int
    cache_control: Mapping[str, Any] | None = None
    cacheable: bool = True


def count_text(text: str) -> int:
    """Tokens of a text; at least one unless it is empty."""
    return math.ceil(len(text.encode("utf-8", "surrogatepass")) / BYTES_PER_TOKEN)


def count_tokens(payload: Mapping[str, Any], turns: Sequence[Turn]) -> int:
    """Tokens of a whole prompt."""
    return sum(segment.tokens for segment in segments_of(payload, turns))


def segments_of(payload: Mapping[str, Any], turns: Sequence[Turn]) -> Iterator[Segment]:
    """The prompt in its order: tools, system, messages."""
    extra = _REQUEST_TOKENS + (_TOOLS_PROMPT_TOKENS if payload.get("tools") else 0)
    for tool in payload.get("tools") or ():
        yield _segment("tool", tool, count_text(dump_text(_bare(tool))) + _TOOL_TOKENS + extra)
        extra = 0
    for block in blocks_of(payload.get("system")):
        yield _segment("system", block, _count_block(block) + extra)
        extra = 0
    # What a change of these three does to a cache: everything from the first message on is new.
    mode = dump_text([payload.get(n) for n in ("thinking", "output_config", "tool_choice")])
    for turn in turns:
        extra += _TURN_TOKENS
        for block in turn.blocks:
            yield _segment(mode + turn.role, block, _count_block(block) + extra)
            extra, mode = 0, ""
    if extra:
        yield Segment(b"end", extra, cacheable=False)


def _segment(place: str, block: Block, tokens: int) -> Segment:
    kind = block.get("type")
    cacheable = kind not in ("thinking", "redacted_thinking") and block.get("text") != ""
    identity = place.encode() + b"\0" + dump_bytes(_bare(block))
    return Segment(identity, tokens, block.get("cache_control") or _inner_mark(block), cacheable)


def _inner_mark(block: Block) -> Mapping[str, Any] | None:
    """A breakpoint inside a tool result counts as one on the result."""
    if block.get("type") != "tool_result":
        return None
    marks = [inner.get("cache_control") for inner in blocks_of(block.get("content"))]
    return next((mark for mark in reversed(marks) if mark), None)


def _bare(block: Block) -> dict[str, Any]:
    return {name: value for name, value in block.items() if name != "cache_control"}


def _count_block(block: Block) -> int:
    kind = block.get("type")
    if kind == "text":
        return count_text(block["text"])
    if kind == "thinking":
        return count_text(block["thinking"])
    if kind == "image":
        return _count_image(block["source"])
    if kind == "document":
        return _count_document(block)
    if kind == "tool_result":
        inner = blocks_of(block.get("content"))
        return _TURN_TOKENS + sum(_count_block(nested) for nested in inner)
    return count_text(dump_text(_bare(block)))


def _count_image(source: Mapping[str, Any]) -> int:
    if source.get("type") != "base64":
        return _IMAGE_TOKENS
    size = image_size(_decoded(source["data"]))
    if size is None:
        return _IMAGE_TOKENS
    return max(1, min(_IMAGE_TOKENS, math.ceil(size[0] * size[1] / _PIXELS_PER_TOKEN)))


def _count_document(block: Block) -> int:
    source = block["source"]
    title = count_text(f"{block.get('title') or ''}{block.get('context') or ''}")
    if source["type"] == "text":
        return title + count_text(source["data"])
    if source["type"] == "content":
        return title + sum(_count_block(inner) for inner in blocks_of(source["content"]))
    pages = 1
    if source["type"] == "base64":
        data = _decoded(source["data"])
        pages = max(1, data.count(b"/Type /Page") - data.count(b"/Type /Pages"))
    return title + pages * _PAGE_TOKENS


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data)
    except (binascii.Error, ValueError):
        return b""
