from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.gateway.denial import Denial
from claif_cla.gateway.keys import KeyRing, KeyStore, Scopes
from claif_cla.gateway.keys.ring import LOOK_SECONDS, MAX_CREDENTIAL


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def store(tmp_path):
    made = KeyStore(tmp_path / "keys.db")
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


def test_a_change_elsewhere_holds_within_a_second(store):
    key, secret = store.create("alice")
    clock = Clock()
    ring = KeyRing(KeyStore(store.path), clock=clock)
    assert ring.admit(secret, "chat", 0.0) is not None
    store.revoke(key.id)
    clock.now += LOOK_SECONDS
    assert refused(ring, secret).status == 401


def test_a_store_that_fails_later_is_told_once_and_changes_nothing(store, caplog):
    _, secret = store.create("alice")
    clock = Clock()
    ring = KeyRing(store, clock=clock)
    store.close()
    store.path.write_bytes(b"no database at all" * 100)
    with caplog.at_level(logging.ERROR, "claif_cla.gateway"):
        for _ in range(3):
            clock.now += LOOK_SECONDS
            assert ring.admit(secret, "chat", 0.0) is not None
    assert len(caplog.records) == 1
    assert "keys.db" in caplog.text


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
