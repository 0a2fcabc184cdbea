"""An ASGI server of one request, by hand: what comes is scripted, what is sent is kept."""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["Connection"]


class Connection:
    """One request's `receive` and `send`.

    Args:
        pieces: of the body.
        unfinished: whether more of them was promised than comes.
    """

    def __init__(self, *pieces: bytes, unfinished: bool = False) -> None:
        self.sent: list[Any] = []
        self.gate: asyncio.Event | None = None
        self._messages: asyncio.Queue[Any] = asyncio.Queue()
        for at, piece in enumerate(pieces, 1):
            more = at < len(pieces) or unfinished
            message = {"type": "http.request", "body": piece, "more_body": more}
            self._messages.put_nowait(message)

    def leave(self) -> None:
        """The caller goes."""
        self._messages.put_nowait({"type": "http.disconnect"})

    async def receive(self) -> Any:
        return await self._messages.get()

    async def send(self, message: Any) -> None:
        """Takes what is sent; while `gate` is closed, only after it was opened."""
        if self.gate is not None:
            await self.gate.wait()
        self.sent.append(message)

    @property
    def status(self) -> int:
        return self.sent[0]["status"]

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])

    @property
    def is_complete(self) -> bool:
        return bool(self.sent) and self.sent[-1].get("more_body") is False
