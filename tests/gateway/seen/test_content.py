from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from claif_cla.gateway.seen.content import (
    MAX_CHARACTERS,
    MAX_MESSAGES,
    input_of,
    output_of,
    system_of,
)

CALL = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}


def test_a_chat_conversation():
    request = {
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "1+1?"}]},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": "2"},
        ]
    }
    assert json.loads(system_of(request)) == [{"type": "text", "content": "Be brief."}]
    assert json.loads(input_of(request)) == [
        {"role": "user", "parts": [{"type": "text", "content": "1+1?"}]},
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "call_1", "name": "add", "arguments": '{"a":1}'}],
        },
        {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": "call_1", "response": "2"}],
        },
    ]


def test_a_messages_conversation():
    request = {
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}}],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "t1",
                        "content": [{"type": "text", "text": "2"}],
                    }
                ],
            },
        ],
    }
    assert json.loads(system_of(request)) == [{"type": "text", "content": "Be brief."}]
    call, answer = json.loads(input_of(request))
    assert call["parts"][0]["arguments"] == '{"a":1}'
    assert answer["parts"] == [{"type": "tool_call_response", "id": "t1", "response": "2"}]


def test_answers_of_both_apis():
    chat = {
        "choices": [{"message": {"role": "assistant", "content": "2"}, "finish_reason": "stop"}]
    }
    native = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": "2"}],
        "stop_reason": "end_turn",
    }
    parts = [{"type": "text", "content": "2"}]
    assert json.loads(output_of(chat)) == [
        {"role": "assistant", "parts": parts, "finish_reason": "stop"}
    ]
    assert json.loads(output_of(native)) == [
        {"role": "assistant", "parts": parts, "finish_reason": "end_turn"}
    ]


def test_of_images_and_thinking_only_the_kind_is_told():
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    thinking = {"type": "thinking", "thinking": "hm", "signature": "sig"}
    told = input_of({"messages": [{"role": "user", "content": [image, thinking]}]})
    assert json.loads(told)[0]["parts"] == [{"type": "image_url"}, {"type": "thinking"}]


def test_what_is_not_there_is_none():
    assert system_of({"messages": []}) is None
    assert input_of({}) is None
    assert output_of({"error": {"message": "no"}}) is None
    assert output_of(None) is None


def test_length_is_bounded():
    messages = [{"role": "user", "content": "x" * 100_000}] * 1_000
    told = json.loads(input_of({"messages": messages}))
    assert len(told) == MAX_MESSAGES
    assert len(told[0]["parts"][0]["content"]) == MAX_CHARACTERS + 1


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "messages role content type text tool_calls function system choices message".split()
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(values)
def test_whatever_callers_send_it_is_json_or_nothing(value):
    for told in (system_of(value), input_of(value), output_of(value)):
        assert told is None or isinstance(json.loads(told), list)
