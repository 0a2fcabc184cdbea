"""Lines on their way to a terminal, a pipe or a file that may be slow, or may have stopped reading.

They wait in memory, and a thread writes them. What waits is bounded; beyond that, lines are
dropped and counted. No request ever waits for a reader.
"""

from __future__ import annotations

import os
import select
import sys
import threading
from collections import deque
from collections.abc import Callable

__all__ = ["CLOSE_SECONDS", "MAX_WAITING_BYTES", "LineWriter"]

MAX_WAITING_BYTES = 8 * 1024 * 1024
"""What waits for a slow reader: about 12,000 lines."""
FLUSH_SECONDS = 0.2
"""How long a line may wait for others, with which it is written in one go."""
PIECE_BYTES = 64 * 1024
"""Of one write: what a pipe takes."""
CLOSE_SECONDS = 2.0
"""How long the end of the process waits for the reader."""


class LineWriter:
    """See the module. One thread adds lines.

    Args:
        write: takes bytes, and may block or fail; standard error unless given.
    """

    def __init__(self, write: Callable[[bytes], object] | None = None) -> None:
        self._write = write or _to_stderr
        self._lines: deque[bytes] = deque()
        # Each number is changed by one thread alone: those that add, and those that write.
        self._added = self._refused = 0
        self._written = self._lost = 0
        self._wake, self._closing = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def dropped(self) -> int:
        """Lines that were not written, because there was no room or no reader."""
        return self._refused + self._lost

    @property
    def waiting_bytes(self) -> int:
        """What has been added and is not written yet."""
        return self._added - self._written

    def add(self, line: bytes) -> None:
        """Have a line written, soon. Never waits.

        Args:
            line: with its end.
        """
        if self._added - self._written + len(line) > MAX_WAITING_BYTES or self._closing.is_set():
            self._refused += 1
            return
        self._added += len(line)
        self._lines.append(line)
        if not self._wake.is_set():
            self._wake.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._closing.wait(FLUSH_SECONDS)
            self._wake.clear()  # before looking: a line that comes now wakes it again
            self._flush()
        self._flush()

    def _flush(self) -> None:
        while self._lines:
            lines: list[bytes] = []
            size = 0
            while self._lines and size < PIECE_BYTES:
                lines.append(self._lines.popleft())
                size += len(lines[-1])
            try:
                self._write(b"".join(lines))
            except Exception:  # noqa: BLE001 - there is nowhere left to tell it but the counter
                self._lost += len(lines)
            self._written += size

    def close(self) -> None:
        """Write what waits, for `CLOSE_SECONDS` at most; lines that come later are dropped."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)


def _to_stderr(data: bytes) -> None:
    """Past Python's own buffer: its lock would hold up whoever else writes there meanwhile.

    Raises:
        OSError: nobody reads it any more.
    """
    try:
        descriptor = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # replaced by something that is no file
        sys.stderr.write(data.decode())
        return
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:  # noqa: PERF203 - a parent process has made the pipe so
            select.select([], [descriptor], [])
