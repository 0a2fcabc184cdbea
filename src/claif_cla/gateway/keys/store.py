"""The keys in their SQLite file. Several processes may use it at the same time.

A secret has 256 random bits and is stored as its SHA-256. Slow hashes are for what people think
up: this cannot be guessed, and a slow hash would only slow down each request.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from claif_cla.gateway.keys.database import Database, KeyStoreError
from claif_cla.gateway.keys.record import Key, KeyLimits, Scopes
from claif_cla.gateway.keys.rows import Secret, key_of, row_of

__all__ = ["KeyStore", "KeyStoreError", "digest_of"]

PREFIX = "claif-"
SECRET_BYTES = 32
SECRET_LENGTH = len(PREFIX) + 43
HINT = len(PREFIX) + 4
"""Characters of a secret that are shown again; the 39 others hold what cannot be guessed."""
MAX_KEYS = 100_000
"""All of them are held in memory."""
MAX_SECRETS = 8
"""Of one key that hold at the same time: rotation with a grace must not pile them up."""


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
        self._file = Database(path)

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
        with self._file.writing() as db:
            (count,) = db.execute("SELECT count(*) FROM keys").fetchone()
            if count >= MAX_KEYS:
                raise KeyStoreError(f"{self.path} has {MAX_KEYS:,} keys already, the most it may")
            db.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?)", row_of(made))
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
            raise _several(name) if found else _missing(name)
        return found[0]

    def revoke(self, key_id: str, *, now: float | None = None) -> None:
        """Stop a key for good. Raises KeyError for an id that is none."""
        now = time.time() if now is None else now
        with self._changing(key_id) as db:
            db.execute("UPDATE keys SET revoked = coalesce(revoked, ?) WHERE id = ?", (now, key_id))

    def rotate(self, key_id: str, *, grace: float = 0.0, now: float | None = None) -> str:
        """A new secret for a key.

        Args:
            key_id: of a key that is not revoked.
            grace: seconds for which the earlier secrets go on to hold.
            now: Unix seconds, for tests.

        Raises:
            KeyError: for an id that is none, or of a revoked key.
            KeyStoreError: too many earlier secrets hold still; without grace they would end.
        """
        now = time.time() if now is None else now
        secret = _secret()
        until = now + grace
        with self._changing(key_id, revoked=False) as db:
            # Whoever shows one that has ended hears what they would hear of any unknown one.
            db.execute("DELETE FROM secrets WHERE key_id = ? AND until <= ?", (key_id, now))
            db.execute(
                "UPDATE secrets SET until = min(coalesce(until, ?), ?) WHERE key_id = ?",
                (until, until, key_id),
            )
            held = "SELECT count(*) FROM secrets WHERE key_id = ? AND until > ?"
            (count,) = db.execute(held, (key_id, now)).fetchone()
            if count >= MAX_SECRETS:
                raise KeyStoreError(
                    f"`{key_id}` has {count} secrets that still hold, the most it may: wait for"
                    " one of them to end, or rotate without a grace, which ends them all"
                )
            self._add_secret(db, key_id, secret, now)
        return secret

    def read(self) -> Sequence[tuple[Key, dict[bytes, float | None]]]:
        """All keys, each with its secrets' digests and when these end."""
        with self._file.told():
            db = self._file.reading()
            if db is None:
                return []
            rows = db.execute("SELECT * FROM keys ORDER BY created, id").fetchall()
            held = db.execute("SELECT key_id, digest, until, hint FROM secrets").fetchall()
            digests: dict[str, dict[bytes, float | None]] = {}
            hints: dict[str, str] = {}
            for secret in map(Secret.of, held):
                digests.setdefault(secret.key_id, {})[secret.digest] = secret.until
                if secret.until is None:  # the newest: rotation ends all others
                    hints[secret.key_id] = secret.hint
            return [(key_of(row, hints.get(row[0], "")), digests.get(row[0], {})) for row in rows]

    def version(self) -> tuple[int, ...] | None:
        """Changes whenever another process has changed a key; None while there is none.

        Cheap: one look at the file system, and one at SQLite's own counter. That counts for each
        connection by itself, so that a new connection makes a new version.
        """
        with self._file.told():
            db = self._file.reading()
            if db is None:
                return None
            (changes,) = db.execute("PRAGMA data_version").fetchone()
            return (self._file.opened, changes)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _add_secret(self, db: sqlite3.Connection, key_id: str, secret: str, now: float) -> None:
        row = (digest_of(secret), key_id, secret[:HINT], now, None)
        db.execute("INSERT INTO secrets VALUES (?, ?, ?, ?, ?)", row)

    @contextmanager
    def _changing(self, key_id: str, *, revoked: bool = True) -> Iterator[sqlite3.Connection]:
        """Write to a key that is there, and not revoked unless it may be."""
        if not self._file.is_there:
            raise _missing(key_id)
        with self._file.writing() as db:
            row = db.execute("SELECT revoked FROM keys WHERE id = ?", (key_id,)).fetchone()
            if row is None:
                raise _missing(key_id)
            if row[0] is not None and not revoked:
                raise KeyError(f"`{key_id}`: it is revoked")
            yield db


def _secret() -> str:
    return PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def _missing(name: str) -> KeyError:
    if name.startswith(PREFIX) and len(name) >= SECRET_LENGTH:  # it must stand in nobody's log
        return KeyError("that is a secret: give the id or the name of its key")
    return KeyError(f"`{name}`: there is no such key")


def _several(name: str) -> KeyError:
    return KeyError(f"`{name}`: several keys have that name; give the id")
