from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.gateway.seen.content import MAX_CHARACTERS, MAX_CONTENT, MAX_MESSAGES, Content
from claif_cla.gateway.seen.redaction import Redactor
from gateway.seen.visits import ACCOUNT_KEY

content = Content()
input_of, output_of, system_of = content.input_of, content.output_of, content.system_of
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


def test_a_long_text_is_cut():
    told = json.loads(input_of({"messages": [{"role": "user", "content": "x " * 50_000}]}))
    assert told[0]["parts"][0]["content"] == "x " * (MAX_CHARACTERS // 2) + "…"


def test_of_many_messages_the_latest_are_told_in_their_order():
    messages = [{"role": "user", "content": str(number)} for number in range(1_000)]
    told = json.loads(input_of({"messages": messages}))
    numbers = [int(message["parts"][0]["content"]) for message in told]
    assert numbers == list(range(1_000 - MAX_MESSAGES, 1_000))


LONG = "y " * MAX_CHARACTERS


@pytest.mark.parametrize("text", [LONG, '"' * MAX_CHARACTERS, "\x01" * MAX_CHARACTERS])
def test_each_attribute_is_bounded_whatever_is_sent(text):
    parts = [{"type": "text", "text": text}] * 1_000
    message = {"role": "user", "content": parts}
    systems = [{"role": "system", "content": parts}] * 1_000
    request = {"system": parts, "messages": [*systems, *[message] * 1_000]}
    answer = {"choices": [{"message": message}] * 1_000}
    for told in (system_of(request), input_of(request), output_of(answer)):
        assert MAX_CONTENT / 3 < len(told) <= MAX_CONTENT + 2
        assert json.loads(told)


def test_half_an_emoji_leaves_the_rest_readable():
    told = input_of({"messages": [{"role": "user", "content": "half \ud83d emoji"}]})
    assert "half \ufffd emoji" in told
    assert told.encode()


@given(st.integers(0, 2 * MAX_CHARACTERS))
def test_no_piece_of_a_secret_outlives_the_cut(at):
    text = ("z " * MAX_CHARACTERS)[:at] + ACCOUNT_KEY + " end" * MAX_CHARACTERS
    own = Content(Redactor([ACCOUNT_KEY]))
    call = {"type": "tool_use", "id": ACCOUNT_KEY, "name": f"n{ACCOUNT_KEY}", "input": text}
    parts = [{"type": "text", "text": text}, call]
    request = {"system": text, "messages": [{"role": ACCOUNT_KEY, "content": parts}]}
    assert ACCOUNT_KEY[:6] not in own.input_of(request) + own.system_of(request)


def test_a_secret_that_json_would_escape_is_blotted_out_too():
    own = Content(Redactor(['pass"word\\é']))
    told = own.input_of({"messages": [{"role": "user", "content": 'it is pass"word\\é, see'}]})
    assert json.loads(told)[0]["parts"][0]["content"] == "it is ***, see"


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
