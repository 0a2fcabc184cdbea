from __future__ import annotations

import itertools
from datetime import datetime

import pytest

from claif_cla.gateway.ledger import Entry, Ledger


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "ledger.db"


@pytest.fixture
def at():
    """Unix seconds of a day and time (UTC): `at("2026-11-23", "23:59")`."""

    def seconds(day, time="12:00"):
        return datetime.fromisoformat(f"{day}T{time}:00+00:00").timestamp()

    return seconds


@pytest.fixture
def entry(at):
    """Make an entry with an id of its own unless told."""
    numbers = itertools.count(1)

    def make(**facts):
        usual = {
            "id": f"req_{next(numbers):024}",
            "at": at("2026-11-23"),
            "key": "key_a",
            "key_name": "team a",
            "model": "claude-opus-5-5",
            "endpoint": "chat",
            "account": "default",
            "status": 200,
            "input": 10,
            "output": 5,
            "cost": 140,
        }
        return Entry(**{**usual, **facts})

    return make


@pytest.fixture
def opened(path):
    """Open ledgers in which `flush` alone moves: their background comes by once an hour."""
    ledgers = []

    def open_one(**options):
        # Old entries stay: the tests' days are fixed, and the clock is not.
        ledger = Ledger(path, **{"move_seconds": 3_600, "keep_days": 36_500, **options})
        ledgers.append(ledger)
        return ledger

    yield open_one
    for ledger in ledgers:
        ledger.close()
