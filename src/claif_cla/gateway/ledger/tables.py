"""The ledger's SQLite file.

`visits` has a row for each request of the last days, which is what makes an entry count once;
`days` has the sums by day, key and model, kept by a trigger: one that is ignored as known does not
fire it. Whoever asks for a month reads some rows of `days`, not a million of `visits`.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from claif_cla.gateway.ledger.entry import Entry

__all__ = ["COLUMNS", "ROWS", "SUMS", "LedgerError", "Tables"]

VERSION = 1
BUSY_SECONDS = 5.0
"""How long another process may hold the file before we give up, for now."""

BUSY_STEP = 0.02
"""Between two looks at it, where SQLite does not wait by itself."""

PRUNE_SLICE = 5_000
"""Requests that are removed at once: some tens of milliseconds of a lock."""

SUMS = ("requests", "failed", "unpriced", "input", "cache_read", "cache_write", "output", "cost")
"""The columns of `days` that add up."""

MAX_COUNT = 10**15
"""Larger numbers are no counts, whatever upstream says, and their sums would not fit 64 bits."""

COLUMNS = """
    id TEXT PRIMARY KEY, day TEXT NOT NULL, at REAL NOT NULL,
    key TEXT NOT NULL, key_name TEXT NOT NULL, model TEXT NOT NULL,
    endpoint TEXT NOT NULL, account TEXT NOT NULL, status INTEGER NOT NULL,
    input INTEGER NOT NULL, cache_read INTEGER NOT NULL,
    cache_write_5m INTEGER NOT NULL, cache_write_1h INTEGER NOT NULL,
    output INTEGER NOT NULL, cost INTEGER, estimated INTEGER NOT NULL
"""
_ADD = ", ".join(f"{name} = {name} + excluded.{name}" for name in SUMS)
_SCHEMA = f"""
CREATE TABLE visits ({COLUMNS}) WITHOUT ROWID;
CREATE INDEX visits_by_day ON visits (day);
CREATE TABLE days (
    day TEXT NOT NULL, key TEXT NOT NULL, model TEXT NOT NULL, key_name TEXT NOT NULL,
    {", ".join(f"{name} INTEGER NOT NULL" for name in SUMS)},
    PRIMARY KEY (day, key, model)
) WITHOUT ROWID;
CREATE TRIGGER sum_visits AFTER INSERT ON visits BEGIN
    INSERT INTO days (day, key, model, key_name, {", ".join(SUMS)}) VALUES (
        new.day, new.key, new.model, new.key_name,
        1, new.status >= 400, new.cost IS NULL,
        new.input, new.cache_read, new.cache_write_5m + new.cache_write_1h, new.output,
        coalesce(new.cost, 0)
    ) ON CONFLICT (day, key, model) DO UPDATE SET key_name = excluded.key_name, {_ADD};
END;
PRAGMA user_version = {VERSION};
"""  # noqa: S608 - constants
_COUNTED = ("status", "input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "cost")


def _field(name: str) -> str:
    value = f"json_extract(value, '$[{Entry._fields.index(name)}]')"
    return f"min({value}, {MAX_COUNT})" if name in _COUNTED else value


_FIELDS = ", ".join(map(_field, Entry._fields[1:]))
ROWS = f"""
SELECT {_field("id")}, date({_field("at")}, 'unixepoch'), {_FIELDS}
FROM json_each(?)
WHERE CASE type WHEN 'array' THEN json_array_length(value) END = {len(Entry._fields)}
"""  # noqa: S608 - constants
"""The rows of `visits` for a batch of a journal. SQLite reads the JSON itself: a call for each row
would give the interpreter away and wait for it again each time, beside a busy event loop for
milliseconds."""


class LedgerError(Exception):
    """The ledger cannot be used: what is wrong, where, and what to do."""


class Tables:
    """See the module. For one thread at a time.

    Args:
        path: of the file; it and its tables are made where they are missing.

    Raises:
        LedgerError: it cannot be opened, is no ledger, or one of a later version.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._db = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise _unusable(path, error) from error
        try:
            self._prepare(path)
        except sqlite3.Error as error:
            self._db.close()
            raise _unusable(path, error) from error
        except LedgerError:
            self._db.close()
            raise

    def _prepare(self, path: Path) -> None:
        # WAL: who reads a report does not keep entries out. FULL: what is committed survives a
        # power cut, since the journal that held it is removed right after.
        self._use_wal()
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("BEGIN IMMEDIATE")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0 and self._db.execute("SELECT 1 FROM sqlite_master").fetchone():
            version = -1  # a file of something else
        if version == 0:
            for statement in _statements(_SCHEMA):
                self._db.execute(statement)
        elif version != VERSION:
            whose = "was written by a later version" if version > 0 else "is no ledger"
            raise LedgerError(f"{path} {whose}; name another file in `ledger.file`")
        self._db.execute("COMMIT")

    def _use_wal(self) -> None:
        """For this one statement SQLite does not wait for others, such as one that starts too."""
        patience = time.monotonic() + BUSY_SECONDS
        while not self._uses_wal(last=time.monotonic() >= patience):
            time.sleep(BUSY_STEP)

    def _uses_wal(self, *, last: bool) -> bool:
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if last or "locked" not in str(error):
                raise
            return False
        return True

    def insert(self, *batches: str) -> None:
        """Add the entries that are not there yet, all or none.

        Args:
            batches: JSON arrays of entries, each as an array.

        Raises:
            sqlite3.Error: the file is locked or full.
        """
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for batch in batches:
                self._db.execute(f"INSERT OR IGNORE INTO visits {ROWS}", (batch,))
            self._db.execute("COMMIT")
        except BaseException:
            self._undo()
            raise

    def prune(self, days_before: str, visits_before: str) -> None:
        """Remove what is old, in slices between which other processes come through.

        Args:
            days_before: sums of earlier days go.
            visits_before: single requests of earlier days go.

        Raises:
            sqlite3.Error: the file is locked or full.
        """
        self._db.execute("DELETE FROM days WHERE day < ?", (days_before,))
        slice_of = "SELECT id FROM visits WHERE day < ? LIMIT ?"
        removed = PRUNE_SLICE
        while removed == PRUNE_SLICE:
            removed = self._db.execute(
                f"DELETE FROM visits WHERE id IN ({slice_of})",  # noqa: S608 - a constant
                (visits_before, PRUNE_SLICE),
            ).rowcount

    def _undo(self) -> None:
        if self._db.in_transaction:  # a full disk makes SQLite roll back by itself
            self._db.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file; what its write-ahead log holds goes into it."""
        self._db.close()


def _statements(script: str) -> list[str]:
    """The statements of a script, one by one: `executescript` would commit before the first."""
    found, rest = [], ""
    for piece in script.split(";"):
        rest += f"{piece};"
        if sqlite3.complete_statement(rest):
            if rest.strip(" \n;"):
                found.append(rest)
            rest = ""
    return found


def _unusable(path: Path, error: sqlite3.Error) -> LedgerError:
    advice = "check that the folder is there and can be written, or name another in `ledger.file`"
    return LedgerError(f"the ledger {path} cannot be opened ({error}); {advice}")
