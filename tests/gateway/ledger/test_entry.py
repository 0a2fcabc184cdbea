from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.gateway.ledger.entry import MAX_TEXT, Entry, day_of, is_line, line_of


def test_an_entry_is_one_line_of_its_fields():
    entry = Entry("req_1", 1.5, "key_a", "team\na", "claude", input=3, cost=None, estimated=True)
    line = line_of(entry)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == list(entry)


@given(
    st.builds(
        Entry,
        id=st.text(),
        at=st.floats(0, 4e9),
        key=st.text(),
        key_name=st.text(),
        model=st.text(st.characters(), max_size=2 * MAX_TEXT),
        input=st.integers(0, 2**70),
        cost=st.none() | st.integers(0, 2**70),
    )
)
def test_any_entry_has_a_line(entry):
    line = line_of(entry)
    assert line.count(b"\n") == 1
    assert is_line(line)
    assert json.loads(line)[1] == entry.at


def test_half_an_emoji_in_a_name_is_replaced():
    assert json.loads(line_of(Entry("req_1", 1.0, model="a\ud83d")))[4] == "a\ufffd"


def test_a_name_of_any_length_is_cut():
    assert json.loads(line_of(Entry("req_1", 1.0, model="m" * 5_000)))[4] == "m" * MAX_TEXT


@pytest.mark.parametrize("line", [b"\n", b"[1]\n", b"{}\n", b"\x00\x00\n", b'["a",\n', b"\xff\n"])
def test_what_is_no_entry_is_no_line(line):
    assert not is_line(line)


def test_the_day_is_that_of_greenwich(at):
    assert day_of(at("2026-11-23", "23:59")) == "2026-11-23"
    assert day_of(at("2026-11-24", "00:00")) == "2026-11-24"
