from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.translate.surrogates import HalfHeld, paired


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("plain", "plain"),
        ("a\ud83d\ude00b", "a😀b"),
        ("\ud83d\ude00\ud83d\ude00", "😀😀"),
        ("\ude00\ud83d", "\ude00\ud83d"),
        ("\U0010ffff", "\U0010ffff"),
        ("\udbff\udfff", "\U0010ffff"),
        ("\ud800\udc00", "\U00010000"),
    ],
)
def test_pairs_become_their_character_and_lone_halves_stay(text, whole):
    assert paired(text) == whole


def test_a_first_half_waits_for_the_second():
    held = HalfHeld()
    assert [held.take("a\ud83d"), held.take(""), held.take("\ude00b")] == ["a", "", "😀b"]
    assert held.rest() == ""


def test_a_half_without_its_other_one_is_given_up_once():
    held = HalfHeld()
    assert held.take("a\ud83d") == "a"
    assert [held.rest(), held.rest()] == ["\ud83d", ""]


def test_a_half_before_other_text_passes_with_it():
    held = HalfHeld()
    assert held.take("\ud83d") == ""
    assert held.take("x") == "\ud83dx"


@given(st.lists(st.text(st.characters(), max_size=4)))
def test_no_cut_changes_the_text(pieces):
    held = HalfHeld()
    taken = [held.take(piece) for piece in pieces]
    assert "".join(taken) + held.rest() == paired("".join(pieces))
