from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.gateway.denial import Denial
from claif_cla.gateway.keys import KeyRing, KeyStore, Scopes
from claif_cla.gateway.keys.ring import COMPLAIN_SECONDS, LOOK_SECONDS, MAX_CREDENTIAL

CHANGE = """
import sys
from pathlib import Path
from claif_cla.gateway.keys import KeyStore
store = KeyStore(Path(sys.argv[1]))
action, *arguments = sys.argv[2:]
made = getattr(store, action)(*arguments)
print(made[1] if action == "create" else made)
store.close()
"""


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def elsewhere(store, *arguments):
    """Change the keys in another process; what it makes."""
    command = [sys.executable, "-c", CHANGE, str(store.path), *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return ran.stdout.strip()


@pytest.fixture
def store(tmp_path):
    made = KeyStore(tmp_path / "state" / "keys.db")
    yield made
    made.close()


@pytest.fixture
def held(store):
    """The same keys, as another process has them."""
    made = KeyStore(store.path)
    yield made
    made.close()


def refused(ring, credential, endpoint="chat", now=0.0):
    with pytest.raises(Denial) as caught:
        ring.admit(credential, endpoint, now)
    return caught.value


def test_a_key_opens_what_it_is_for(store):
    key, secret = store.create("alice", scopes=Scopes(endpoints=("chat", "models")))
    ring = KeyRing(store)
    for endpoint in ("chat", "models", "model", "openapi", "none"):
        assert ring.admit(secret, endpoint, 0.0) == key
    for endpoint in ("messages", "count_tokens", "metrics"):
        assert refused(ring, secret, endpoint).status == 403


def test_metrics_are_for_keys_that_are_for_metrics(store):
    _, plain = store.create("plain")
    _, watcher = store.create("watcher", scopes=Scopes(endpoints=("metrics",)))
    ring = KeyRing(store)
    assert refused(ring, plain, "metrics").status == 403
    assert ring.admit(watcher, "metrics", 0.0) is not None


def test_keys_are_needed_as_soon_as_there_is_one(store):
    clock = Clock()
    ring = KeyRing(store, clock=clock)
    assert ring.admit(None, "chat", 0.0) is None
    store.create("alice")
    clock.now += LOOK_SECONDS
    assert refused(ring, None).status == 401


@pytest.mark.parametrize(("required", "opens"), [(True, False), (False, True)])
def test_whether_keys_are_needed_can_be_said(store, required, opens):
    ring = KeyRing(store, required=required)
    assert ring.required is required
    if opens:
        assert ring.admit(None, "chat", 0.0) is None
    else:
        assert refused(ring, None).code == "invalid_api_key"
    ring.require(not required)
    assert ring.required is not required


def test_a_wrong_key_opens_nothing_even_where_none_is_needed(store):
    store.create("alice")
    assert refused(KeyRing(store, required=False), "claif-wrong").status == 401


@pytest.mark.parametrize("required", [None, False])
def test_where_there_are_no_keys_any_will_do(store, required):
    assert KeyRing(store, required=required).admit("any", "chat", 0.0) is None


def test_unknown_and_revoked_keys_hear_the_same(store):
    key, secret = store.create("alice")
    store.revoke(key.id)
    ring = KeyRing(store)
    assert refused(ring, secret).message == refused(ring, "claif-unknown").message
    assert secret not in refused(ring, secret).message


def test_an_expired_key_is_told_so(store):
    _, secret = store.create("alice", expires=50.0)
    ring = KeyRing(store)
    assert ring.admit(secret, "chat", 49.9) is not None
    assert "expired" in refused(ring, secret, now=50.0).message


def test_an_earlier_secret_holds_for_its_grace(store):
    key, first = store.create("alice", now=0.0)
    second = store.rotate(key.id, grace=10.0, now=100.0)
    ring = KeyRing(store)
    assert ring.admit(first, "chat", 109.0) is not None
    assert refused(ring, first, now=110.0).status == 401
    assert ring.admit(second, "chat", 1e9) is not None


def test_changes_in_another_process_hold_within_a_second(store, held):
    clock = Clock()
    key, first = store.create("alice")
    store.close()
    ring = KeyRing(held, clock=clock)
    assert ring.admit(first, "chat", 0.0) == key

    other = elsewhere(store, "create", "bob")
    clock.now += LOOK_SECONDS
    assert ring.admit(other, "chat", 0.0).name == "bob"

    second = elsewhere(store, "rotate", key.id)
    clock.now += LOOK_SECONDS
    assert refused(ring, first, now=1e12).status == 401
    assert ring.admit(second, "chat", 0.0).id == key.id

    elsewhere(store, "revoke", key.id)
    clock.now += LOOK_SECONDS
    assert refused(ring, second).status == 401
    assert ring.admit(other, "chat", 0.0).name == "bob"


def test_the_store_is_looked_at_once_a_second_at_most(store, monkeypatch):
    _, secret = store.create("alice")
    clock = Clock()
    ring = KeyRing(store, clock=clock)
    looks = []
    version = store.version
    monkeypatch.setattr(store, "version", lambda: looks.append(clock.now) or version())
    for _ in range(30):
        clock.now += LOOK_SECONDS / 10
        ring.admit(secret, "chat", 0.0)
    assert 1 <= len(looks) <= 3


def test_a_revocation_while_the_store_could_not_be_read_is_seen_after(store, held):
    key, secret = store.create("alice")
    clock = Clock()
    ring = KeyRing(held, clock=clock)
    held.close()  # as after any error
    store.revoke(key.id)
    clock.now += LOOK_SECONDS
    assert refused(ring, secret).status == 401


def test_a_file_in_the_place_of_another_is_what_counts(store, held, tmp_path):
    _, old = store.create("alice")
    store.close()
    clock = Clock()
    ring = KeyRing(held, clock=clock)
    backup = KeyStore(tmp_path / "backup.db")
    _, new = backup.create("bob")
    backup.close()
    for name in ("keys.db-wal", "keys.db-shm"):
        (store.path.parent / name).unlink(missing_ok=True)
    backup.path.replace(store.path)
    clock.now += LOOK_SECONDS
    assert refused(ring, old).status == 401
    assert ring.admit(new, "chat", 0.0).name == "bob"


def test_a_file_that_has_gone_opens_no_door(store, caplog):
    _, secret = store.create("alice")
    store.close()
    clock = Clock()
    ring = KeyRing(store, clock=clock)
    store.path.unlink()
    with caplog.at_level(logging.ERROR, "claif_cla.gateway"):
        for _ in range(3):
            clock.now += LOOK_SECONDS
            assert refused(ring, None).status == 401
            assert refused(ring, "claif-wrong").status == 401
            assert ring.admit(secret, "chat", 0.0) is not None
    assert len(caplog.records) == 1
    assert "have gone" in caplog.text
    assert secret not in caplog.text
    _, new = store.create("bob")
    clock.now += LOOK_SECONDS
    assert ring.admit(new, "chat", 0.0).name == "bob"
    assert refused(ring, secret).status == 401


def test_a_file_that_came_later_and_cannot_be_read_closes_the_doors(store, held):
    """Root made the first key, and the file is root's: it was said that every request needs one."""
    clock = Clock()
    ring = KeyRing(held, clock=clock)
    assert ring.admit("any", "chat", 0.0) is None
    store.path.parent.mkdir()
    store.path.write_bytes(b"no database at all" * 100)
    clock.now += LOOK_SECONDS
    assert refused(ring, "any").status == 401
    assert refused(ring, None).status == 401
    store.path.unlink()
    _, secret = store.create("alice")
    clock.now += LOOK_SECONDS
    assert ring.admit(secret, "chat", 0.0).name == "alice"


def test_a_file_that_lost_its_keys_opens_no_door(store, held):
    store.create("alice")
    clock = Clock()
    ring = KeyRing(held, clock=clock)
    with sqlite3.connect(store.path) as db:
        db.execute("DELETE FROM secrets")
        db.execute("DELETE FROM keys")
    db.close()
    clock.now += LOOK_SECONDS
    assert refused(ring, None).status == 401
    assert refused(ring, "any").status == 401


def scribble(path):
    path.write_bytes(b"no database at all" * 100)


def spoil_a_row(path):
    with sqlite3.connect(path) as db:
        db.execute("UPDATE keys SET limits = 'nonsense'")
    db.close()


def put_a_file_in_the_directory_s_place(path):
    path.unlink()
    path.parent.rmdir()
    path.parent.write_text("")


@pytest.mark.parametrize("damage", [scribble, spoil_a_row, put_a_file_in_the_directory_s_place])
def test_a_store_that_fails_later_is_told_each_minute_and_changes_nothing(store, caplog, damage):
    _, secret = store.create("alice")
    clock = Clock()
    ring = KeyRing(store, clock=clock)
    store.close()
    damage(store.path)
    with caplog.at_level(logging.ERROR, "claif_cla.gateway"):
        for _ in range(3):
            clock.now += LOOK_SECONDS
            assert ring.admit(secret, "chat", 0.0) is not None
        assert len(caplog.records) == 1
        clock.now += COMPLAIN_SECONDS
        assert ring.admit(secret, "chat", 0.0) is not None
    assert len(caplog.records) == 2
    assert "keys.db" in caplog.text
    assert "revoked meanwhile" in caplog.text


def test_it_is_known_for_how_long_the_store_could_not_be_read(store):
    _, secret = store.create("alice")
    clock = Clock()
    ring = KeyRing(store, clock=clock)
    store.close()
    away = store.path.rename(store.path.with_name("away"))
    assert ring.unread_seconds == 0
    clock.now += LOOK_SECONDS
    ring.admit(secret, "chat", 0.0)
    clock.now += 99
    ring.admit(secret, "chat", 0.0)
    assert ring.unread_seconds == 99
    away.rename(store.path)
    clock.now += LOOK_SECONDS
    ring.admit(secret, "chat", 0.0)
    assert ring.unread_seconds == 0


@given(
    st.one_of(
        st.text(),
        st.binary().map(lambda raw: raw.decode("latin-1")),
        st.sampled_from(["", "\0", "claif-", "x" * MAX_CREDENTIAL, "x" * 10_000_000, "\ud83d"]),
    )
)
def test_no_credential_breaks_the_ring(tmp_path_factory, credential):
    ring = KeyRing(KeyStore(tmp_path_factory.getbasetemp() / "none.db"), required=True)
    assert refused(ring, credential).status == 401
