"""Warnings that point at the caller's own line, each only once per client."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Mapping
from types import FrameType

from claif_cla.after_fork import lock_across_forks
from claif_cla.errors import AdaptationWarning

__all__ = ["Warner"]

_OURS = ("claif_cla", "openai", "asyncio", "httpx", "httpx2", "anyio", "contextlib")
MAX_SEEN = 1_000
"""Bound of what a client remembers having warned of."""


class Warner:
    """Remembers what it warned of; a client and its copies share one."""

    def __init__(self) -> None:
        self._seen: set[tuple[type[Warning], str]] = set()
        self._lock = lock_across_forks()

    def adapted(self, adaptations: Iterable[Mapping[str, str]]) -> None:
        """One `AdaptationWarning` per parameter."""
        for receipt in adaptations:
            text = f"`{receipt['param']}` was {receipt['action']}: {receipt['detail']}"
            self._once(AdaptationWarning, receipt["param"], text)

    def deprecated(self, remarks: Iterable[str]) -> None:
        """One `DeprecationWarning` per model that will be retired."""
        for remark in remarks:
            self._once(DeprecationWarning, remark, remark)

    def _once(self, category: type[Warning], key: str, text: str) -> None:
        with self._lock:
            if (category, key) in self._seen or len(self._seen) >= MAX_SEEN:
                return
            self._seen.add((category, key))
        warnings.warn(text, category, stacklevel=_callers_level())


def _callers_level() -> int:
    """How far up the first frame is that is not ours or a library's between us and the caller."""
    level = 2
    frame = sys._getframe(level)  # noqa: SLF001 - what `warnings` itself uses
    while frame.f_back is not None and _package(frame) in _OURS:
        frame = frame.f_back
        level += 1
    return level


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__")).partition(".")[0]
