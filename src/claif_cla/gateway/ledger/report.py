"""What the ledger says: tables and journals read together, so that nothing is missing.

Read-only: a report changes nothing and keeps nobody waiting. The journals are read before the
tables, because entries only go that way; one that is found in both counts once, by its id.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple, TypeAlias
from urllib.parse import quote

from typing_extensions import Self

from claif_cla.gateway.ledger.entry import day_of
from claif_cla.gateway.ledger.journal import batches, segments
from claif_cla.gateway.ledger.tables import (
    BUSY_SECONDS,
    COLUMNS,
    ROWS,
    SUMS,
    VERSION,
    LedgerError,
)

__all__ = ["Group", "Report", "Spent", "Sums"]

Group: TypeAlias = Literal["key", "model", "day"]

_PENDING = f"CREATE TEMP TABLE pending ({COLUMNS}) WITHOUT ROWID"
_INSERT = f"INSERT OR IGNORE INTO temp.pending {ROWS}"
# The same columns as `days`; a row for each request does as well, they are summed anyway.
_ALL = f"""
CREATE TEMP VIEW everything AS
SELECT day, key, model, key_name, {", ".join(SUMS)} FROM main.days
UNION ALL
SELECT day, key, model, key_name, 1, status >= 400, cost IS NULL,
    input, cache_read, cache_write_5m + cache_write_1h, output, coalesce(cost, 0)
FROM temp.pending WHERE id NOT IN (SELECT id FROM main.visits)
"""  # noqa: S608 - constants


class Sums(NamedTuple):
    """The sums of one group of requests.

    Attributes:
        by: the group's values, in the order that was asked for: a key's id (empty for callers
            without one), a model, a day (`2026-11-23`, UTC).
        requests: all of them; `failed`: those that were answered with an error.
        unpriced: those of models whose prices are unknown, which count nothing in `cost`.
        input, cache_read, cache_write, output: tokens; `input` is what the cache had no part in.
        cost: micro-USD.
    """

    by: tuple[str, ...]
    requests: int
    failed: int
    unpriced: int
    input: int
    cache_read: int
    cache_write: int
    output: int
    cost: int


class Spent(NamedTuple):
    """Micro-USD of one key, on a day and in its month (UTC)."""

    day: int
    month: int


class Report:
    """See the module. A context manager; what it says is of the moment when it was opened.

    Args:
        path: of the ledger.

    Raises:
        LedgerError: there is none, or it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise LedgerError(f"there is no ledger at {path}; the gateway makes it when it starts")
        uri = f"file:{quote(os.fspath(path.absolute()))}?mode=ro"
        try:
            self._db = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        except sqlite3.Error as error:
            raise _unreadable(path, error) from error
        try:
            _open(self._db, path)
        except (sqlite3.Error, OSError) as error:
            self._db.close()
            raise _unreadable(path, error) from error
        except LedgerError:
            self._db.close()
            raise

    def sums(
        self,
        by: Sequence[Group],
        *,
        since: str | None = None,
        until: str | None = None,
        key: str | None = None,
    ) -> list[Sums]:
        """The sums by groups, in the order of their values; one line for all without any group.

        Args:
            by: `key`, `model`, `day`, each at most once.
            since: the first day, as `2026-11-23`; None for the first there is.
            until: the last day; None for the last there is.
            key: id or name of the only key that counts; by its name it counts under all ids that
                ever had the name.
        """
        where, values = _where(since, until, key)
        groups = ", ".join(by)
        sums = ", ".join(f"coalesce(sum({name}), 0)" for name in SUMS)
        query = f"SELECT {', '.join([*by, sums])} FROM everything {where}"  # noqa: S608 - constants
        if by:
            query += f" GROUP BY {groups} ORDER BY {groups}"
        rows = self._db.execute(query, values)
        return [Sums(tuple(row[: len(by)]), *row[len(by) :]) for row in rows]

    def key_names(self) -> dict[str, str]:
        """The latest name of each key."""
        rows = self._db.execute("SELECT key, key_name FROM everything ORDER BY day")
        return {key: name for key, name in rows if name}

    def spent(self, now: float) -> dict[str, Spent]:
        """What each key has spent on the day and in the month (UTC) of a time in Unix seconds."""
        day = day_of(now)
        rows = self._db.execute(
            "SELECT key, sum(CASE WHEN day = ? THEN cost ELSE 0 END), sum(cost) FROM everything"
            " WHERE day BETWEEN ? AND ? GROUP BY key",
            (day, f"{day[:7]}-01", f"{day[:7]}-31"),
        )
        return {key: Spent(today, month) for key, today, month in rows}

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _open(db: sqlite3.Connection, path: Path) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version != VERSION:
        whose = "was written by a later version" if version > VERSION else "is no ledger"
        raise LedgerError(f"{path} {whose}")
    db.execute("PRAGMA temp_store = MEMORY")
    db.execute(_PENDING)
    for text in _pending(path):
        db.execute(_INSERT, (text,))
    db.execute(_ALL)
    db.execute("BEGIN")  # one moment for all that is asked
    db.execute("SELECT count(*) FROM main.days").fetchone()


def _unreadable(path: Path, error: Exception) -> LedgerError:
    return LedgerError(f"the ledger {path} cannot be read ({error})")


def _pending(path: Path) -> Iterator[str]:
    """What stands in journals, those of living processes too."""
    for segment in segments(path):
        try:
            file = segment.open("rb")
        except FileNotFoundError:  # moved in the meantime: the tables have it
            continue
        with file:
            for batch in batches(file):
                yield batch.text


def _where(since: str | None, until: str | None, key: str | None) -> tuple[str, list[str]]:
    terms: list[str] = []
    values: list[str] = []
    for term, value in (("day >= ?", since), ("day <= ?", until)):
        if value is not None:
            terms.append(term)
            values.append(value)
    if key is not None:
        terms.append("(key = ? OR key_name = ?)")
        values += [key, key]
    return (f"WHERE {' AND '.join(terms)}" if terms else ""), values
