from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.gateway.keys import Key, KeyLimits, Scopes
from claif_cla.gateway.keys.rows import DamagedRowError, Secret, key_of, row_of

KEY = Key(
    "key_0123456789ab",
    "alice",
    1.0,
    2.0,
    3.0,
    Scopes(("claude-*",), ("chat",)),
    KeyLimits(1, 2, 3, 4, 5),
    "claif-abcd",
)
COLUMNS = ("id", "name", "created", "expires", "revoked", "scopes", "limits")


def changed(column, value):
    row = list(row_of(KEY))
    row[COLUMNS.index(column)] = value
    return row


def test_a_row_is_the_whole_key_but_its_hint():
    assert key_of(row_of(KEY), "claif-abcd") == KEY
    assert "claif-abcd" not in row_of(KEY)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", None),
        ("name", b"alice"),
        ("created", None),
        ("created", "yesterday"),
        ("expires", "never"),
        ("revoked", b""),
        ("scopes", None),
        ("scopes", "nonsense"),
        ("scopes", "[1]"),
        ("scopes", '{"models": "claude-*"}'),
        ("scopes", '{"models": [1]}'),
        ("scopes", '{"unheard_of": []}'),
        ("limits", ""),
        ("limits", "7"),
        ("limits", '{"concurrent": "7"}'),
        ("limits", '{"concurrent": true}'),
        ("limits", '{"concurrent": 0.5}'),
        ("limits", '{"unheard_of": 1}'),
        ("limits", "[" * 100_000),
    ],
)
def test_a_damaged_row_is_no_key_with_fewer_limits(column, value):
    with pytest.raises(DamagedRowError, match="is damaged"):
        key_of(changed(column, value), "")


@given(
    st.sampled_from(COLUMNS),
    st.none() | st.integers() | st.floats() | st.text() | st.binary(),
)
def test_no_value_of_sqlite_breaks_the_reading_otherwise(column, value):
    with suppress(DamagedRowError):
        assert key_of(changed(column, value), "").id in (KEY.id, value)


@pytest.mark.parametrize(
    "row",
    [
        ("key_1", "text", None, "claif-"),
        ("key_1", 12, None, "claif-"),
        ("key_1", b"digest", "later", "claif-"),
        ("key_1", b"digest", None, None),
    ],
)
def test_a_damaged_secret_is_told_without_its_digest(row):
    with pytest.raises(DamagedRowError, match="key_1") as caught:
        Secret.of(row)
    assert "digest" not in str(caught.value)
