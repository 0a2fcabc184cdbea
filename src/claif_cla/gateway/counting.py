"""What the replies to one request have used, as its flow tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from claif_cla.gateway.visit import Usage, Visit
from claif_cla.translate.flow import Chunk, Used

__all__ = ["Counting"]


class Counting:
    """Fills `visit.usages`.

    Args:
        visit: of the request.
    """

    __slots__ = ("_visit",)

    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    def count(self, used: Used) -> None:
        """Take what a reply has used so far in the place of what it had."""
        model, usage = used.message.get("model"), used.message.get("usage")
        earlier = self._visit.usages.get(used.reply.handle)
        if earlier is None:
            self._visit.untold -= 1
        self._visit.usages[used.reply.handle] = Usage(
            model if isinstance(model, str) else self._visit.model or "",
            usage if isinstance(usage, dict) else {},
            used.complete,
            earlier.characters if earlier else 0,
        )

    def told(self, chunks: Sequence[Chunk]) -> None:
        """Note how much text chunks tell, in case their count never comes.

        Of several answers that come at once it is noted for the latest: their sum is right.
        """
        usages = self._visit.usages
        if not usages:
            return
        size = 0
        for chunk in chunks:
            for choice in chunk.get("choices", ()):
                text = choice["delta"].get("content")
                size += len(text) if text else _other_text(choice["delta"])
        next(reversed(usages.values())).characters += size
        self._visit.chunks += len(chunks)


def _other_text(delta: Mapping[str, Any]) -> int:
    """The characters of thinking and of tools' arguments in a delta without text."""
    size = len(delta.get("reasoning_content") or "")
    for call in delta.get("tool_calls") or ():
        size += len(call.get("function", {}).get("arguments") or "")
    return size
