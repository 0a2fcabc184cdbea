"""Files that are only appended to, one line an entry: an entry is safe before its answer ends.

A process writes one file at a time, its segment. Now and then the ledger closes the segment, opens
the next and moves the closed one into its tables: no file is cut while it is written. The lock
(`flock`) on a segment says that its process lives: the system takes it away with the process, and
whoever gets it then may move what is left.

    ledger.db.journal-<pid>-<random>-<number>      beside the ledger
"""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from claif_cla.gateway.ledger.entry import Entry, entry_of

__all__ = ["MAX_SEGMENT_BYTES", "Journal", "JournalFull", "adopted", "entries", "segments"]

MAX_SEGMENT_BYTES = 256 * 1024 * 1024
"""About a million entries: days of a database that takes nothing, and no full disk by our doing."""
MAX_LINE = 16 * 1024
"""Bytes of a line that is read; ours have some 300."""
ATTEMPTS = 10
"""To find a name for a segment that nobody has, or has just taken away."""
_MARK = ".journal-"


class JournalFull(OSError):
    """The segment has its full length."""


class Journal:
    """The segments of this process. `append` and `rotate` may be called from different threads.

    Args:
        ledger: path of the ledger that it belongs to.

    Raises:
        OSError: the folder takes no file.
    """

    def __init__(self, ledger: Path) -> None:
        self._base = f"{ledger}{_MARK}{os.getpid()}-{secrets.token_hex(4)}"
        self._number = 0
        self._lock = threading.Lock()
        self._torn = False
        self._path, self._file = self._next()
        self._size = 0

    def append(self, line: bytes) -> None:
        """Write a line; when this returns, the system has it, whatever becomes of the process.

        Raises:
            OSError: it could not be written, as on a full disk; nothing of it is left in the way.
        """
        with self._lock:
            if self._size + len(line) > MAX_SEGMENT_BYTES:
                raise JournalFull
            # A torn line that could not be taken back ends here, and is skipped when read.
            data = b"\n" + line if self._torn else line
            written = os.write(self._file, data)
            if written != len(data):
                self._take_back(written)
            self._torn = False
            self._size += len(data)

    def _take_back(self, written: int) -> None:
        """A full disk may take a part of a line."""
        try:
            os.ftruncate(self._file, self._size)
        except OSError:
            self._torn, self._size = True, self._size + written
        raise OSError(28, "the disk is full")

    def rotate(self) -> Path | None:
        """Begin the next segment; the one before, locked no more, or None if it has no line.

        Raises:
            OSError: there is no place for another file; this segment goes on.
        """
        if not self._size:
            return None
        path, file = self._next()
        with self._lock:
            done, old = self._path, self._file
            self._path, self._file, self._size, self._torn = path, file, 0, False
        # Whoever else takes it up now adds nothing: each entry counts once.
        os.close(old)
        return done

    def close(self) -> Path | None:
        """The last segment, or None if it has no line. Nothing can be appended after it."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1
        if self._size:
            return self._path
        with suppress(OSError):
            self._path.unlink()
        return None

    def _next(self) -> tuple[Path, int]:
        for _ in range(ATTEMPTS):
            self._number += 1
            path = Path(f"{self._base}-{self._number}")
            file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
            if _is_ours(file):
                return path, file
            # Between the two calls above, another process took it for an orphan.
            os.close(file)
        raise OSError(11, "other processes take the journal away")


def _is_ours(file: int) -> bool:
    """Whether we hold the lock of a file that is still there."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return os.fstat(file).st_nlink > 0


def segments(ledger: Path) -> list[Path]:
    """All journal files of a ledger, those of living processes too; oldest first.

    Raises:
        OSError: the folder cannot be read.
    """
    prefix = f"{ledger.name}{_MARK}"
    with os.scandir(ledger.parent) as folder:
        found = [Path(item.path) for item in folder if item.name.startswith(prefix)]
    return sorted(found, key=_age)


def _age(path: Path) -> tuple[float, str]:
    try:
        return path.stat().st_mtime, path.name
    except OSError:  # moved in the meantime
        return 0.0, path.name


def adopted(path: Path) -> BinaryIO | None:
    """A segment that no living process writes, opened and locked; None if one does, or it is gone.

    The caller closes it, after it has removed it.
    """
    try:
        file = path.open("rb")
    except OSError:
        return None
    if _is_ours(file.fileno()):
        return file
    file.close()
    return None


def entries(file: BinaryIO) -> Iterator[Entry | None]:
    """The entries of a segment in their order; None for a line that is none.

    What stands behind the last newline is a line whose writing was cut short: it was never
    promised to anyone, and is left out in silence.
    """
    while line := file.readline(MAX_LINE):
        if line.endswith(b"\n"):
            if line != b"\n":
                yield entry_of(line)
        elif len(line) == MAX_LINE:
            yield None
