"""The messages that are sent, in either API's shape."""

from __future__ import annotations

import base64
import struct
from typing import Any

__all__ = ["messages"]

Messages = list[dict[str, Any]]

IMAGE_BYTES = 10_000_000
"""Of the picture's base64 text, which is what travels."""

_TEXT = (
    "In the year that we speak of, the harbour was full of ships, and each of them had brought "
    "something that nobody in town had asked for; what to do with it was argued until evening."
)


def messages(count: int, wire: str, *, image: bool = False) -> Messages:
    """So many, of about 200 characters, alternating, the last one the user's.

    Args:
        count: how many; one of them is "Hello".
        wire: "openai" or "anthropic": the shapes differ for images only.
        image: whether the last one carries one.
    """
    if count == 1 and not image:
        return [{"role": "user", "content": "Hello"}]
    # The user comes first and last; an even number has two of theirs at the beginning, which both
    # APIs take, so that no library is sent down a path of its own.
    odd = count % 2
    made: Messages = [
        {"role": "assistant" if at and (at + odd) % 2 == 0 else "user", "content": f"{at}. {_TEXT}"}
        for at in range(count)
    ]
    if image:
        made[-1]["content"] = [{"type": "text", "text": "What is this?"}, _image(wire)]
    return made


def _image(wire: str) -> dict[str, Any]:
    # A PNG's signature and size, which a client may look at; the rest need only be base64.
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIB", 13, b"IHDR", 2000, 2000, 8) + b"\2\0\0\0\0"
    data = base64.b64encode(head).decode()
    data += "Zm9vYmFyQmF6cXV4MTIz" * ((IMAGE_BYTES - len(data)) // 20)
    if wire == "openai":
        return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    source = {"type": "base64", "media_type": "image/png", "data": data}
    return {"type": "image", "source": source}
