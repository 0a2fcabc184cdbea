"""The SQLite file itself: found, opened, checked, shared with other processes."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

__all__ = ["Database", "KeyStoreError"]

BUSY_SECONDS = 5.0
"""How long one process waits for another's write."""
READ_BUSY_SECONDS = 1.0
"""The same for a reader. Where WAL is on it never waits; where it could not be had, this holds up
a gateway's event loop."""
_APPLICATION = 0x434C4B31
"""Stands in the file's head, so that nobody's other database is taken for keys."""
_VERSION = 1
"""Of the tables, and of what stands in `scopes` and `limits`: what a newer one limits by something
unknown here must not be let in without that limit."""
_SCHEMA = (
    """CREATE TABLE keys (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, created REAL NOT NULL, expires REAL, revoked REAL,
    scopes TEXT NOT NULL, limits TEXT NOT NULL)""",
    """CREATE TABLE secrets (
    digest BLOB PRIMARY KEY, key_id TEXT NOT NULL REFERENCES keys (id), hint TEXT NOT NULL,
    created REAL NOT NULL, until REAL) WITHOUT ROWID""",
)


class KeyStoreError(Exception):
    """The file cannot be used; the message says which, and why."""


class Database:
    """See the module. The file is made with the first write.

    Args:
        path: of the file.

    Attributes:
        opened: how often it was opened to be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.opened = 0
        self._reader: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    @property
    def is_there(self) -> bool:
        """Whether there is a file with something in it."""
        with self.told():
            return _file_at(self.path) is not None

    def close(self) -> None:
        """Let go of the file."""
        if self._reader is not None:
            self._reader.close()
            self._reader = self._file = None

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Change the file, all or nothing.

        Raises:
            KeyStoreError: see `told`; also for a file of something else, or of a newer version.
        """
        with self.told():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileExistsError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            with closing(self._connected(BUSY_SECONDS)) as db:
                if _application(db) == 0:
                    self._found(db)
                self._check(db)
                # For this alone SQLite does not wait for another process. It makes readers and
                # writers independent; the next write tries again.
                with suppress(sqlite3.OperationalError):
                    db.execute("PRAGMA journal_mode = WAL")
                db.execute("BEGIN IMMEDIATE")
                with db:
                    yield db

    def reading(self) -> sqlite3.Connection | None:
        """What the file is read by; None while there is no file, or nothing in it.

        A file that has taken the other's place is opened anew: SQLite would go on with the one
        that is no longer there.

        Raises:
            KeyStoreError: it is a file of something else, or of a newer version.
            OSError, sqlite3.Error: see `told`, which this is to be called in.
        """
        file = _file_at(self.path)
        if file != self._file:
            self.close()
        if self._reader is None and file is not None:
            db = self._connected(READ_BUSY_SECONDS)
            try:
                self._check(db)
            except BaseException:
                db.close()
                raise
            self._reader, self._file = db, file
            self.opened += 1
        return self._reader

    def _connected(self, seconds: float) -> sqlite3.Connection:
        # Never made by SQLite: it would be for others to read.
        uri = f"{self.path.absolute().as_uri()}?mode=rw"
        return sqlite3.connect(
            uri, timeout=seconds, isolation_level=None, check_same_thread=False, uri=True
        )

    def _found(self, db: sqlite3.Connection) -> None:
        """Make the tables, unless another process just has."""
        db.execute("BEGIN IMMEDIATE")
        with db:
            (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if _application(db) == 0 and not tables:
                for statement in _SCHEMA:
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {_VERSION}")
                db.execute(f"PRAGMA application_id = {_APPLICATION}")

    def _check(self, db: sqlite3.Connection) -> None:
        if _application(db) != _APPLICATION:
            raise KeyStoreError(f"{self.path} is a database of something else, not of keys")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise KeyStoreError(
                f"{self.path} was made by a newer claif_cla (its version is {version}, the newest"
                f" known here {_VERSION}): upgrade this one, or give it a file of its own"
            )

    @contextmanager
    def told(self) -> Iterator[None]:
        """Turn what SQLite, the file system and damaged rows raise into `KeyStoreError`."""
        try:
            yield
        except (sqlite3.Error, OSError, ValueError) as error:
            self.close()
            raise KeyStoreError(f"cannot use the keys in {self.path}: {error}") from error


def _application(db: sqlite3.Connection) -> int:
    application: int = db.execute("PRAGMA application_id").fetchone()[0]
    return application


def _file_at(path: Path) -> tuple[int, int] | None:
    """Which file is there; None for none, and for one that nobody has written to yet."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return (found.st_dev, found.st_ino) if found.st_size else None
