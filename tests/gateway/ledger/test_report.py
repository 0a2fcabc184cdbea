from __future__ import annotations

import sqlite3

import pytest

from claif_cla.gateway.ledger import Ledger, LedgerError, Report, Sums, report
from claif_cla.gateway.ledger.journal import segments


@pytest.fixture
def filled(opened, entry, at):
    """A ledger with half of its entries in the tables and half in the journal."""
    book = opened()
    book.append(entry(cost=1, cache_read=7))
    book.append(entry(cost=20, key="key_b", key_name="b", at=at("2026-11-22"), status=429))
    book.flush()
    book.append(entry(cost=300, model="claude-haiku-5-5", cache_write_5m=2, cache_write_1h=3))
    book.append(entry(cost=None, key="", key_name="", model="gpt-5", at=at("2026-11-24")))
    return book


@pytest.fixture
def asked(filled, path):
    def ask(*by, **span):
        with Report(path) as found:
            return found.sums(by, **span)

    return ask


def test_without_groups_there_is_one_sum(asked):
    assert asked() == [Sums((), 4, 1, 1, 40, 7, 5, 20, 321)]


def test_groups_come_in_the_order_of_their_values(asked):
    assert [(sums.by, sums.cost) for sums in asked("day")] == [
        (("2026-11-22",), 20),
        (("2026-11-23",), 301),
        (("2026-11-24",), 0),
    ]


def test_groups_of_several_kinds(asked):
    assert [(sums.by, sums.requests) for sums in asked("key", "model")] == [
        (("", "gpt-5"), 1),
        (("key_a", "claude-haiku-5-5"), 1),
        (("key_a", "claude-opus-5-5"), 1),
        (("key_b", "claude-opus-5-5"), 1),
    ]


@pytest.mark.parametrize(
    ("span", "cost"),
    [
        ({"since": "2026-11-23"}, 301),
        ({"until": "2026-11-22"}, 20),
        ({"since": "2026-11-22", "until": "2026-11-23"}, 321),
        ({"key": "key_a"}, 301),
        ({"key": "team a"}, 301),
        ({"key": "b", "since": "2026-11-22"}, 20),
    ],
)
def test_a_span_of_days_and_a_key_narrow_it_down(asked, span, cost):
    (sums,) = asked(**span)
    assert sums.cost == cost


def test_where_there_is_nothing_there_are_no_groups(asked):
    assert asked("day", since="2030-01-01") == []
    assert asked(since="2030-01-01") == [Sums((), 0, 0, 0, 0, 0, 0, 0, 0)]


def test_names_of_keys_are_the_latest(filled, path, entry, at):
    filled.append(entry(key_name="renamed", at=at("2026-11-25")))
    with Report(path) as found:
        assert found.key_names() == {"key_a": "renamed", "key_b": "b"}


def test_an_entry_in_tables_and_journal_counts_once(opened, path, entry):
    book, one = opened(), entry(cost=5)
    book.append(one)
    book.flush()
    book.append(one)
    with Report(path) as found:
        assert found.sums([])[0].requests == 1
        assert found.spent(one.at) == {"key_a": (5, 5)}


def test_what_is_moved_while_the_journals_are_read_counts_once(opened, path, entry, monkeypatch):
    book = opened()
    book.append(entry(cost=5))
    batches = report.batches

    def moved_meanwhile(file):
        yield from batches(file)
        book.flush()

    monkeypatch.setattr(report, "batches", moved_meanwhile)
    with Report(path) as found:
        assert found.sums([])[0].requests == 1


def test_what_is_moved_before_the_journals_are_read_is_not_missed(opened, path, entry, monkeypatch):
    book = opened()
    book.append(entry(cost=5))
    found_before = segments(path)
    book.flush()
    monkeypatch.setattr(report, "segments", lambda path: found_before)
    with Report(path) as found:
        assert found.sums([])[0].requests == 1


def test_a_report_changes_nothing(filled, path):
    before = [found.read_bytes() for found in segments(path)]
    with Report(path) as found:
        found.sums(["day"])
    assert [found.read_bytes() for found in segments(path)] == before


def test_a_report_is_of_one_moment(filled, path, entry):
    with Report(path) as found:
        before = found.sums([])
        filled.append(entry())
        filled.flush()
        assert found.sums([]) == before


def test_no_ledger_is_an_error_that_says_so(path):
    with pytest.raises(LedgerError, match=r"there is no ledger at .*ledger\.db"):
        Report(path)


def test_another_file_is_an_error(tmp_path):
    path = tmp_path / "ledger.db"
    path.write_text("dear diary, " * 100)
    with pytest.raises(LedgerError, match="cannot be read"):
        Report(path)
    path.unlink()
    sqlite3.connect(path).execute("CREATE TABLE keys (id)").connection.close()
    with pytest.raises(LedgerError, match="is no ledger"):
        Report(path)


def test_a_path_with_signs_of_its_own_is_read(tmp_path, entry):
    path = tmp_path / "50% off? #1" / "ledger.db"
    book = Ledger(path, keep_days=36_500)
    book.append(entry(cost=9))
    book.close()
    with Report(path) as found:
        assert found.sums([])[0].cost == 9
