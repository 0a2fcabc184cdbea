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

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from typing_extensions import override

from claif_cla.after_fork import lock_across_forks
from claif_cla.wire import json_text

__all__ = ["ThinkingMemory"]


class _Entry(NamedTuple):
    names: tuple[str, ...]
    text: bytes
    prefix: str | None

    @property
    def size(self) -> int:
        return len(self.text) + len(self.prefix or "") + sum(map(len, self.names))


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
        self._entries: OrderedDict[int, _Entry] = OrderedDict()
        self._numbers: dict[str, int] = {}
        self._next = 0
        self._size = 0
        self._lock = lock_across_forks()

    def keep(self, keys: Iterable[str], content: Sequence[Any], prefix: str | None = None) -> None:
        """Remember `content` under each of `keys`; a key that is known is taken over.

        Args:
            keys: under which the answer is found again.
            content: its blocks.
            prefix: a digest of what stood before it, where its thinking is bound to that.
        """
        entry = _Entry(tuple(dict.fromkeys(keys)), json_text.dump_bytes(content), prefix)
        if not entry.names or entry.size > self.max_bytes // 8:
            return
        with self._lock:
            before = {self._numbers[name] for name in entry.names if name in self._numbers}
            self._entries[self._next] = entry
            self._numbers.update(dict.fromkeys(entry.names, self._next))
            self._next += 1
            self._size += entry.size
            for number in before:
                if all(self._numbers[name] != number for name in self._entries[number].names):
                    self._forget(number)
            while len(self._entries) > self.max_entries or self._size > self.max_bytes:
                self._forget(next(iter(self._entries)))

    def _forget(self, number: int) -> None:
        entry = self._entries.pop(number)
        self._size -= entry.size
        for name in entry.names:
            if self._numbers.get(name) == number:
                del self._numbers[name]

    def recall(self, key: str) -> list[Any] | None:
        """The content under `key`, a fresh value; None if it is not there."""
        entry = self._used(key)
        if entry is None:
            return None
        content: list[Any] = json_text.load(entry.text)
        return content

    def prefix(self, key: str) -> str | None:
        """The digest of what stood before the answer under `key`; None if it is not known."""
        entry = self._used(key)
        return None if entry is None else entry.prefix

    def _used(self, key: str) -> _Entry | None:
        """The entry under `key`, which is now the one that was used last."""
        with self._lock:
            number = self._numbers.get(key)
            if number is None:
                return None
            self._entries.move_to_end(number)
            return self._entries[number]

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
