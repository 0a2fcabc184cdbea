import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.translate.chat.names import NAME_LIMIT, ToolNames, legal_id

LEGAL = re.compile(r"[a-zA-Z0-9_-]{1,64}")
LEGAL_ID = re.compile(r"[a-zA-Z0-9_-]+")
LONG = "x" * 150
odd_texts = st.text(min_size=1) | st.sampled_from(["\ud800", "a.b", "a_b", LONG, LONG + "y"])


@pytest.mark.parametrize("identifier", ["call_abc", "toolu_01X-y", "a", "0"])
def test_a_legal_id_stays(identifier):
    assert legal_id(identifier) == identifier


@pytest.mark.parametrize("identifier", ["functions.Bash:0", "call:abc.def/ghi?jkl", "a\n", "", "ü"])
def test_an_illegal_id_gets_a_legal_alias(identifier):
    assert LEGAL_ID.fullmatch(legal_id(identifier))


@given(odd_texts, odd_texts)
def test_two_ids_stay_two(one, other):
    assert (legal_id(one) == legal_id(other)) == (one == other)


def test_an_alias_depends_on_nothing_but_the_id():
    assert legal_id("functions.Bash:0") == "functions_Bash_0_" + legal_id("functions.Bash:0")[-16:]
    assert legal_id("functions.Bash:0") == legal_id("functions.Bash:0")


def test_legal_names_stay():
    names = ToolNames.of(["f", "a_b-C", "x" * NAME_LIMIT])
    assert [names.to_wire(name) for name in ("f", "a_b-C", "x" * NAME_LIMIT)] == [
        "f",
        "a_b-C",
        "x" * NAME_LIMIT,
    ]


@pytest.mark.parametrize("name", ["mcp.notion.search pages", LONG, "a.b", "ä", "a\n"])
def test_an_illegal_name_gets_an_alias_and_comes_back(name):
    names = ToolNames.of([name])
    wire = names.to_wire(name)
    assert LEGAL.fullmatch(wire)
    assert names.to_caller(wire) == name


@given(st.lists(odd_texts, max_size=6, unique=True))
def test_names_are_legal_distinct_and_reversible(originals):
    names = ToolNames.of(originals)
    wires = [names.to_wire(name) for name in originals]
    assert all(LEGAL.fullmatch(wire) for wire in wires)
    assert len(set(wires)) == len(originals)
    assert [names.to_caller(wire) for wire in wires] == originals


def test_an_alias_gives_way_to_a_tool_of_that_name():
    alias = ToolNames.of(["a.b"]).to_wire("a.b")
    names = ToolNames.of(["a.b", alias])
    assert names.to_wire(alias) == alias
    assert names.to_wire("a.b") != alias
    assert LEGAL.fullmatch(names.to_wire("a.b"))


def test_a_name_of_the_history_gets_its_alias_when_it_is_used():
    names = ToolNames()
    assert "a.b" not in names
    assert names.to_caller(names.to_wire("a.b")) == "a.b"
    assert "a.b" in names


def test_a_history_that_uses_an_alias_does_not_take_it_over():
    names = ToolNames.of(["a.b"])
    alias = names.to_wire("a.b")
    assert names.to_wire(alias) == alias
    assert names.to_caller(alias) == "a.b"


def test_a_name_that_is_not_the_callers_stays():
    assert ToolNames().to_caller("web_search") == "web_search"
