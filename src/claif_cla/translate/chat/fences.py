"""The code fence that a model likes to put around JSON, taken away while the text goes by.

Where JSON is only asked for in words, Claude often answers with a Markdown code fence around it,
however clearly it was told not to. OpenAI's JSON mode promises bare JSON, so the fence is no part
of the answer. Only a fence around the whole text counts: one that opens it, with `json` or
nothing after the backticks and an object or a list inside. Every other text passes untouched.
"""

from __future__ import annotations

import re

__all__ = ["Unfencing", "unfenced"]

MAX_OPENING = 64
"""Characters within which a fence must open. No more are ever held back to see whether one does."""
MAX_CLOSING = 256
"""Characters that are held back at the end, which may be the fence that closes the text."""

_FENCE = "```"
_OPENING = r"(?i)\s*```(?:json)?\s*(?=[{\[])"
_MAY_OPEN = r"(?i)\s*(?:`{0,2}|```(?:j|js|jso|json)?|```(?:json)?\s+)"


class Unfencing:
    """Takes a text in pieces and gives it on without its fence; how it is cut changes nothing."""

    def __init__(self) -> None:
        self._held = ""
        self._decided = False
        self._open = False

    def take(self, piece: str) -> str:
        """What can be passed on once `piece` has come; may be empty."""
        if self._decided and not self._open:
            return piece
        text = self._held + piece
        if not self._decided:
            opening = re.match(_OPENING, text[:MAX_OPENING])
            if opening is None and len(text) < MAX_OPENING and re.fullmatch(_MAY_OPEN, text):
                self._held = text
                return ""
            self._decided, self._open = True, opening is not None
            if opening is not None:
                text = text[opening.end() :]
        at = _closing(text) if self._open else len(text)
        self._held = text[at:]
        return text[:at]

    def rest(self) -> str:
        """What was held back and is no fence, once the text has ended."""
        held, self._held = self._held, ""
        return "" if self._open and _FENCE in held else held


def _closing(text: str) -> int:
    """Where white space, up to three backticks, and white space begin that end `text`."""
    rest = text.rstrip()
    ticks = min(len(rest) - len(rest.rstrip("`")), len(_FENCE))
    at = len(rest[: len(rest) - ticks].rstrip())
    return max(at, len(text) - MAX_CLOSING)


def unfenced(text: str) -> str:
    """`text` without the fence around it."""
    unfencing = Unfencing()
    return unfencing.take(text) + unfencing.rest()
