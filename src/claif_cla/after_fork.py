"""Locks that a fork cannot leave locked.

A child process has only the thread that forked; a lock that another thread held at that moment
would stay locked in it for ever, with what it guards half changed. So a fork waits for these
locks, as it does for those of `logging`.
"""

from __future__ import annotations

import os
import threading
import weakref

__all__ = ["lock_across_forks"]

MAX_WAIT = 1.0
"""Seconds that a fork waits for one of them. Who forks from a signal handler may hold it."""

_FORKING = threading.Lock()
_LOCKS: weakref.WeakSet[threading.Lock] = weakref.WeakSet()
_taken: list[threading.Lock] = []


def lock_across_forks() -> threading.Lock:
    """A lock for state that a child process may go on using. To be held only for moments."""
    lock = threading.Lock()
    with _FORKING:
        _LOCKS.add(lock)
    return lock


def _before() -> None:
    _FORKING.acquire()
    _taken.extend(lock for lock in [*_LOCKS] if lock.acquire(timeout=MAX_WAIT))


def _after() -> None:
    while _taken:
        _taken.pop().release()
    _FORKING.release()


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after)
