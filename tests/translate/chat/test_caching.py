import pytest

from chat_requests import (
    FOREIGN,
    assistant,
    call,
    function_tool,
    planned,
    receipts,
    refused,
    result,
    system,
    user,
)

FIVE_MINUTES = {"type": "ephemeral"}
ONE_HOUR = {"type": "ephemeral", "ttl": "1h"}
TALK = [user(), assistant("a"), user("more")]


def text(content, **more):
    return {"type": "text", "text": content, **more}


def top(**request):
    return planned(**request).get("cache_control")


def test_a_single_question_is_not_cached():
    assert top() is None


def test_a_conversation_is_cached():
    assert top(messages=TALK) == FIVE_MINUTES


def test_a_tool_loop_is_cached():
    assert top(messages=[user(), assistant(None, call()), result()]) == FIVE_MINUTES


@pytest.mark.parametrize(
    "asking",
    [
        {"prompt_cache_key": "k"},
        {"prompt_cache_retention": "in_memory"},
        {"prompt_cache_retention": "in-memory"},
        {"prompt_cache_options": {}},
        {"prompt_cache_options": {"mode": "implicit"}},
    ],
)
def test_whoever_asks_for_caching_gets_it(asking):
    assert top(**asking) == FIVE_MINUTES
    assert receipts(**asking) == []


@pytest.mark.parametrize(
    ("asking", "param"),
    [
        ({"prompt_cache_retention": "24h"}, "prompt_cache_retention"),
        ({"prompt_cache_options": {"ttl": "30m"}}, "prompt_cache_options.ttl"),
    ],
)
def test_a_longer_retention_is_an_hour_with_a_receipt(asking, param):
    assert top(**asking) == ONE_HOUR
    assert receipts(**asking) == [(param, "adapted")]


def test_explicit_mode_leaves_it_to_the_parts():
    assert top(messages=TALK, prompt_cache_options={"mode": "explicit"}) is None


def test_off_is_off():
    asking = {"messages": TALK, "prompt_cache_key": "k"}
    assert top(**asking, settings={"prompt_caching": "off"}) is None


def test_always_is_always():
    assert top(settings={"prompt_caching": "always"}) == FIVE_MINUTES


def test_a_foreign_model_is_not_asked_to_cache():
    assert top(model=FOREIGN, messages=TALK) is None


@pytest.mark.parametrize(
    "marked",
    [
        {"messages": [user([text("a", cache_control=FIVE_MINUTES)]), *TALK[1:]]},
        {"messages": [system([text("a", cache_control=FIVE_MINUTES)]), *TALK]},
        {"messages": TALK, "tools": [{**function_tool(), "cache_control": FIVE_MINUTES}]},
        {"messages": [user(cache_control=FIVE_MINUTES), *TALK[1:]]},
        {
            "messages": [
                user(),
                assistant(None, call()),
                result(content=[text("r", cache_control=FIVE_MINUTES)]),
            ]
        },
    ],
)
def test_never_beside_a_breakpoint_of_the_callers(marked):
    assert top(**marked) is None
    assert "cache_control" in str(planned(**marked))


def test_a_native_top_level_breakpoint_stands():
    assert top(messages=TALK, cache_control=ONE_HOUR) == ONE_HOUR


def test_a_breakpoint_of_openais_becomes_claudes():
    part = text("a", prompt_cache_breakpoint={"mode": "explicit"})
    [block] = planned(messages=[user([part])])["messages"][0]["content"]
    assert block == text("a", cache_control=FIVE_MINUTES)


def test_a_longer_breakpoint_of_openais_is_an_hour():
    part = text("a", prompt_cache_breakpoint={"mode": "explicit", "ttl": "30m"})
    [block] = planned(messages=[user([part])])["messages"][0]["content"]
    assert block["cache_control"] == ONE_HOUR


def test_breakpoints_are_looked_for_only_as_deep_as_they_may_stand():
    nested = {"type": "search_result", "content": [text("r", cache_control=FIVE_MINUTES)]}
    for _ in range(3):
        nested = {"type": "search_result", "content": [nested]}
    assert top(messages=[user([nested]), *TALK[1:]]) == FIVE_MINUTES


def test_four_breakpoints_pass_where_they_stand():
    parts = [text(word, cache_control=FIVE_MINUTES) for word in "abcd"]
    assert planned(messages=[user(parts)])["messages"][0]["content"] == parts


def test_five_breakpoints_are_refused_with_the_limit():
    refusal = refused(messages=[user([text(word, cache_control=FIVE_MINUTES) for word in "abcde"])])
    assert refusal.param == "cache_control"
    assert "5" in refusal.message
    assert "4" in refusal.message


@pytest.mark.parametrize(
    ("asking", "param"),
    [
        ({"prompt_cache_retention": "1h"}, "prompt_cache_retention"),
        ({"prompt_cache_options": "24h"}, "prompt_cache_options"),
        ({"prompt_cache_options": {"mode": "x"}}, "prompt_cache_options.mode"),
        ({"prompt_cache_options": {"ttl": "x"}}, "prompt_cache_options.ttl"),
    ],
)
def test_unknown_values_are_refused(asking, param):
    assert refused(**asking).param == param
