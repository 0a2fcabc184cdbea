from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys

import pytest

from claif_cla.gateway.keys import KeyLimits, KeyStore, KeyStoreError, Scopes
from claif_cla.gateway.keys.store import MAX_SECRETS, digest_of

MANY = """
import sys
from pathlib import Path
from claif_cla.gateway.keys import KeyStore
for number in range(10):
    KeyStore(Path(sys.argv[1])).create(f"{sys.argv[2]}-{number}")
"""


@pytest.fixture
def store(tmp_path):
    made = KeyStore(tmp_path / "state" / "keys.db")
    yield made
    made.close()


def test_a_key_is_kept_with_all_that_is_known_of_it(store):
    scopes = Scopes(("claude-sonnet-*",), ("chat",))
    limits = KeyLimits(60, 10_000, 3, 5_000_000, None)
    key, secret = store.create("alice", scopes=scopes, limits=limits, expires=9.0, now=7.0)
    assert store.list() == [key]
    assert (key.name, key.scopes, key.limits, key.created, key.expires) == (
        "alice",
        scopes,
        limits,
        7.0,
        9.0,
    )
    assert key.id.startswith("key_")
    assert secret.startswith(key.hint)
    assert len(secret) == len("claif-") + 43


def test_a_secret_is_nowhere_but_in_the_hands_of_who_made_it(store):
    key, secret = store.create("alice")
    written = b"".join(path.read_bytes() for path in store.path.parent.iterdir())
    assert secret.encode() not in written
    assert secret.encode()[len("claif-") + 4 :] not in written
    assert key.hint == secret[: len("claif-") + 4]
    assert digest_of(secret) in written
    assert secret not in repr(key) + repr(store) + repr(store.read())


def test_the_file_is_for_its_owner_alone(store):
    store.create("alice")
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700


def test_without_a_key_there_is_no_file(store):
    assert store.list() == []
    assert store.version() is None
    assert not store.path.exists()


def test_a_revoked_key_stays_revoked(store):
    key, _ = store.create("alice")
    store.revoke(key.id, now=5.0)
    store.revoke(key.id, now=6.0)
    assert store.find(key.id).revoked == 5.0
    with pytest.raises(KeyError, match="revoked"):
        store.rotate(key.id)


def test_rotation_ends_the_earlier_secrets_after_their_grace(store):
    key, first = store.create("alice", now=0.0)
    second = store.rotate(key.id, grace=10.0, now=100.0)
    third = store.rotate(key.id, now=105.0)
    ((found, digests),) = store.read()
    assert found.id == key.id
    assert third.startswith(found.hint)
    assert digests == {
        digest_of(first): 105.0,
        digest_of(second): 105.0,
        digest_of(third): None,
    }


def test_ended_secrets_are_forgotten(store):
    key, _ = store.create("alice", now=0.0)
    for now in range(1, 100):
        newest = store.rotate(key.id, now=float(now))
    ((found, digests),) = store.read()
    assert len(digests) <= 2
    assert digests[digest_of(newest)] is None
    assert newest.startswith(found.hint)


def test_secrets_that_hold_still_do_not_pile_up(store):
    key, _ = store.create("alice", now=0.0)
    for now in range(MAX_SECRETS - 1):
        newest = store.rotate(key.id, grace=1000.0, now=float(now))
    with pytest.raises(KeyStoreError, match="without a grace"):
        store.rotate(key.id, grace=1000.0, now=500.0)
    ((_, digests),) = store.read()
    assert digests[digest_of(newest)] is None
    store.rotate(key.id, now=600.0)
    assert store.rotate(key.id, grace=1000.0, now=601.0)


def test_the_hint_is_of_the_newest_secret_even_if_the_clock_goes_back(store):
    key, _ = store.create("alice", now=1000.0)
    secret = store.rotate(key.id, grace=9999.0, now=1.0)
    assert secret.startswith(store.find(key.id).hint)


def test_changing_a_key_that_is_not_there_makes_no_file(store):
    for change in (store.revoke, store.rotate):
        with pytest.raises(KeyError, match="no such key"):
            change("key_0")
    assert not store.path.parent.exists()


def test_a_secret_in_the_place_of_a_name_is_not_repeated(store):
    _, secret = store.create("alice")
    for use in (store.find, store.revoke, store.rotate):
        with pytest.raises(KeyError, match="that is a secret") as caught:
            use(secret)
        assert secret not in str(caught.value)


def test_keys_have_a_bound(store, monkeypatch):
    monkeypatch.setattr("claif_cla.gateway.keys.store.MAX_KEYS", 2)
    store.create("one")
    store.create("two")
    with pytest.raises(KeyStoreError, match="2 keys already"):
        store.create("three")
    assert len(store.list()) == 2


def test_a_key_is_found_by_its_id_or_its_only_name(store):
    one, _ = store.create("one")
    twins = [store.create("twin")[0] for _ in range(2)]
    assert store.find("one") == one
    with pytest.raises(KeyError, match="several"):
        store.find("twin")
    store.revoke(twins[0].id)
    assert store.find("twin").id == twins[1].id
    for unknown in ("nobody", "key_0"):
        with pytest.raises(KeyError, match="no such key"):
            store.find(unknown)
    with pytest.raises(KeyError):
        store.revoke("key_0")


def test_several_processes_make_keys_at_once(store):
    command = [sys.executable, "-c", MANY, str(store.path)]
    running = [subprocess.Popen([*command, f"p{at}"]) for at in range(4)]
    assert [process.wait(timeout=60) for process in running] == [0] * 4
    assert len({key.name for key in store.list()}) == 40


def test_the_version_tells_of_changes_by_others(store):
    store.create("alice")
    before = store.version()
    assert store.version() == before
    other = KeyStore(store.path)
    other.create("bob")
    assert store.version() != before


def test_another_database_is_left_alone(store):
    store.path.parent.mkdir()
    with sqlite3.connect(store.path) as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    before = store.path.read_bytes()
    with pytest.raises(KeyStoreError, match="something else"):
        store.create("alice")
    assert store.path.read_bytes() == before


def test_a_damaged_file_is_told_by_its_name(store):
    store.path.parent.mkdir()
    store.path.write_bytes(b"no database at all" * 100)
    for use in (store.list, store.version, lambda: store.create("alice")):
        with pytest.raises(KeyStoreError, match=r"keys\.db"):
            use()
