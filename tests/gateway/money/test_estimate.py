from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.gateway.money import Prices, demand
from claif_cla.gateway.money.estimate import (
    EXPECTED_OUTPUT,
    IMAGE_TOKENS,
    MAX_ANSWERS,
    MAX_PAGES,
    MAX_PARTS,
    PAGE_BASE64,
    PAGE_TOKENS,
    probable_counts,
)
from claif_cla.gateway.visit import Usage

OPUS = "claude-opus-5-5"  # 4 in, 20 out; fast 8 and 40
DATA = "A" * 100_000


def asked(size=None, /, **request):
    size = len(json.dumps(request)) if size is None else size
    return demand(Prices(), OPUS, request, size)


def with_parts(*parts):
    return asked(messages=[{"role": "user", "content": list(parts)}])


def test_four_bytes_are_a_token():
    assert asked(4_000).input_tokens == 1_000
    assert asked(2).input_tokens == 1


@pytest.mark.parametrize(
    ("request_", "tokens"),
    [
        ({"max_tokens": 10}, 10),
        ({"max_completion_tokens": 20, "max_tokens": 10}, 20),
        ({"max_tokens": 10, "n": 3}, 30),
        ({"max_tokens": 0}, 0),
        ({}, EXPECTED_OUTPUT),
        ({"n": 2}, 2 * EXPECTED_OUTPUT),
        ({"max_tokens": 64_000}, EXPECTED_OUTPUT),
        ({"max_tokens": 1, "n": 10**9}, MAX_ANSWERS),
        ({"max_tokens": "many", "n": "some"}, EXPECTED_OUTPUT),
        ({"max_tokens": True, "n": True}, EXPECTED_OUTPUT),
        ({"max_tokens": -1, "n": 0}, EXPECTED_OUTPUT),
    ],
)
def test_the_answer_takes_what_is_allowed_up_to_what_answers_usually_take(request_, tokens):
    assert asked(4, **request_).output_tokens == tokens


def test_a_demand_has_the_price_of_its_tokens():
    assert asked(4_000, max_tokens=1_000) == (OPUS, 1_000, 1_000, 4_000 + 20_000)


@pytest.mark.parametrize("way", [{"speed": "fast"}, {"service_tier": "priority"}])
def test_a_fast_request_is_estimated_at_the_fast_price(way):
    assert asked(4_000, max_tokens=1_000, **way).cost == 8_000 + 40_000


def test_a_request_for_the_us_alone_is_estimated_at_its_price():
    assert asked(4_000, max_tokens=0, inference_geo="us").cost == 4_400


def test_a_long_prompt_is_estimated_at_the_long_price():
    assert demand(Prices(), "claude-haiku-5-5", {"max_tokens": 0}, 800_000).cost == 100_000


def test_an_unknown_model_has_no_price_and_its_tokens_all_the_same():
    assert demand(Prices(), "gpt-5", {"max_tokens": 7}, 400) == ("gpt-5", 100, 7, None)


# Media

MEDIA = {
    "image of OpenAI": (
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DATA}"}},
        IMAGE_TOKENS,
    ),
    "image as a text": ({"type": "image_url", "image_url": DATA}, IMAGE_TOKENS),
    "image of Anthropic": (
        {"type": "image", "source": {"type": "base64", "data": DATA}},
        IMAGE_TOKENS,
    ),
    "file": ({"type": "file", "file": {"file_data": DATA}}, 2 * PAGE_TOKENS),
    "document": ({"type": "document", "source": {"type": "base64", "data": DATA}}, 2 * PAGE_TOKENS),
    "image in a tool's result": (
        {"type": "tool_result", "content": [{"type": "image", "source": {"data": DATA}}]},
        IMAGE_TOKENS,
    ),
}


@pytest.mark.parametrize(("part", "tokens"), MEDIA.values(), ids=MEDIA)
def test_media_count_by_their_kind_and_not_by_their_bytes(part, tokens):
    assert tokens < with_parts(part).input_tokens < tokens + 100


def test_a_documents_text_counts_by_its_bytes():
    part = {"type": "document", "source": {"type": "text", "data": DATA}}
    assert len(DATA) // 4 < with_parts(part).input_tokens < len(DATA) // 4 + 100


def test_a_file_counts_no_more_pages_than_a_request_may_have():
    data = "A" * (PAGE_BASE64 * MAX_PAGES * 2)
    part = {"type": "file", "file": {"file_data": data}}
    request = {"messages": [{"role": "user", "content": [part]}]}
    assert asked(len(data) + 100, **request).input_tokens == MAX_PAGES * PAGE_TOKENS + 25


def test_an_image_by_its_address_counts_as_an_image():
    image = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}
    text = {"type": "text", "text": "x" * 20_000}
    assert with_parts(text, image).input_tokens - with_parts(text).input_tokens > 1_500


def test_of_countless_parts_the_rest_counts_by_its_bytes():
    image = {"type": "image", "source": {"data": "A" * 40}}
    parts = [image] * (MAX_PARTS + 1_000)
    tokens = with_parts(*parts).input_tokens
    assert tokens < MAX_PARTS * IMAGE_TOKENS + 1_000 * IMAGE_TOKENS


NAMES = "messages content type source data image_url url file file_data".split()
LIMITS = "max_tokens n speed service_tier max_completion_tokens".split()
TYPES = "image image_url file document tool_result text".split()


def containers(inner):
    facts = st.dictionaries(
        st.sampled_from([*NAMES, *LIMITS]), inner | st.sampled_from(TYPES), max_size=5
    )
    return st.lists(inner, max_size=4) | facts


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    containers,
    max_leaves=25,
)


@given(request_=st.dictionaries(st.text(max_size=3), json_values), more=json_values)
def test_a_body_of_any_shape_has_a_demand(request_, more):
    found = demand(Prices(), OPUS, {**request_, "messages": more, "n": more}, 100_000)
    assert found.input_tokens >= 1
    assert found.output_tokens >= 0
    assert found.cost is not None


# What was left in the middle

STARTED = {"input_tokens": 500, "output_tokens": 3, "cache_read_input_tokens": 40}


def test_a_complete_reply_keeps_its_counts():
    usage = Usage(OPUS, STARTED, complete=True, characters=10_000)
    assert probable_counts(usage, asked(4_000)) == STARTED


def test_a_reply_that_was_left_counts_the_text_that_it_told():
    usage = Usage(OPUS, STARTED, characters=701)
    assert probable_counts(usage) == {**STARTED, "output_tokens": 201}


def test_a_reply_that_was_left_keeps_a_count_that_is_higher():
    usage = Usage(OPUS, {**STARTED, "output_tokens": 900}, characters=700)
    assert probable_counts(usage)["output_tokens"] == 900


def test_a_reply_of_which_nothing_came_is_charged_for_its_prompt():
    usage = Usage(OPUS, {})
    assert probable_counts(usage, asked(4_000)) == {"input_tokens": 1_000, "output_tokens": 0}
    assert probable_counts(usage) == {"output_tokens": 0}


def test_what_a_reply_said_of_its_prompt_goes_before_the_estimate():
    assert probable_counts(Usage(OPUS, STARTED), asked(4_000))["input_tokens"] == 500
