"""A bounded memory of answers, so that signed blocks survive clients that strip them.

Claude wants its thinking back, signed and in order, with the turn it belongs to. A client that
rebuilds assistant messages from OpenAI's fields alone loses it. Here the complete content of an
answer is kept under keys that such a client cannot lose; which keys those are is the core's
business (`translate.chat.recall`).

One memory may be shared between clients and threads. It is bounded in entries and in bytes, and
forgets first what was used longest ago. Content is kept as JSON text, so that what comes out is
always a fresh value, and its size is known.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

from typing_extensions import override

from claif_cla.wire import json_text

__all__ = ["ThinkingMemory"]


class ThinkingMemory:
    """Complete answers by key.

    Args:
        max_entries: how many answers are kept.
        max_bytes: their size together, in bytes of JSON; an answer beyond an eighth of it is not
            kept at all.

    Raises:
        ValueError: for a bound below 1.
    """

    def __init__(self, *, max_entries: int = 2_000, max_bytes: int = 32 * 1024 * 1024) -> None:
        if max_entries < 1 or max_bytes < 1:
            raise ValueError("`max_entries` and `max_bytes` must be at least 1")
        self.max_entries = max_entries
        self.max_bytes = max_bytes
        self._entries: OrderedDict[int, tuple[tuple[str, ...], bytes]] = OrderedDict()
        self._numbers: dict[str, int] = {}
        self._next = 0
        self._size = 0
        self._lock = threading.Lock()

    def keep(self, keys: Iterable[str], content: Sequence[Any]) -> None:
        """Remember `content` under each of `keys`; a key that is known is taken over."""
        names = tuple(dict.fromkeys(keys))
        text = json_text.dump_bytes(content)
        if not names or _size(names, text) > self.max_bytes // 8:
            return
        with self._lock:
            before = {self._numbers[name] for name in names if name in self._numbers}
            self._entries[self._next] = (names, text)
            self._numbers.update(dict.fromkeys(names, self._next))
            self._next += 1
            self._size += _size(names, text)
            for number in before:
                if all(self._numbers[name] != number for name in self._entries[number][0]):
                    self._forget(number)
            while len(self._entries) > self.max_entries or self._size > self.max_bytes:
                self._forget(next(iter(self._entries)))

    def _forget(self, number: int) -> None:
        names, text = self._entries.pop(number)
        self._size -= _size(names, text)
        for name in names:
            if self._numbers.get(name) == number:
                del self._numbers[name]

    def recall(self, key: str) -> list[Any] | None:
        """The content under `key`, a fresh value; None if it is not there."""
        with self._lock:
            number = self._numbers.get(key)
            if number is None:
                return None
            self._entries.move_to_end(number)
            text = self._entries[number][1]
        content: list[Any] = json_text.load(text)
        return content

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._numbers.clear()
            self._size = 0

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)

    @override
    def __repr__(self) -> str:
        # What was thought is nobody's business but the conversation's.
        return f"ThinkingMemory({len(self)} of {self.max_entries} answers)"


def _size(names: Iterable[str], text: bytes) -> int:
    return len(text) + sum(map(len, names))
