from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.catalog.spellings import MAX_NAME, claude_part, is_bare_claude, spellings


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("claude-opus-5", "claude-opus-5"),
        ("a/b/Claude-Opus-5", "claude-opus-5"),
        ("us.anthropic.claude-x", "claude-x"),
        ("provider:claude-x", "claude-x"),
        ("my-claude-x", ""),
        ("gpt-4o", ""),
        ("", ""),
        ("claude-" + "x" * MAX_NAME, ""),
    ],
)
def test_claude_part(name: str, part: str) -> None:
    assert claude_part(name) == part


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("claude-x", True),
        ("anthropic/claude-x", True),
        ("us.anthropic.claude-x", True),
        ("claude/claude-x", True),
        ("someone/claude-x", False),
        ("claude", False),
    ],
)
def test_is_bare_claude(name: str, bare: bool) -> None:
    assert is_bare_claude(name) is bare


@pytest.mark.parametrize(
    ("part", "among"),
    [
        ("claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5"),
        ("claude-opus-4-1@20250805", "claude-opus-4-1-20250805"),
        ("claude-sonnet-4.5", "claude-sonnet-4-5"),
        ("claude-4-5-haiku-20251001", "claude-haiku-4-5-20251001"),
        ("claude-haiku-3-5", "claude-3-5-haiku"),
        ("claude-opus-4-6[1m]", "claude-opus-4-6"),
    ],
)
def test_spellings_hold_the_catalogue_name(part: str, among: str) -> None:
    assert among in list(spellings(part))


@given(st.text(max_size=MAX_NAME))
def test_spellings_are_few_and_begin_with_the_name_itself(text: str) -> None:
    found = list(spellings("claude-" + text))
    assert found[0] == "claude-" + text
    assert len(found) <= 9
