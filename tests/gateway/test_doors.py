from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.gateway import doors
from claif_cla.gateway.denial import Denial


def test_headers_are_told_by_name_and_joined():
    raw = [(b"accept", b"a"), (b"x-api-key", b"k"), (b"accept", b"b")]
    assert doors.one_of_each(raw, 100) == {"accept": "a, b", "x-api-key": "k"}


@pytest.mark.parametrize(
    "name", ["authorization", "x-api-key", "host", "content-length", "content-type"]
)
def test_what_may_come_once_comes_once(name):
    raw = [(name.encode(), b"1"), (name.encode(), b"1")]
    with pytest.raises(Denial, match=name) as caught:
        doors.one_of_each(raw, 100)
    assert caught.value.status == 400


def test_headers_are_bounded():
    with pytest.raises(Denial) as caught:
        doors.one_of_each([(b"x", b"y" * 100)], 100)
    assert caught.value.status == 431


@pytest.mark.parametrize(
    ("host", "allowed", "bound"),
    [
        ("localhost:8790", (), "127.0.0.1"),
        ("127.0.0.1:8790", (), "127.0.0.1"),
        ("[::1]:8790", (), "::1"),
        ("LOCALHOST", (), "localhost"),
        ("127.0.0.5:1", (), "127.0.0.5"),
        ("anything.example", (), "0.0.0.0"),
        ("api.example:443", ("api.example",), "0.0.0.0"),
        ("api.example", ("api.example",), "127.0.0.1"),
    ],
)
def test_a_host_that_is_meant_is_let_in(host, allowed, bound):
    doors.check_host({"host": host}, allowed, bound)


@pytest.mark.parametrize(
    ("host", "allowed", "bound", "status"),
    [
        ("evil.example", (), "127.0.0.1", 403),
        ("evil.example:8790", (), "127.0.0.1", 403),
        ("localhost.evil.example", (), "127.0.0.1", 403),
        ("localhost", ("api.example",), "127.0.0.1", 403),
        ("", (), "127.0.0.1", 400),
    ],
)
def test_another_host_is_not(host, allowed, bound, status):
    with pytest.raises(Denial) as caught:
        doors.check_host({"host": host}, allowed, bound)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"authorization": "Bearer k"}, "k"),
        ({"authorization": "bearer  k "}, "k"),
        ({"x-api-key": "k"}, "k"),
        ({"authorization": "Bearer k", "x-api-key": "k"}, "k"),
        ({"authorization": "Basic a2V5"}, None),
        ({"authorization": "Bearer"}, None),
        ({"authorization": "Bearer "}, None),
        ({}, None),
    ],
)
def test_the_key_is_shown_in_either_way(headers, key):
    assert doors.credential(headers) == key


def test_two_keys_are_none():
    with pytest.raises(Denial) as caught:
        doors.credential({"authorization": "Bearer one", "x-api-key": "two"})
    assert caught.value.status == 401
    assert "one" not in caught.value.message.replace("send one", "")


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8"])
def test_json_is_taken(kind):
    doors.check_json({"content-type": kind})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
def test_what_a_page_could_send_unasked_is_not_taken(headers):
    with pytest.raises(Denial) as caught:
        doors.check_json(headers)
    assert caught.value.status == 415


def test_only_configured_origins_may_read():
    asked = {"origin": "https://app.example"}
    assert doors.cors_headers(asked, ()) == []
    assert doors.cors_headers(asked, ("https://other.example",)) == []
    assert doors.cors_headers({}, ("*",)) == []
    told = dict(doors.cors_headers(asked, ("https://app.example",)))
    assert told[b"access-control-allow-origin"] == b"https://app.example"
    assert dict(doors.cors_headers(asked, ("*",)))[b"vary"] == b"origin"


@pytest.mark.parametrize(
    ("host", "is_so"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("example.org", False),
        ("", False),
    ],
)
def test_loopback_is_known(host, is_so):
    assert doors.is_loopback(host) is is_so


@given(
    st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=50)), max_size=10),
    st.binary(max_size=60),
)
def test_no_headers_break_the_doors(raw, bearer):
    with suppress(Denial):
        headers = doors.one_of_each([*raw, (b"authorization", b"Bearer " + bearer)], 400)
        doors.check_host(headers, (), "127.0.0.1")
        doors.credential(headers)
        doors.check_json(headers)
