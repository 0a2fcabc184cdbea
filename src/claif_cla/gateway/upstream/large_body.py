"""Large bodies in pieces, so that one of 32 MB does not hold the loop up nor is copied.

aiohttp warns of large bytes, and its own way for them copies the whole.
"""

from __future__ import annotations

import asyncio

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload
from typing_extensions import override

__all__ = ["LARGE", "LargeBody"]

LARGE = 512 * 1024
"""Bytes from which on a body is written in pieces; aiohttp warns of twice as many."""
PIECE = 256 * 1024


class LargeBody(Payload):
    """The body of one request.

    Args:
        body: the bytes; kept as they are, so that it can be written more than once.
    """

    _value: bytes

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self._size = len(body)

    @override
    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return self._value.decode(encoding, errors)

    @override
    async def write(self, writer: AbstractStreamWriter) -> None:
        view = memoryview(self._value)
        for start in range(0, len(view), PIECE):
            await writer.write(view[start : start + PIECE])
            await asyncio.sleep(0)  # a fast upstream would never let another request run
