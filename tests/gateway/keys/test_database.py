from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing

import pytest

from claif_cla.gateway.keys import KeyStore, KeyStoreError


@pytest.fixture
def store(tmp_path):
    made = KeyStore(tmp_path / "state" / "keys.db")
    yield made
    made.close()


def changed_by_hand(path, statement):
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(statement)


def told(path, what):
    with closing(sqlite3.connect(path)) as db:
        return db.execute(what).fetchone()[0]


def test_readers_and_writers_do_not_wait_for_each_other(store):
    store.create("alice")
    assert told(store.path, "PRAGMA journal_mode") == "wal"
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert [key.name for key in store.list()] == ["alice"]


def test_wal_that_could_not_be_had_at_first_is_had_later(store):
    store.create("alice")
    store.close()
    assert told(store.path, "PRAGMA journal_mode = DELETE") == "delete"
    store.create("bob")
    assert told(store.path, "PRAGMA journal_mode") == "wal"


def test_all_files_are_for_their_owner_alone_whatever_the_umask(store):
    before = os.umask(0)
    try:
        store.create("alice")
        store.list()
        modes = {
            path.name: stat.S_IMODE(path.stat().st_mode) for path in store.path.parent.iterdir()
        }
    finally:
        os.umask(before)
    assert set(modes.values()) == {0o600}
    assert "keys.db" in modes


def test_one_file_is_left_when_nobody_uses_it(store):
    store.create("alice")
    store.list()
    store.close()
    assert [path.name for path in store.path.parent.iterdir()] == ["keys.db"]


def test_reading_makes_and_changes_nothing(store):
    assert store.list() == []
    assert not store.path.parent.exists()
    store.path.parent.mkdir()
    store.path.touch()
    assert (store.list(), store.version()) == ([], None)
    assert store.path.read_bytes() == b""
    store.create("alice")
    assert [key.name for key in store.list()] == ["alice"]


def test_a_file_of_a_newer_version_is_left_alone(store):
    store.create("alice")
    store.close()
    changed_by_hand(store.path, "PRAGMA user_version = 2")
    for use in (store.list, store.version, lambda: store.create("bob")):
        with pytest.raises(KeyStoreError, match=r"keys\.db was made by a newer claif_cla"):
            use()
    assert told(store.path, "SELECT count(*) FROM keys") == 1


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE keys SET limits = '{}}'",
        "UPDATE keys SET name = x'ff'",
        "UPDATE secrets SET digest = 'text'",
        "DROP TABLE secrets",
    ],
)
def test_what_is_damaged_within_is_told_by_the_file_s_name(store, damage):
    store.create("alice")
    changed_by_hand(store.path, damage)
    with pytest.raises(KeyStoreError, match=r"keys\.db"):
        store.list()


def test_a_path_that_cannot_be_is_told_by_its_name(store):
    store.path.parent.write_text("a file where a directory should be")
    for use in (
        store.list,
        store.version,
        lambda: store.create("alice"),
        lambda: store.revoke("key_0"),
    ):
        with pytest.raises(KeyStoreError, match=r"keys\.db"):
            use()


def test_a_path_may_hold_what_means_something_in_a_uri(tmp_path):
    with closing(KeyStore(tmp_path / "100% of? #1 ü" / "keys?mode=ro.db")) as store:
        store.create("alice")
        assert [key.name for key in store.list()] == ["alice"]
        assert store.path.exists()


def test_a_file_in_the_place_of_another_is_read(store, tmp_path):
    store.create("alice")
    assert [key.name for key in store.list()] == ["alice"]
    before = store.version()
    with closing(KeyStore(tmp_path / "backup.db")) as backup:
        backup.create("bob")
    for name in ("keys.db-wal", "keys.db-shm"):
        (store.path.parent / name).unlink()
    (tmp_path / "backup.db").replace(store.path)
    assert store.version() != before
    assert [key.name for key in store.list()] == ["bob"]


def test_a_new_connection_makes_a_new_version(store):
    # SQLite counts changes for each connection by itself, from the same number.
    store.create("alice")
    before = store.version()
    store.close()
    assert store.version() != before
