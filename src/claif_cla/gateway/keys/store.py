"""The keys in their SQLite file. Several processes may use it at the same time.

A secret has 256 random bits and is stored as its SHA-256. Slow hashes are for what people think
up: this cannot be guessed, and a slow hash would only slow down each request.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from claif_cla.gateway.keys.record import Key, KeyLimits, Scopes

__all__ = ["KeyStore", "KeyStoreError", "digest_of"]

PREFIX = "claif-"
SECRET_BYTES = 32
HINT = len(PREFIX) + 4
"""Characters of a secret that are shown again; the 39 others hold what cannot be guessed."""
BUSY_SECONDS = 5.0
"""How long one process waits for another's write."""
MAX_KEYS = 100_000
"""All of them are held in memory."""
_APPLICATION = 0x434C4B31
"""Stands in the file's head, so that nobody's other database is taken for keys."""
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


def digest_of(secret: str) -> bytes:
    """What a secret is stored as."""
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


class KeyStore:
    """The keys of one file, which is made with the first key.

    Args:
        path: of the file.

    Raises:
        KeyStoreError: from each method, where the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader: sqlite3.Connection | None = None

    def create(
        self,
        name: str,
        *,
        scopes: Scopes | None = None,
        limits: KeyLimits | None = None,
        expires: float | None = None,
        now: float | None = None,
    ) -> tuple[Key, str]:
        """A new key and its secret, which is told this once.

        Args:
            name: for people.
            scopes: what it is for.
            limits: how much it may use.
            expires: Unix seconds.
            now: Unix seconds, for tests.
        """
        now = time.time() if now is None else now
        secret = _secret()
        made = Key(
            id="key_" + secrets.token_hex(6),
            name=name,
            created=now,
            expires=expires,
            scopes=scopes or Scopes(),
            limits=limits or KeyLimits(),
            hint=secret[:HINT],
        )
        with self._writing() as db:
            (count,) = db.execute("SELECT count(*) FROM keys").fetchone()
            if count >= MAX_KEYS:
                raise KeyStoreError(f"{self.path} has {MAX_KEYS:,} keys already, the most it may")
            fields = (json.dumps(asdict(made.scopes)), json.dumps(asdict(made.limits)))
            row = (made.id, name, now, expires, None, *fields)
            db.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            self._add_secret(db, made.id, secret, now)
        return made, secret

    def list(self) -> list[Key]:
        """All keys, the oldest first."""
        return [key for key, _ in self.read()]

    def find(self, name: str) -> Key:
        """The key with this id, or the only valid one with this name.

        Raises:
            KeyError: there is none, or several; its argument says so.
        """
        keys = self.list()
        found = [key for key in keys if key.id == name] or [
            key for key in keys if key.name == name and key.revoked is None
        ]
        if len(found) != 1:
            many = "several keys have that name; give the id" if found else "there is no such key"
            raise KeyError(f"`{name}`: {many}")
        return found[0]

    def revoke(self, key_id: str, *, now: float | None = None) -> None:
        """Stop a key for good. Raises KeyError for an id that is none."""
        now = time.time() if now is None else now
        with self._writing() as db:
            self._check(db, key_id)
            db.execute("UPDATE keys SET revoked = coalesce(revoked, ?) WHERE id = ?", (now, key_id))

    def rotate(self, key_id: str, *, grace: float = 0.0, now: float | None = None) -> str:
        """A new secret for a key.

        Args:
            key_id: of a key that is not revoked.
            grace: seconds for which the earlier secrets go on to hold.
            now: Unix seconds, for tests.

        Raises:
            KeyError: for an id that is none, or of a revoked key.
        """
        now = time.time() if now is None else now
        secret = _secret()
        with self._writing() as db:
            self._check(db, key_id, revoked=False)
            until = now + grace
            db.execute(
                "UPDATE secrets SET until = min(coalesce(until, ?), ?) WHERE key_id = ?",
                (until, until, key_id),
            )
            self._add_secret(db, key_id, secret, now)
        return secret

    def read(self) -> Sequence[tuple[Key, dict[bytes, float | None]]]:
        """All keys, each with its secrets' digests and when these end."""
        if not self.path.exists():
            return []
        with self._reading() as db:
            rows = db.execute("SELECT * FROM keys ORDER BY created, id").fetchall()
            held = db.execute(
                "SELECT key_id, digest, until, hint FROM secrets ORDER BY created"
            ).fetchall()
        digests: dict[str, dict[bytes, float | None]] = {}
        hints: dict[str, str] = {}
        for key_id, digest, until, hint in held:
            digests.setdefault(key_id, {})[bytes(digest)] = until
            hints[key_id] = hint
        return [(_key(row, hints.get(row[0], "")), digests.get(row[0], {})) for row in rows]

    def version(self) -> tuple[int, ...] | None:
        """Changes whenever another process has changed a key; None without a file.

        Cheap: one look at the file system, and one at SQLite's own counter.
        """
        try:
            found = self.path.stat()
        except FileNotFoundError:
            self.close()
            return None
        with self._reading() as db:
            (changes,) = db.execute("PRAGMA data_version").fetchone()
        return (found.st_ino, found.st_dev, changes)

    def close(self) -> None:
        """Let go of the file."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _add_secret(self, db: sqlite3.Connection, key_id: str, secret: str, now: float) -> None:
        row = (digest_of(secret), key_id, secret[:HINT], now, None)
        db.execute("INSERT INTO secrets VALUES (?, ?, ?, ?, ?)", row)

    def _check(self, db: sqlite3.Connection, key_id: str, *, revoked: bool = True) -> None:
        row = db.execute("SELECT revoked FROM keys WHERE id = ?", (key_id,)).fetchone()
        if row is None:
            raise KeyError(f"`{key_id}`: there is no such key")
        if row[0] is not None and not revoked:
            raise KeyError(f"`{key_id}`: it is revoked")

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._told():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self.path.exists():
                with suppress(FileExistsError):
                    os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            db = self._connected()
            try:
                db.execute("BEGIN IMMEDIATE")
                with db:
                    yield db
            finally:
                db.close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._told():
            if self._reader is None:
                self._reader = self._connected()
            yield self._reader

    def _connected(self) -> sqlite3.Connection:
        db = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            if _application(db) != _APPLICATION:
                self._found(db)
        except BaseException:
            db.close()
            raise
        return db

    def _found(self, db: sqlite3.Connection) -> None:
        """Make the tables, unless another process just has."""
        db.execute("BEGIN IMMEDIATE")
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if _application(db) == 0 and not tables:
            for statement in _SCHEMA:
                db.execute(statement)
            db.execute(f"PRAGMA application_id = {_APPLICATION}")
        if _application(db) != _APPLICATION:
            db.execute("ROLLBACK")
            raise KeyStoreError(f"{self.path} is a database of something else, not of keys")
        db.execute("COMMIT")
        # For this alone SQLite does not wait for another process. It makes readers and writers
        # independent, and is not needed; keys are few and change rarely.
        with suppress(sqlite3.OperationalError):
            db.execute("PRAGMA journal_mode = WAL")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise KeyStoreError(f"cannot use the keys in {self.path}: {error}") from error


def _application(db: sqlite3.Connection) -> int:
    application: int = db.execute("PRAGMA application_id").fetchone()[0]
    return application


def _secret() -> str:
    return PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def _key(row: Any, hint: str) -> Key:
    key_id, name, created, expires, revoked, scopes, limits = row
    told = {name: tuple(values) for name, values in json.loads(scopes).items()}
    return Key(
        key_id,
        name,
        created,
        expires,
        revoked,
        Scopes(**told),
        KeyLimits(**json.loads(limits)),
        hint,
    )
