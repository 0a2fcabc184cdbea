"""The prompt cache: which prefix of a prompt was seen, for how long it lives, what it saves.

As in the API: the prefix runs over tools, system and messages; a breakpoint writes it, and
reads the longest written prefix that ends at most twenty blocks before it; a prefix shorter
than the model's minimum is not cached; a read renews the entry.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from claif_cla.after_fork import lock_across_forks
from claif_cla.backends.simulator.tokens import Segment
from claif_cla.catalog.model_info import ModelInfo

__all__ = ["CacheUsage", "PromptCache"]

_LIFETIMES: Mapping[str, float] = {"5m": 300.0, "1h": 3600.0}
_LOOK_BACK = 20
_MAX_ENTRIES = 4096


@dataclass(frozen=True, slots=True)
class CacheUsage:
    """How a prompt's tokens divide: read, written for five minutes or an hour, neither."""

    read: int = 0
    written_5m: int = 0
    written_1h: int = 0
    uncached: int = 0

    @property
    def written(self) -> int:
        """Tokens written to the cache."""
        return self.written_5m + self.written_1h

    @property
    def total(self) -> int:
        """Tokens of the prompt."""
        return self.read + self.written + self.uncached


@dataclass(slots=True)
class PromptCache:
    """A bounded memory of prefixes, safe to use from several threads.

    Args:
        clock: seconds; only differences count.
        max_entries: the least recently used prefixes beyond this number are forgotten.
    """

    clock: Callable[[], float]
    max_entries: int = _MAX_ENTRIES
    _entries: OrderedDict[bytes, tuple[float, float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=lock_across_forks)

    def use(
        self,
        segments: Iterable[Segment],
        model: ModelInfo,
        automatic: Mapping[str, Any] | None = None,
    ) -> CacheUsage:
        """Read and write what the breakpoints of a prompt ask for.

        Args:
            segments: the prompt in its order.
            model: prefixes are kept apart by model, and each has its minimum.
            automatic: top-level `cache_control`, a breakpoint on the last block that takes one.
        """
        prompt = list(segments)
        keys, sizes = _prefixes(prompt, model.id)
        marks = _breakpoints(prompt, automatic)
        marks = [(place, ttl) for place, ttl in marks if sizes[place] >= model.cache_minimum_tokens]
        total = sizes[-1] if sizes else 0
        if not marks:
            return CacheUsage(uncached=total)
        with self._lock:
            now = self.clock()
            hit = self._longest(keys, marks, now)
            read = sizes[hit] if hit is not None else 0
            written = {"5m": 0, "1h": 0}
            done = read
            for place, ttl in marks:
                written[ttl] += max(0, sizes[place] - done)
                done = max(done, sizes[place])
                self._store(keys[place], now, _LIFETIMES[ttl])
        return CacheUsage(read, written["5m"], written["1h"], total - done)

    def _longest(
        self, keys: Sequence[bytes], marks: Sequence[tuple[int, str]], now: float
    ) -> int | None:
        for place, _ in reversed(marks):
            for earlier in range(place, max(-1, place - _LOOK_BACK), -1):
                entry = self._entries.get(keys[earlier])
                if entry is not None and entry[0] > now:
                    self._entries[keys[earlier]] = (now + entry[1], entry[1])
                    self._entries.move_to_end(keys[earlier])
                    return earlier
        return None

    def _store(self, key: bytes, now: float, lifetime: float) -> None:
        known = self._entries.get(key)
        if known is not None and known[0] > now:
            lifetime = max(lifetime, known[1])
        self._entries[key] = (now + lifetime, lifetime)
        self._entries.move_to_end(key)
        while len(self._entries) > self.max_entries:
            self._entries.popitem(last=False)


def _prefixes(prompt: Sequence[Segment], model: str) -> tuple[list[bytes], list[int]]:
    """For each segment, the digest and the size of the prompt up to and with it."""
    digest, size = hashlib.sha256(model.encode()).digest(), 0
    keys, sizes = [], []
    for segment in prompt:
        digest = hashlib.sha256(digest + segment.identity).digest()
        size += segment.tokens
        keys.append(digest)
        sizes.append(size)
    return keys, sizes


def _breakpoints(
    prompt: Sequence[Segment], automatic: Mapping[str, Any] | None
) -> list[tuple[int, str]]:
    marks = {
        place: str(segment.cache_control.get("ttl") or "5m")
        for place, segment in enumerate(prompt)
        if segment.cache_control is not None
    }
    if automatic is not None:
        last = [place for place, segment in enumerate(prompt) if segment.cacheable]
        if last:
            marks.setdefault(last[-1], str(automatic.get("ttl") or "5m"))
    return sorted(marks.items())
