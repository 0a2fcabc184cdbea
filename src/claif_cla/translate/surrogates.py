"""Characters that a stream has cut in two.

JSON may spell a character beyond U+FFFF as two escapes, and a server may put each into a delta
of its own. Either half alone is no text: UTF-8 cannot hold it.
"""

from __future__ import annotations

import re

__all__ = ["HalfHeld", "paired"]

_PAIR = "[\ud800-\udbff][\udc00-\udfff]"


def paired(text: str) -> str:
    """`text` with each pair of surrogates as the one character that it spells."""
    return re.sub(_PAIR, _character, text)


def _character(pair: re.Match[str]) -> str:
    high, low = map(ord, pair.group())
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


class HalfHeld:
    """Passes pieces of a text on, but holds a first half back until the second comes."""

    def __init__(self) -> None:
        self._half = ""

    def take(self, piece: str) -> str:
        """What can be passed on once `piece` has come; may be empty."""
        if not self._half and piece.isascii():
            return piece
        text = self._half + piece
        self._half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        return paired(text.removesuffix(self._half))

    def rest(self) -> str:
        """The half that never found its other one."""
        half, self._half = self._half, ""
        return half
