from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import CompletionUsage

from claif_cla.translate.usage import (
    add_usage,
    merge_usage,
    prompt_cache,
    service_tier,
    usage_to_openai,
)

COUNTS = st.dictionaries(st.sampled_from("abc"), st.integers(0, 9), max_size=3)


def test_cached_tokens_count_as_prompt_tokens():
    usage = usage_to_openai(
        {
            "input_tokens": 3,
            "cache_read_input_tokens": 50,
            "cache_creation_input_tokens": 7,
            "output_tokens": 5,
        }
    )
    assert usage["prompt_tokens"] == 60
    assert usage["completion_tokens"] == 5
    assert usage["total_tokens"] == 65
    assert usage["prompt_tokens_details"]["cached_tokens"] == 50
    assert usage["prompt_tokens_details"]["cache_write_tokens"] == 7
    assert usage["cache_read_input_tokens"] == 50
    assert usage["cache_creation_input_tokens"] == 7


def test_reasoning_tokens_are_the_count_of_the_api():
    given_usage = {"output_tokens": 391, "output_tokens_details": {"thinking_tokens": 180}}
    usage = usage_to_openai(given_usage)
    assert usage["completion_tokens"] == 391
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 180


@pytest.mark.parametrize(
    "details", [None, {}, {"thinking_tokens": None}, {"thinking_tokens": True}, [1]]
)
def test_reasoning_tokens_are_never_guessed(details):
    usage = usage_to_openai({"output_tokens": 800, "output_tokens_details": details})
    assert "reasoning_tokens" not in usage["completion_tokens_details"]


@pytest.mark.parametrize("odd", [None, "7", True, 1.5, [], {}])
def test_what_is_no_count_counts_nothing(odd):
    usage = usage_to_openai({"input_tokens": odd, "output_tokens": odd})
    assert (usage["prompt_tokens"], usage["total_tokens"]) == (0, 0)


def test_anthropics_own_counts_stand_beside():
    own = {
        "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 2},
        "server_tool_use": {"web_search_requests": 1},
        "inference_geo": "eu",
        "speed": "fast",
        "iterations": [{"type": "message"}],
    }
    assert usage_to_openai(own).items() >= own.items()
    assert "speed" not in usage_to_openai({"speed": None})


def test_openai_types_take_the_usage():
    given_usage = {"input_tokens": 1, "output_tokens": 2, "speed": "fast"}
    assert CompletionUsage.model_validate(usage_to_openai(given_usage)).total_tokens == 3


def test_later_counts_replace_and_what_is_left_out_stays():
    start = {"input_tokens": 100, "cache_read_input_tokens": 50, "output_tokens": 1}
    later = {"input_tokens": None, "output_tokens": 15, "server_tool_use": {"a": 1}}
    assert merge_usage(start, later) == {
        "input_tokens": 100,
        "cache_read_input_tokens": 50,
        "output_tokens": 15,
        "server_tool_use": {"a": 1},
    }


def test_usage_of_two_calls_is_added_at_any_depth():
    one = {"output_tokens": 5, "server_tool_use": {"n": 1}, "tier": "a", "iterations": [1]}
    other = {
        "output_tokens": 7,
        "server_tool_use": {"n": 2, "m": 3},
        "tier": "b",
        "iterations": [2],
        "new": 1,
        "absent": None,
    }
    assert add_usage(one, other) == {
        "output_tokens": 12,
        "server_tool_use": {"n": 3, "m": 3},
        "tier": "b",
        "iterations": [1, 2],
        "new": 1,
    }


@given(COUNTS, COUNTS, COUNTS)
def test_adding_usage_is_associative_and_has_a_zero(one, two, three):
    assert add_usage(add_usage(one, two), three) == add_usage(one, add_usage(two, three))
    assert add_usage({}, one) == add_usage(one, {}) == one


@pytest.mark.parametrize(
    ("usage", "tier"),
    [
        ({"service_tier": "standard"}, "default"),
        ({"service_tier": "priority"}, "priority"),
        ({"service_tier": "batch"}, "flex"),
        ({"service_tier": "standard", "speed": "fast"}, "priority"),
        ({"service_tier": "standard", "speed": "standard"}, "default"),
        ({"service_tier": "of_the_future"}, None),
        ({"service_tier": ["odd"]}, None),
        ({}, None),
    ],
)
def test_service_tier_in_openais_words(usage, tier):
    assert service_tier(usage) == tier


def test_without_breakpoints_there_is_no_receipt_of_caching():
    assert prompt_cache((), {"cache_read_input_tokens": 5}) is None


@pytest.mark.parametrize(
    ("usage", "read", "written"),
    [
        ({}, 0, 0),
        ({"cache_read_input_tokens": None, "cache_creation_input_tokens": 7}, 0, 7),
        ({"cache_read_input_tokens": 5, "cache_creation_input_tokens": 0}, 5, 0),
    ],
)
def test_the_receipt_of_caching_tells_where_and_how_much(usage, read, written):
    marks = [{"at": "system[0]", "ttl": "1h"}]
    told = prompt_cache(marks, usage)
    assert told == {"breakpoints": marks, "read_tokens": read, "written_tokens": written}
