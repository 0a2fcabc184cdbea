import json
import subprocess
import sys

import pytest

from chat_requests import (
    FOREIGN,
    assistant,
    call,
    function_tool,
    plan,
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


def test_a_day_is_an_hour_with_a_receipt():
    assert top(prompt_cache_retention="24h") == ONE_HOUR
    assert receipts(prompt_cache_retention="24h") == [("prompt_cache_retention", "adapted")]


def test_half_an_hour_at_least_is_an_hour():
    asking = {"prompt_cache_options": {"ttl": "30m"}, "settings": {"compat": "strict"}}
    assert top(**asking) == ONE_HOUR


@pytest.mark.parametrize(
    "without",
    [
        {"model": FOREIGN},
        {"settings": {"prompt_caching": "off"}},
        {"messages": [user([text("a", cache_control=FIVE_MINUTES)])]},
        {"cache_control": FIVE_MINUTES},
    ],
)
@pytest.mark.parametrize(
    ("asking", "param"),
    [
        ({"prompt_cache_retention": "24h"}, "prompt_cache_retention"),
        ({"prompt_cache_options": {"ttl": "30m"}}, "prompt_cache_options.ttl"),
    ],
)
def test_a_lifetime_that_no_breakpoint_takes_is_dropped_with_a_receipt(without, asking, param):
    assert "1h" not in str(planned(**without, **asking))
    assert receipts(**without, **asking) == [(param, "dropped")]


def test_a_lifetime_where_nothing_is_to_be_cached_is_no_loss():
    asking = {"prompt_cache_options": {"mode": "explicit", "ttl": "30m"}}
    assert receipts(**asking, settings={"compat": "strict"}) == []


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


# OpenAI's own breakpoints


EXPLICIT = {"prompt_cache_options": {"mode": "explicit"}}


def marked(words, **more):
    return text(words, prompt_cache_breakpoint={"mode": "explicit", **more})


def markers(*parts, **more):
    """What `cache_control` the parts of one message end up with, and the request has on top."""
    body = planned(messages=[user([*parts])], **more)
    found = [block.get("cache_control") for block in body["messages"][0]["content"]]
    return found, body.get("cache_control")


def test_a_breakpoint_of_openais_becomes_claudes():
    body = planned(messages=[user([marked("a")])])
    assert body["messages"][0]["content"] == [text("a", cache_control=FIVE_MINUTES)]


def test_the_automatic_one_stands_beside_it_as_with_openai():
    assert markers(marked("a"), text("b")) == ([FIVE_MINUTES, None], FIVE_MINUTES)


def test_explicit_mode_leaves_it_alone():
    assert markers(marked("a"), text("b"), **EXPLICIT) == ([FIVE_MINUTES, None], None)


def test_off_turns_only_the_automatic_one_off():
    assert markers(marked("a"), settings={"prompt_caching": "off"}) == ([FIVE_MINUTES], None)


@pytest.mark.parametrize(("ttl", "told"), [("30m", []), ("12h", ["adapted"])])
def test_a_longer_breakpoint_of_openais_is_an_hour(ttl, told):
    parts = [marked("a", ttl=ttl), text("b")]
    assert markers(*parts, **EXPLICIT) == ([ONE_HOUR, None], None)
    param = "messages[].content[].prompt_cache_breakpoint.ttl"
    assert receipts(messages=[user(parts)]) == [(param, action) for action in told]


@pytest.mark.parametrize(
    ("more", "top_marker"),
    [
        ({"prompt_cache_options": {"mode": "explicit", "ttl": "30m"}}, None),
        ({"prompt_cache_options": {"ttl": "30m"}}, ONE_HOUR),
        ({"prompt_cache_retention": "24h"}, ONE_HOUR),
    ],
)
def test_a_breakpoint_inherits_the_lifetime_of_the_request(more, top_marker):
    assert markers(marked("a"), **more) == ([ONE_HOUR], top_marker)


def test_no_hour_comes_after_five_minutes():
    parts = [marked("a"), marked("b", ttl="30m"), marked("c")]
    assert markers(*parts, **EXPLICIT)[0] == [ONE_HOUR, ONE_HOUR, FIVE_MINUTES]


@pytest.mark.parametrize(("more", "kept"), [(EXPLICIT, 4), ({}, 3)])
def test_of_too_many_the_latest_count_as_with_openai(more, kept):
    parts = [marked(word) for word in "abcdef"]
    found, _ = markers(*parts, **more)
    assert found == [None] * (6 - kept) + [FIVE_MINUTES] * kept
    param = "messages[].content[].prompt_cache_breakpoint"
    assert receipts(messages=[user(parts)], **more) == [(param, "dropped")]
    assert all("prompt_cache_breakpoint" in part for part in parts)


def test_a_breakpoint_of_anthropics_beside_it_leaves_all_to_the_caller():
    parts = [marked("a"), text("b", cache_control=FIVE_MINUTES)]
    assert markers(*parts) == ([FIVE_MINUTES, FIVE_MINUTES], None)


@pytest.mark.parametrize(
    ("given", "where"),
    [("yes", ""), ({"mode": "implicit"}, ".mode"), ({"mode": "explicit", "ttl": "5m"}, ".ttl")],
)
def test_a_malformed_breakpoint_is_refused(given, where):
    part = text("a", prompt_cache_breakpoint=given)
    param = f"messages[0].content[0].prompt_cache_breakpoint{where}"
    assert refused(messages=[user([part])]).param == param


# The limits


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
        ({"prompt_cache_options": {"x": 1}}, "prompt_cache_options.x"),
        ({"prompt_cache_key": 5}, "prompt_cache_key"),
    ],
)
def test_unknown_values_are_refused(asking, param):
    assert refused(**asking).param == param


# The receipt, and what it is about


def test_the_receipt_names_each_breakpoint_and_how_long_it_lives():
    tool = {**function_tool(), "cache_control": ONE_HOUR}
    parts = [text("a"), text("b", cache_control=FIVE_MINUTES)]
    made = plan(messages=[system("s", cache_control=ONE_HOUR), user(parts)], tools=[tool])
    assert made.breakpoints == (
        {"at": "tools[0]", "ttl": "1h"},
        {"at": "system[0]", "ttl": "1h"},
        {"at": "messages[0].content[1]", "ttl": "5m"},
    )


def test_the_automatic_breakpoint_is_the_last():
    assert plan(messages=TALK).breakpoints == ({"at": "automatic", "ttl": "5m"},)
    made = plan(messages=[user([marked("a")])])
    assert [one["at"] for one in made.breakpoints] == ["messages[0].content[0]", "automatic"]


def test_a_breakpoint_that_is_none_is_for_the_api_to_refuse():
    assert plan(cache_control="yes").breakpoints == ()


def test_the_bytes_do_not_depend_on_the_hash_seed():
    request = {
        "model": "claude-opus-5-5",
        "messages": [
            system("S"),
            user([marked("a")]),
            assistant(None, call("ü", "mcp.a b"), call("b", "f")),
            result("ü"),
            result("b"),
            user("more", name="ann"),
        ],
        "tools": [
            function_tool("mcp.a b", {"properties": {"z": {"minimum": 1, "maxLength": 3}}}),
            function_tool("f", strict=True),
        ],
        "tool_choice": "required",
        "betas": ["b", "a"],
        "metadata": {"b": "1", "a": "2"},
        "stop": ["x", "y"],
        "user": "ann@example.com",
        "verbosity": "low",
        "frequency_penalty": 1,
    }
    code = (
        "import json, sys; from claif_cla.translate.call import Call, Settings;"
        "from claif_cla.translate.chat.request import plan_request;"
        "plan = plan_request(Call('POST', '/chat/completions', json.load(sys.stdin), Settings()));"
        "print(plan.data.hex(), dict(plan.headers), plan.receipts.entries)"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "SYSTEMROOT": ""},
            input=json.dumps(request),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(runs) == 1
