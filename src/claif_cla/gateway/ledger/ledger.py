"""`Ledger`: takes entries at once, and brings them into the tables in the background.

What happens when things go wrong, in the order of where an entry is:

- The database is locked or full: the journal is kept and grows, up to `MAX_SEGMENT_BYTES`, and is
  moved as soon as the database takes it. Requests are served all the while.
- The journal cannot be written (the disk is full) or is at its bound: entries wait in memory, up to
  `MAX_WAITING`, and are written once there is room. They would be lost with the process.
- That bound too is reached: further entries are dropped, and `dropped` counts them. The service
  goes on: to refuse work because no notes can be taken would be the bigger damage, and limits and
  budgets go by the counters, not by the ledger.

Each of these is an error in the log, once a minute for as long as it lasts. At start it is
different: a ledger that cannot be opened ends it.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import deque
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from claif_cla.gateway.ledger.entry import Entry, day_of, line_of
from claif_cla.gateway.ledger.journal import Journal, adopted, batches, segments
from claif_cla.gateway.ledger.report import Report, Spent
from claif_cla.gateway.ledger.tables import LedgerError, Tables

__all__ = ["Ledger"]

MOVE_SECONDS = 1.0
"""How often the journal is moved, and so what a power cut may take."""
TRANSACTION_BATCHES = 16
"""A megabyte, about four thousand entries: some tens of milliseconds in which others wait."""
MAX_WAITING = 10_000
"""Entries kept in memory while nothing can be written: some 3 MB."""
KEEP_VISITS = timedelta(days=7)
"""Single requests are kept to know an entry that comes again. A journal is moved a second after its
process, or the next one's start, and before anything is removed; at a million requests a day, a
year of them would fill a disk of 80 GB. The sums by day stay."""
PRUNE_SECONDS = 3_600.0
"""How often old entries are looked for."""
SILENCE_SECONDS = 60.0
"""Between two complaints of one kind."""
CLOSE_SECONDS = 10.0
"""How long the end waits for a move that is under way; the journal keeps what it leaves."""

_log = logging.getLogger(__name__)


class Ledger:
    """See the module. `append` is for the event loop; all methods may be called from any thread.

    Args:
        path: of the SQLite file; its folder is made if it is missing. Several processes may share
            one file: each has its own journal.
        keep_days: sums of older days are removed, when their month is over; single requests after
            a week.
        move_seconds: how often the journal is moved.

    Raises:
        LedgerError: the file or its folder cannot be used.
    """

    def __init__(
        self, path: Path, *, keep_days: int = 400, move_seconds: float = MOVE_SECONDS
    ) -> None:
        self.path = path.absolute()
        self.dropped = 0
        self._keep, self._move_seconds = timedelta(days=keep_days), move_seconds
        self._waiting: deque[bytes] = deque()
        self._complained: dict[str, float] = {}
        self._pruned_at: float | None = None
        self._moving = threading.Lock()
        self._closing = threading.Event()
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._tables = Tables(self.path)
            self._journal = self._begun()
        except OSError as error:
            advice = "its folder must take new files; name another in `ledger.file`"
            raise LedgerError(
                f"the ledger {self.path} cannot be written ({error.strerror}); {advice}"
            ) from error
        self.flush()
        self._thread = threading.Thread(target=self._run, name="claif-ledger", daemon=True)
        self._thread.start()

    def _begun(self) -> Journal:
        try:
            return Journal(self.path)
        except OSError:
            self._tables.close()
            raise

    def append(self, entry: Entry) -> bool:
        """Take an entry; whether it is on disk, which only a disk that takes nothing prevents.

        Takes some microseconds and never raises.
        """
        line = line_of(entry)
        try:
            self._journal.append(line)
        except OSError as error:
            self._hold(line, error)
            return False
        return True

    def _hold(self, line: bytes, error: OSError) -> None:
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append(line)
            self._complain("the journal takes nothing (%s); entries wait in memory", error)
        else:
            self.dropped += 1
            self._complain("the journal takes nothing (%s); entries are lost", error)

    @property
    def waiting(self) -> int:
        """How many entries are in memory alone."""
        return len(self._waiting)

    def spent(self, now: float) -> dict[str, Spent]:
        """What each key has spent on the day and in the month (UTC) of a time in Unix seconds.

        Raises:
            LedgerError: the ledger cannot be read.
        """
        with Report(self.path) as report:
            return report.spent(now)

    def flush(self) -> bool:
        """Move all there is into the tables, now; whether that went well."""
        with self._moving:
            if self._closing.is_set():
                return False
            try:
                self._write_waiting()
                # First what is left: as long as that does not go, no further segment is begun.
                self._move_all()
                if self._journal.rotate() is not None:
                    self._move_all()
                self._prune(time.time())  # after the move: see `KEEP_VISITS`
            except (sqlite3.Error, OSError) as error:
                self._complain("the ledger takes nothing (%s); the journal is kept", error)
                return False
            return not self._waiting

    def close(self) -> None:
        """Move what there is and let go of the files. The next start moves what does not go."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._thread.join(CLOSE_SECONDS)
        if not self._moving.acquire(timeout=CLOSE_SECONDS):
            return
        try:
            with suppress(OSError):
                self._write_waiting()
            self._journal.close()
            try:
                self._move_all()
            finally:
                self._tables.close()
        except (sqlite3.Error, OSError) as error:
            _log.error("%s takes nothing (%s); the next start moves the journal", self.path, error)
        finally:
            self._moving.release()

    # The background

    def _run(self) -> None:
        while not self._closing.wait(self._move_seconds):
            self._flush_in_peace()

    def _flush_in_peace(self) -> None:
        try:
            self.flush()
        except Exception as error:  # noqa: BLE001 - a thread that ended would never be missed
            self._complain("the journal could not be moved (%r)", error)

    def _write_waiting(self) -> None:
        for _ in range(len(self._waiting)):
            try:
                self._journal.append(self._waiting[0])
            except OSError as error:
                self._complain("the journal takes nothing (%s); entries wait in memory", error)
                return
            self._waiting.popleft()

    def _move_all(self) -> None:
        """Move each segment that nobody writes, those of dead processes too."""
        for path in segments(self.path):
            file = adopted(path)
            if file is None:
                continue
            with file:
                self._move(path, file)

    def _move(self, path: Path, file: BinaryIO) -> None:
        unreadable = 0
        found = batches(file)
        # Several in a transaction: each of these waits for the disk.
        while some := list(islice(found, TRANSACTION_BATCHES)):
            self._tables.insert(*(batch.text for batch in some))
            unreadable += sum(batch.unreadable for batch in some)
        if unreadable:
            _log.error("%d lines of %s are no entries and were left out", unreadable, path)
        # Only now: who dies before this line has the segment read again, and counted once.
        path.unlink(missing_ok=True)

    def _prune(self, now: float) -> None:
        clock = time.monotonic()
        if self._pruned_at is not None and clock - self._pruned_at < PRUNE_SECONDS:
            return
        days = day_of(now - self._keep.total_seconds())
        visits = day_of(now - min(self._keep, KEEP_VISITS).total_seconds())
        month = f"{day_of(now)[:7]}-01"  # a start must know what is spent of the month's budgets
        self._tables.prune(min(days, month), visits)
        self._pruned_at = clock

    def _complain(self, text: str, error: Exception) -> None:
        now = time.monotonic()
        last = self._complained.get(text)
        if last is None or now - last >= SILENCE_SECONDS:
            self._complained[text] = now
            _log.error(f"%s: {text}", self.path, error)
