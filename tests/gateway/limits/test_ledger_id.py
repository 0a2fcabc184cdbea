"""What a ledger is known by among replicas."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from claif_cla.gateway.limits.ledger_id import ledger_id


def test_a_ledger_keeps_its_id(tmp_path):
    first = ledger_id(tmp_path / "ledger.db")
    assert len(first) == 24
    assert ledger_id(tmp_path / "ledger.db") == first
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.db.id"]


def test_ledgers_have_ids_of_their_own(tmp_path):
    assert ledger_id(tmp_path / "one.db") != ledger_id(tmp_path / "two.db")


def test_processes_that_start_together_agree(tmp_path):
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda _: ledger_id(tmp_path / "ledger.db"), range(64)))
    assert len(found) == 1


def test_a_file_that_holds_no_id_is_named(tmp_path):
    (tmp_path / "ledger.db.id").write_text("")
    with pytest.raises(OSError, match=r"ledger\.db\.id holds no id"):
        ledger_id(tmp_path / "ledger.db")
