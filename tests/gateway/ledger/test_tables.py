from __future__ import annotations

import json
import sqlite3

import pytest

from claif_cla.gateway.ledger import tables as tables_module
from claif_cla.gateway.ledger.tables import MAX_COUNT, LedgerError, Tables


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.db"


@pytest.fixture
def tables(path):
    opened = Tables(path)
    yield opened
    opened.close()


@pytest.fixture
def query(path):
    def run(text):
        db = sqlite3.connect(path)
        try:
            return db.execute(text).fetchall()
        finally:
            db.close()

    return run


def text(*entries):
    return json.dumps(entries)


def test_an_entry_is_a_row_of_its_day(tables, query, entry):
    tables.insert(text(entry(id="a", cost=140, estimated=True)))
    assert query("SELECT id, day, key, key_name, cost, estimated FROM visits") == [
        ("a", "2026-11-23", "key_a", "team a", 140, 1)
    ]


def test_sums_are_kept_by_day_key_and_model(tables, query, entry, at):
    tables.insert(
        text(
            entry(cache_read=1, cache_write_5m=2, cache_write_1h=3),
            entry(cost=None, status=500),
            entry(key="key_b"),
            entry(model="claude-haiku-5-5"),
            entry(at=at("2026-11-24")),
        )
    )
    rows = query(
        "SELECT day, key, model, requests, failed, unpriced, input, cache_read, cache_write,"
        " output, cost FROM days ORDER BY day, key, model"
    )
    assert rows == [
        ("2026-11-23", "key_a", "claude-haiku-5-5", 1, 0, 0, 10, 0, 0, 5, 140),
        ("2026-11-23", "key_a", "claude-opus-5-5", 2, 1, 1, 20, 1, 5, 10, 140),
        ("2026-11-23", "key_b", "claude-opus-5-5", 1, 0, 0, 10, 0, 0, 5, 140),
        ("2026-11-24", "key_a", "claude-opus-5-5", 1, 0, 0, 10, 0, 0, 5, 140),
    ]


def test_an_entry_counts_once_however_often_it_comes(tables, query, entry):
    one = entry()
    tables.insert(text(one, one))
    tables.insert(text(one, entry()))
    assert query("SELECT requests, cost FROM days") == [(2, 280)]


def test_the_latest_name_of_a_key_stands(tables, query, entry):
    tables.insert(text(entry(key_name="old"), entry(key_name="new")))
    assert query("SELECT key_name FROM days") == [("new",)]


@pytest.mark.parametrize(
    "other", [5, "text", None, {}, [], [1, 2], [None] * 15, ["id", "never", *[""] * 13]], ids=repr
)
def test_what_is_no_entry_is_left_out(tables, query, entry, other):
    tables.insert(text(entry(), other, entry()))
    assert query("SELECT requests FROM days") == [(2,)]


def test_numbers_beyond_all_counts_do_not_spoil_the_sums(tables, query, entry):
    tables.insert(text(entry(input=10**30, cost=2**62), entry(input=2**62, cost=2**62)))
    assert query("SELECT sum(input), sum(cost) FROM days") == [(2 * MAX_COUNT, 2 * MAX_COUNT)]


@pytest.fixture
def filled(tables, entry, at):
    days = ("2026-11-21", "2026-11-22", "2026-11-23")
    tables.insert(text(*(entry(at=at(day)) for day in days for _ in range(3))))
    return tables


def test_old_sums_and_requests_are_removed_each_by_its_own_day(filled, query):
    filled.prune("2026-11-22", "2026-11-23")
    found = [
        query(f"SELECT DISTINCT day FROM {table} ORDER BY day") for table in ("days", "visits")
    ]
    assert found == [[("2026-11-22",), ("2026-11-23",)], [("2026-11-23",)]]


def test_many_requests_are_removed_in_slices(filled, query, monkeypatch):
    monkeypatch.setattr(tables_module, "PRUNE_SLICE", 2)
    filled.prune("2026-01-01", "2026-11-23")
    assert query("SELECT count(*) FROM visits") == [(3,)]
    assert query("SELECT sum(requests) FROM days") == [(9,)]


def test_a_batch_that_fails_leaves_nothing(tables, query, entry):
    with pytest.raises(sqlite3.Error):
        tables.insert(text(entry())[:-1])
    assert query("SELECT count(*) FROM visits") == [(0,)]
    tables.insert(text(entry()))
    assert query("SELECT count(*) FROM visits") == [(1,)]


def test_a_ledger_is_found_again(path, tables, query, entry):
    tables.insert(text(entry()))
    Tables(path).close()
    assert query("SELECT requests FROM days") == [(1,)]


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("PRAGMA user_version = 99", "written by a later version"),
        ("CREATE TABLE keys (id)", "is no ledger"),
    ],
)
def test_another_file_is_not_taken_for_a_ledger(path, statement, complaint):
    db = sqlite3.connect(path)
    db.execute(statement)
    db.commit()
    db.close()
    with pytest.raises(LedgerError, match=f"{complaint}; name another file"):
        Tables(path)


def test_a_file_that_is_no_database_is_an_error(path):
    path.write_text("dear diary, " * 100)
    with pytest.raises(LedgerError, match=r"ledger\.db cannot be opened"):
        Tables(path)


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(LedgerError, match="check that the folder is there"):
        Tables(tmp_path / "none" / "ledger.db")


@pytest.fixture
def starting(path):
    """Another process that is about to make the file."""
    db = sqlite3.connect(path, isolation_level=None, timeout=0)
    db.execute("BEGIN EXCLUSIVE")
    yield db
    db.close()


def test_who_starts_at_the_same_time_is_waited_for(path, starting, monkeypatch):
    waited = []

    def done_meanwhile(seconds):
        waited.append(seconds)
        starting.execute("COMMIT")

    monkeypatch.setattr(tables_module.time, "sleep", done_meanwhile)
    Tables(path).close()
    assert len(waited) == 1


def test_who_never_comes_to_an_end_is_not_waited_for_forever(path, starting, monkeypatch):
    monkeypatch.setattr(tables_module, "BUSY_SECONDS", 0.0)
    with pytest.raises(LedgerError, match="locked"):
        Tables(path)
