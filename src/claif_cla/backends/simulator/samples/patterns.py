r"""A string that matches a regular expression, by best effort.

Understands literals, classes, groups, alternatives (the first is taken), quantifiers (the
fewest repetitions), anchors and the usual escapes; lookarounds and back references are read
over. Whoever calls checks the result and does without where it does not match.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["matches", "matching_text"]

_ESCAPES = {
    "d": "1",
    "w": "a",
    "s": " ",
    "D": "a",
    "W": "-",
    "S": "a",
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "b": "",
    "B": "",
    "A": "",
    "Z": "",
    "z": "",
}
_PROBES = "a1A -_.x0/:@#"
_MAX_LENGTH = 10_000
_MAX_DEPTH = 50


def matching_text(pattern: str, more: int = 0) -> str | None:
    """A text in which `pattern` is found, or None where none was found.

    Args:
        pattern: a regular expression.
        more: how often to repeat, beyond the fewest times, what may be repeated without end.
    """
    reader = _Reader(pattern, more)
    try:
        text = reader.alternatives(0)
        return text if matches(pattern, text) else None
    except (re.error, IndexError, ValueError, RecursionError, FutureWarning):
        return None


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern is found in a text; one that Python can't read is not.

    The pattern is the caller's: where warnings are errors, `re` raises its `FutureWarning` about
    an odd one, which is no reason to fail.
    """
    try:
        return re.search(pattern, text) is not None
    except (re.error, RecursionError, FutureWarning):
        return False


@dataclass(slots=True)
class _Reader:
    pattern: str
    more: int = 0
    place: int = 0

    def _peek(self) -> str:
        return self.pattern[self.place : self.place + 1]

    def alternatives(self, depth: int) -> str:
        """The first of the alternatives up to the end of the group."""
        if depth > _MAX_DEPTH:
            raise ValueError("nested too deeply")
        first = self._sequence(depth)
        while self._peek() == "|":
            self.place += 1
            self._sequence(depth)
        return first

    def _sequence(self, depth: int) -> str:
        parts: list[str] = []
        while self._peek() not in ("", "|", ")"):
            text = self._atom(depth)
            parts.append(text * self._repetitions())
            if sum(map(len, parts)) > _MAX_LENGTH:
                raise ValueError("too long")
        return "".join(parts)

    def _atom(self, depth: int) -> str:
        char = self._peek()
        self.place += 1
        if char == "(":
            return self._group(depth)
        if char == "[":
            return self._class()
        if char == "\\":
            escape = self.pattern[self.place]
            self.place += 1
            return _ESCAPES.get(escape, escape)
        return {"^": "", "$": "", ".": "a"}.get(char, char)

    def _group(self, depth: int) -> str:
        skipped = False
        if self._peek() == "?":
            head = re.compile(r"\?(?P<look>[=!]|<[=!])|\?(:|P?<\w+>)").match(
                self.pattern, self.place
            )
            if head is None:
                raise ValueError("a group that is not understood")
            skipped = head["look"] is not None
            self.place = head.end()
        text = self.alternatives(depth + 1)
        self.place += 1
        return "" if skipped else text

    def _class(self) -> str:
        start = self.place - 1
        self.place += self._peek() == "^"
        self.place += self._peek() == "]"
        while self.pattern[self.place] != "]":
            self.place += 2 if self._peek() == "\\" else 1
        self.place += 1
        one = re.compile(self.pattern[start : self.place])
        everything = (*_PROBES, *map(chr, range(32, 127)), *map(chr, range(128, 0xD800)))
        found: str | None = next((char for char in everything if one.fullmatch(char)), None)
        if found is None:
            raise ValueError("a class without a character")
        return found

    def _repetitions(self) -> int:
        quantifier = re.compile(r"(?:([*+?])|\{(\d+)(?:(,)|,\d+)?\})[?+]?").match(
            self.pattern, self.place
        )
        if quantifier is None:
            return 1
        self.place = quantifier.end()
        if quantifier[2] is not None:
            return int(quantifier[2]) + (self.more if quantifier[3] else 0)
        return {"+": 1 + self.more, "*": self.more}.get(quantifier[1], 0)
