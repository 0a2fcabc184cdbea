"""Files that are only appended to, one line an entry: an entry is safe before its answer ends.

A process writes one file at a time, its segment. Now and then the ledger closes the segment, opens
the next and moves the closed one into its tables: no file is cut while it is written. The lock
(`flock`) on a segment says that its process lives: the system takes it away with the process, and
whoever gets it then may move what is left.

    ledger.db.journal-<pid>-<random>-<number>      beside the ledger
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pydantic_core import from_json

from claif_cla.gateway.ledger.entry import is_line

__all__ = ["MAX_SEGMENT_BYTES", "Batch", "Journal", "adopted", "batches", "segments"]

MAX_SEGMENT_BYTES = 256 * 1024 * 1024
"""About a million entries: days of a database that takes nothing, and no full disk by our doing."""
BATCH_BYTES = 64 * 1024
"""Of lines that are looked at in one go, some 200: half a millisecond of the interpreter."""
ATTEMPTS = 10
"""To find a name for a segment that nobody has, or has just taken away."""
_MARK = ".journal-"


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
                raise OSError(errno.EFBIG, "the journal has its full length")
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
        raise OSError(errno.ENOSPC, "the disk is full")

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

    def close(self) -> None:
        """Let go of the last segment; nothing can be appended any more. Call it once."""
        with self._lock:
            os.close(self._file)
            self._file = -1
        if not self._size:
            with suppress(OSError):
                self._path.unlink()

    def _next(self) -> tuple[Path, int]:
        for _ in range(ATTEMPTS):
            self._number += 1
            path = Path(f"{self._base}-{self._number}")
            file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                if _is_ours(file):
                    return path, file
            except OSError:
                path.unlink(missing_ok=True)
                os.close(file)
                raise
            # Between the calls above, another process took it for an orphan.
            os.close(file)
        raise OSError(errno.EAGAIN, "other processes take the journal away")


def _is_ours(file: int) -> bool:
    """Whether we hold the lock of a file that is still there.

    Raises:
        OSError: the file system knows no locks.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
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

    Raises:
        OSError: it cannot be read.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    try:
        ours = _is_ours(file.fileno())
    except OSError:
        file.close()
        raise
    if ours:
        return file
    file.close()
    return None


class Batch(NamedTuple):
    """Lines of a segment: one JSON array of the arrays that are entries.

    Attributes:
        text: of the array.
        unreadable: how many lines are no entries, and are left out.
    """

    text: str
    unreadable: int


def batches(file: BinaryIO) -> Iterator[Batch]:
    """The lines of a segment, in their order.

    They are not parsed one by one: what takes the interpreter's time here is taken from requests.
    What stands behind the last newline is a line whose writing was cut short; nobody was answered
    on the strength of it, and it is left out in silence.
    """
    while lines := file.readlines(BATCH_BYTES):
        if not lines[-1].endswith(b"\n"):
            lines.pop()
        text = b"[%b]" % b",".join(lines)
        unreadable = 0
        if not _is_sound(text):
            whole = [line for line in lines if line != b"\n"]
            sound = [line for line in whole if is_line(line)]
            unreadable = len(whole) - len(sound)
            text = b"[%b]" % b",".join(sound)
        yield Batch(text.decode(), unreadable)


def _is_sound(text: bytes) -> bool:
    try:
        from_json(text, allow_inf_nan=False)  # SQLite knows no NaN
    except ValueError:
        return False
    return True
