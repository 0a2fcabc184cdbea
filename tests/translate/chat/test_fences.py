from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.translate.chat import fences
from claif_cla.translate.chat.fences import Unfencing, unfenced

FENCED = {
    "with json": ('```json\n{"a": 1}\n```', '{"a": 1}'),
    "with JSON": ('```JSON\r\n{"a": 1}\r\n```\r\n', '{"a": 1}'),
    "without a name": ('```\n{"a": 1}\n```', '{"a": 1}'),
    "in one line": ('```json {"a": 1}```', '{"a": 1}'),
    "with space around": (' \n```json  \n\n{"a": 1} \n\n``` \n\n', '{"a": 1}'),
    "around a list": ("```json\n[1]\n```", "[1]"),
    "cut by a limit": ('```json\n{"a": "b', '{"a": "b'),
    "cut in the closing": ('```json\n{"a": 1}\n``', '{"a": 1}\n``'),
    "with a fence inside": ('```json\n{"a": "```py\\nx```"}\n```', '{"a": "```py\\nx```"}'),
    "with words after it": ('```json\n{"a": 1}\n```\nDone.', '{"a": 1}\n```\nDone.'),
    "with four backticks": ('```json\n{"a": 1}\n````', '{"a": 1}\n`'),
}
UNTOUCHED = [
    "",
    " \n",
    '{"a": 1}',
    '\n {"a": "```"}\n```\n',
    '{"a": 1}\n```',
    "`",
    "``` ",
    "```json",
    "```json\n",
    "```json\nnothing",
    "```jsonc\n{}\n```",
    "```python\nprint({})\n```",
    '````json\n{"a": 1}\n````',
    'Here it is:\n```json\n{"a": 1}\n```',
    " " * fences.MAX_OPENING + '```json\n{"a": 1}\n```',
    " " * 10_000,
]
MARKS = ["```", "``", "`", "json", "js", "\n", " ", "{", "}", "[", "]", '"', "a", "é", " " * 300]
TEXTS = st.lists(st.sampled_from(MARKS)).map("".join)


def in_pieces(pieces):
    unfencing = Unfencing()
    return "".join([*map(unfencing.take, pieces), unfencing.rest()])


@pytest.mark.parametrize(("text", "bare"), FENCED.values(), ids=FENCED)
def test_a_fence_is_taken_away(text, bare):
    assert unfenced(text) == bare
    assert in_pieces(text) == bare


@pytest.mark.parametrize("text", UNTOUCHED)
def test_a_text_without_a_fence_around_it_is_untouched(text):
    assert unfenced(text) == text
    assert in_pieces(text) == text


@given(TEXTS, st.lists(st.integers(0, 400), max_size=12))
def test_how_a_text_is_cut_changes_nothing(text, cuts):
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    assert in_pieces(text[a:b] for a, b in itertools.pairwise(edges)) == unfenced(text)
    assert in_pieces(text) == unfenced(text)


@given(TEXTS)
def test_it_is_taken_away_only_once(text):
    assert unfenced(unfenced(text)) == unfenced(text)


@given(TEXTS)
def test_nothing_but_the_fence_is_lost(text):
    bare = unfenced(text)
    assert bare in text
    before, after = text[: text.index(bare)], text[text.rindex(bare) + len(bare) :]
    assert bare == text or before.strip().lower() in ("```", "```json")
    assert after.strip() in ("", "```")


@given(
    st.dictionaries(st.text(), st.text() | st.integers() | st.none()),
    st.sampled_from(["", "json", "JSON"]),
    st.sampled_from([None, 0, 2]),
)
def test_a_fenced_object_is_bare_json(value, name, indent):
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    assert unfenced(f"```{name}\n{text}\n```") == text
    assert unfenced(text) == text


@given(st.lists(st.sampled_from(MARKS)))
def test_little_is_held_back(pieces):
    unfencing, taken, given_out = Unfencing(), 0, 0
    for piece in pieces:
        taken += len(piece)
        given_out += len(unfencing.take(piece))
        assert taken - given_out < fences.MAX_OPENING + fences.MAX_CLOSING
