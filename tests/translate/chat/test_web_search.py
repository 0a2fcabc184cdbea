from __future__ import annotations

import pytest

from chat_requests.planning import function_tool, plan, planned, receipts, refused

HERE = {"type": "approximate", "approximate": {"city": "Bern", "country": "CH", "region": None}}


def test_options_ask_for_claudes_own_search():
    tools = planned(web_search_options={})["tools"]
    assert tools == [{"type": "web_search_20250305", "name": "web_search"}]


def test_it_stands_beside_the_callers_tools():
    tools = planned(web_search_options={}, tools=[function_tool("f")])["tools"]
    assert [tool["name"] for tool in tools] == ["f", "web_search"]


@pytest.mark.parametrize(("size", "uses"), [("low", 3), ("medium", 5), ("high", 10)])
def test_the_context_size_bounds_the_searches(size, uses):
    options = {"search_context_size": size}
    assert planned(web_search_options=options)["tools"][0]["max_uses"] == uses
    assert receipts(web_search_options=options) == [
        ("web_search_options.search_context_size", "adapted")
    ]


def test_the_place_of_the_user_travels():
    tool = planned(web_search_options={"user_location": HERE})["tools"][0]
    assert tool["user_location"] == {"type": "approximate", "city": "Bern", "country": "CH"}


@pytest.mark.parametrize(
    ("options", "param"),
    [
        (5, "web_search_options"),
        ({"search_context_size": "huge"}, "web_search_options.search_context_size"),
        ({"user_location": {}}, "web_search_options.user_location"),
        (
            {"user_location": {"approximate": {"city": 5}}},
            "web_search_options.user_location.approximate.city",
        ),
    ],
)
def test_malformed_options_are_refused_by_name(options, param):
    assert refused(web_search_options=options).param == param


NATIVE = {"type": "web_search_20260318", "name": "web_search"}


@pytest.mark.parametrize("tool", [function_tool("web_search"), NATIVE])
def test_a_tool_of_the_same_name_is_refused(tool):
    refusal = refused(web_search_options={}, tools=[tool])
    assert refusal.param == "web_search_options"
    assert "`web_search`" in refusal.message


def test_the_request_says_nothing_of_the_options():
    assert "web_search_options" not in plan(web_search_options={}).body
