"""Texts for regular expressions."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.backends.simulator.samples.patterns import matches, matching_text


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "abc",
        r"^\d{3}-\d{4}$",
        r"^[A-Z][a-z]+$",
        r"^(?:foo|bar){2}$",
        r"(?P<year>\d{4})-(?P<month>0[1-9]|1[0-2])",
        r"^[^a-z0-9]{3}$",
        r"^[]a]+$",
        r"^[\]\-]+$",
        r"^\w+@\w+\.(com|org)$",
        r"^.{2,5}?$",
        r"^#(?:[0-9a-fA-F]{3}){1,2}$",
        r"\bword\b",
        r"^$",
        r"^a|b$",
        r"^\s*\S+$",
        r"^[\u4e00-\u9fff]+$",
    ],
)
def test_the_text_matches(pattern):
    assert re.search(pattern, matching_text(pattern))


def test_more_repeats_what_may_be_repeated():
    assert matching_text("^a+b*c{2,}d{2}$", 3) == "aaaabbbcccccdd"


@pytest.mark.parametrize("pattern", ["(", "[", "a{1", "(?i)x", "x(?!y)$^z", r"\1", "(" * 200])
def test_what_is_not_understood_gives_none_or_a_match(pattern):
    text = matching_text(pattern)
    assert text is None or matches(pattern, text)


@given(st.text(alphabet="ab()[]{}|*+?\\^$.-0123,:<P", max_size=12))
def test_any_text_gives_none_or_a_match(pattern):
    text = matching_text(pattern)
    assert text is None or matches(pattern, text)
