"""How large a request may be. What is larger is refused before it is uploaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from claif_cla.errors import Refusal
from claif_cla.translate.chat.context import Context

__all__ = ["MAX_BODY_BYTES", "check_bytes", "check_counts"]

MAX_MESSAGES = 100_000
MAX_BODY_BYTES = 32 * 1024 * 1024
"""Anthropic's own; another server has its own limit, and says so itself."""

_SHORT_WINDOW = 200_000


def check_counts(turns: int, context: Context) -> None:
    """Raises `Refusal` for more turns or images than a Claude takes in one request."""
    if context.model.family != "claude":
        return
    if turns > MAX_MESSAGES:
        _refuse(f"{turns} turns; Claude takes {MAX_MESSAGES}")
    images = sum(map(_images, context.rich_turns))
    limit = 100 if context.model.context_window <= _SHORT_WINDOW else 600
    if images > limit:
        _refuse(f"{images} images; `{context.model.id}` takes {limit} in one request")


def _refuse(detail: str) -> None:
    message = f"`messages` holds {detail}. Leave out earlier ones."
    raise Refusal(message, param="messages", code="invalid_value")


def _images(holder: Mapping[str, Any]) -> int:
    return sum(
        1 if block.get("type") == "image" else _images(block) for block in _blocks_in(holder)
    )


def _blocks_in(holder: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The blocks of a turn, or of a tool's result."""
    content = holder.get("content")
    if isinstance(content, Sequence) and not isinstance(content, str):
        yield from (block for block in content if isinstance(block, Mapping))


def check_bytes(data: bytes, context: Context) -> None:
    """Raises `Refusal` for a body that Anthropic's own API would refuse unread (a 413)."""
    if context.settings.official and len(data) > MAX_BODY_BYTES:
        message = f"The request has {len(data):,} bytes; Claude takes {MAX_BODY_BYTES:,}."
        message += " Send large files by URL or `file_id`, or leave out earlier messages."
        raise Refusal(message, param="messages", code="request_too_large")
