from __future__ import annotations

import logging
import sqlite3
import threading

import pytest

from claif_cla.gateway.ledger import LedgerError, Report, journal, ledger, tables
from claif_cla.gateway.ledger.entry import line_of
from claif_cla.gateway.ledger.journal import Journal, segments


@pytest.fixture
def count(path):
    """How many requests are in the tables alone; the journals are not read."""

    def run():
        db = sqlite3.connect(path)
        (requests,) = db.execute("SELECT coalesce(sum(requests), 0) FROM days").fetchone()
        db.close()
        return requests

    return run


@pytest.fixture
def locked(path, monkeypatch):
    """Hold the database's lock, as another process would; nobody waits for it."""
    monkeypatch.setattr(tables, "BUSY_SECONDS", 0.0)
    dbs = []

    def hold():
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        dbs.append(db)
        return db

    yield hold
    for db in dbs:
        db.close()


@pytest.fixture
def full_disk(monkeypatch):
    """No journal of this process takes a line, until the list is emptied."""
    full = [True]
    append = Journal.append

    def refused(self, line):
        if full:
            raise OSError(28, "No space left on device")
        append(self, line)

    monkeypatch.setattr(Journal, "append", refused)
    return full


def test_an_entry_is_safe_before_anything_is_moved(opened, path, entry):
    one = entry()
    assert opened().append(one)
    assert [found.read_bytes() for found in segments(path)] == [line_of(one)]


def test_what_is_flushed_is_in_the_tables_and_its_journal_is_gone(opened, path, entry, count):
    book = opened()
    for _ in range(3):
        book.append(entry())
    assert book.flush()
    assert count() == 3
    assert [found.stat().st_size for found in segments(path)] == [0]


def test_the_background_moves_by_itself(opened, entry, count, monkeypatch):
    moved = threading.Event()
    insert = tables.Tables.insert

    def noticed(self, *batches):
        insert(self, *batches)
        moved.set()

    monkeypatch.setattr(tables.Tables, "insert", noticed)
    opened(move_seconds=0.01).append(entry())
    assert moved.wait(30)
    assert count() == 1


def test_the_background_survives_what_nobody_foresaw(opened, entry, caplog, monkeypatch):
    failed, moved = threading.Event(), threading.Event()

    def failing(self, *batches):
        if failed.is_set():
            moved.set()
        failed.set()
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(tables.Tables, "insert", failing)
    opened(move_seconds=0.01).append(entry())
    assert moved.wait(30)
    assert "unforeseen" in caplog.text


def test_closing_moves_the_rest_and_leaves_the_ledger_alone(opened, path, entry, count):
    book = opened()
    book.append(entry())
    book.close()
    book.close()
    assert count() == 1
    assert list(path.parent.iterdir()) == [path]


def test_an_entry_after_the_end_raises_nothing(opened, entry, caplog):
    book = opened()
    book.close()
    assert not book.append(entry())
    assert not book.flush()


def test_the_folder_is_made_for_its_owner_alone(opened, path):
    opened()
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_the_same_request_counts_once(opened, entry, count):
    book, one = opened(), entry()
    book.append(one)
    book.append(one)
    book.flush()
    book.append(one)
    book.flush()
    assert count() == 1


# Spent


def test_spent_is_by_key_for_the_day_and_the_month(opened, entry, at):
    book = opened()
    book.append(entry(cost=1))
    book.append(entry(cost=20, at=at("2026-11-01", "00:00")))
    book.append(entry(cost=300, at=at("2026-11-30", "23:59")))
    book.append(entry(cost=4_000, at=at("2026-10-31", "23:59")))
    book.append(entry(cost=50_000, at=at("2026-12-01", "00:00")))
    book.append(entry(cost=7, key="key_b", at=at("2026-11-22", "23:59")))
    book.append(entry(cost=None, key=""))
    now = at("2026-11-23", "23:59")
    expected = {"key_a": (1, 321), "key_b": (0, 7), "": (0, 0)}
    assert book.spent(now) == expected
    book.flush()
    assert book.spent(now) == expected


# Left by the dead


def test_what_a_dead_process_left_is_moved_at_start(opened, path, entry, count):
    opened().close()
    left = path.with_name(f"{path.name}.journal-99-dead-1")
    left.write_bytes(b"".join(line_of(entry()) for _ in range(5)) + line_of(entry())[:30])
    opened()
    assert count() == 5
    assert not left.exists()


def test_a_journal_that_was_moved_but_not_removed_counts_once(opened, path, entry, count):
    lines = b"".join(line_of(entry()) for _ in range(5))
    opened().close()
    for number in range(3):
        path.with_name(f"{path.name}.journal-99-dead-{number}").write_bytes(lines)
    opened()
    assert count() == 5


def test_a_journal_of_many_transactions_is_moved_whole(opened, path, entry, count, monkeypatch):
    monkeypatch.setattr(journal, "BATCH_BYTES", 500)
    monkeypatch.setattr(ledger, "TRANSACTION_BATCHES", 2)
    opened().close()
    left = path.with_name(f"{path.name}.journal-99-dead-1")
    left.write_bytes(b"".join(line_of(entry()) for _ in range(50)))
    opened()
    assert count() == 50


def test_broken_lines_are_told_and_left_out(opened, path, entry, count, caplog):
    opened().close()
    left = path.with_name(f"{path.name}.journal-99-dead-1")
    left.write_bytes(line_of(entry()) + b"\x00\x00\n" + line_of(entry()))
    opened()
    assert count() == 2
    assert "1 lines of" in caplog.text


def test_two_ledgers_on_one_file_keep_their_journals_apart(opened, path, entry, count):
    one, other = opened(), opened()
    for _ in range(3):
        one.append(entry())
        other.append(entry())
    assert len(segments(path)) == 2
    one.flush()
    assert count() == 3
    other.append(entry())
    other.flush()
    assert count() == 7


# When it cannot be written


def test_a_locked_database_keeps_the_journal_until_it_is_free(opened, entry, count, locked, caplog):
    book = opened()
    book.append(entry())
    other = locked()
    assert not book.flush()
    assert book.append(entry())
    assert not book.flush()
    other.execute("ROLLBACK")
    assert book.flush()
    assert count() == 2
    assert "the journal is kept" in caplog.text


def test_a_locked_database_makes_no_heap_of_segments(opened, path, entry, locked):
    book = opened()
    other = locked()
    for _ in range(5):
        book.append(entry())
        book.flush()
    assert len(segments(path)) <= 2
    other.execute("ROLLBACK")


def test_what_a_locked_database_has_not_is_reported_and_moved_at_the_next_start(
    opened, entry, locked, count
):
    book = opened()
    one = entry(cost=5)
    book.append(one)
    other = locked()
    assert book.spent(one.at) == {"key_a": (5, 5)}
    book.close()
    other.execute("ROLLBACK")
    assert count() == 0
    opened()
    assert count() == 1


def test_a_ledger_that_cannot_move_lets_go_of_its_file_all_the_same(opened, entry, locked):
    book = opened()
    book.append(entry())
    other = locked()
    book.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        book._tables._db.execute("SELECT 1")
    other.execute("ROLLBACK")


def test_a_full_database_keeps_the_journal(opened, entry, count, monkeypatch):
    book = opened()
    book.append(entry())

    def full(self, *batches):
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(tables.Tables, "insert", full)
        assert not book.flush()
    assert book.flush()
    assert count() == 1


def test_complaints_come_once_a_minute(opened, entry, locked, caplog):
    book = opened()
    book.append(entry())
    other = locked()
    for _ in range(5):
        book.flush()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    other.execute("ROLLBACK")


def test_entries_wait_in_memory_while_the_disk_is_full(opened, entry, count, full_disk, caplog):
    book = opened()
    assert not book.append(entry())
    assert not book.append(entry())
    assert book.waiting == 2
    assert not book.flush()
    full_disk.clear()
    assert book.flush()
    assert (book.waiting, book.dropped, count()) == (0, 0, 2)
    assert "entries wait in memory" in caplog.text


def test_beyond_the_bound_of_memory_entries_are_dropped_and_counted(
    opened, entry, full_disk, caplog, monkeypatch
):
    monkeypatch.setattr(ledger, "MAX_WAITING", 2)
    book = opened()
    for _ in range(5):
        book.append(entry(cost=1))
    assert (book.waiting, book.dropped) == (2, 3)
    assert "entries are lost" in caplog.text
    full_disk.clear()
    book.close()
    assert opened().spent(entry().at) == {"key_a": (2, 2)}


# At start


def test_a_folder_that_takes_no_file_is_an_error_at_start(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match=r"cannot be written .*ledger\.file"):
        ledger.Ledger(tmp_path / "file" / "ledger.db")


def test_a_journal_that_cannot_be_made_is_an_error_at_start(path, monkeypatch):
    def refused(self, path):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Journal, "__init__", refused)
    with pytest.raises(LedgerError, match="Read-only file system"):
        ledger.Ledger(path)


def test_a_database_that_stays_locked_is_an_error_at_start(opened, path, locked):
    opened().close()
    locked()
    with pytest.raises(LedgerError, match="locked"):
        opened()


# Old entries


@pytest.fixture
def aged(opened, entry):
    """A ledger with requests of forty and of three days ago."""
    book = opened()
    for days in (40, 3):
        book.append(entry(at=ledger.time.time() - days * 86_400, key=f"{days} days"))
    book.close()


def test_days_older_than_those_to_keep_are_removed_at_start(aged, opened, path):
    opened(keep_days=5)
    with Report(path) as report:
        assert [sums.by for sums in report.sums(["key"])] == [("3 days",)]


def test_the_sums_of_a_month_stay_until_it_ends(opened, entry, path, at):
    book = opened(keep_days=1)
    for day in ("2026-10-31", "2026-11-01", "2026-11-23"):
        book.append(entry(at=at(day), key=day, cost=7))
    book.flush()
    book._pruned_at = None
    book._prune(at("2026-11-23"))
    assert book.spent(at("2026-11-23")) == {"2026-11-01": (0, 7), "2026-11-23": (7, 7)}
    with Report(path) as report:
        assert [sums.by for sums in report.sums(["key"])] == [("2026-11-01",), ("2026-11-23",)]


def test_single_requests_go_after_a_week_and_their_sums_stay(aged, opened, path):
    opened()
    with Report(path) as report:
        assert [sums.by for sums in report.sums(["key"])] == [("3 days",), ("40 days",)]
    db = sqlite3.connect(path)
    assert db.execute("SELECT key FROM visits").fetchall() == [("3 days",)]
    db.close()


def test_an_old_journal_is_known_again_before_its_requests_are_removed(opened, path, entry):
    one = entry(at=ledger.time.time() - 10 * 86_400)
    left = path.with_name(f"{path.name}.journal-99-dead-1")
    book = opened()
    book.append(one)
    # As if the process had died between the move and the removal, and nobody had come since.
    book._tables.insert(f"[{line_of(one).decode()}]")
    left.write_bytes(line_of(one))
    book.close()
    opened()
    with Report(path) as report:
        assert report.sums([])[0].requests == 1


def test_old_entries_are_looked_for_once_an_hour(opened, monkeypatch):
    pruned = []
    monkeypatch.setattr(tables.Tables, "prune", lambda self, *days: pruned.append(days))
    clock = [1_000.0]
    monkeypatch.setattr(ledger.time, "monotonic", lambda: clock[0])
    book = opened()
    book.flush()
    assert len(pruned) == 1
    clock[0] += ledger.PRUNE_SECONDS
    book.flush()
    assert len(pruned) == 2
