from __future__ import annotations

import json

import pytest

from claif_cla.translate.call import Call, Settings
from claif_cla.translate.chat.flow import chat_flow
from loopback import (
    error_body,
    error_event,
    message,
    sse,
    stream_of,
    text_block,
    tool_use_block,
    usage_of,
)

SSE = {"content-type": "text/event-stream"}
JSON = {"content-type": "application/json"}


def whole(text, **more):
    return 200, JSON, [json.dumps(message([text_block(text)], **more)).encode()]


def streamed(text, **more):
    return 200, SSE, [sse(stream_of([text_block(text)], piece=2, **more))]


def call(n, **request):
    messages = [{"role": "user", "content": "q"}]
    request = {"messages": messages, "n": n, "max_tokens": 9, **request}
    return chat_flow(Call("POST", "/chat/completions", request, Settings(), now=7))


def texts(chunks):
    found: dict[int, str] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            text = choice["delta"].get("content") or ""
            found[choice["index"]] = found.get(choice["index"], "") + text
    return found


def test_each_answer_is_a_choice(upstream):
    up = upstream([whole("a"), whole("b"), whole("c")])
    _, body = up.answer(call(3))
    assert [(c["index"], c["message"]["content"]) for c in body["choices"]] == [
        (0, "a"),
        (1, "b"),
        (2, "c"),
    ]
    assert {request.body for request in up.sent} == {up.sent[0].body}


def test_the_first_request_is_sent_before_the_others(upstream):
    up = upstream([whole("a"), whole("b")])
    up.answer(call(2))
    assert up.effects[:2] == ["Send", "SendAll"]


def test_the_prompt_is_counted_once_and_the_rest_added(upstream):
    used = usage_of(input_tokens=10, output_tokens=5)
    up = upstream([whole("a", usage=used), whole("b", usage=used)])
    _, body = up.answer(call(2))
    usage = body["usage"]
    counts = ("prompt_tokens", "completion_tokens", "total_tokens")
    assert [usage[name] for name in counts] == [10, 10, 20]
    assert [usage["claif_total"][name] for name in counts] == [20, 10, 30]


def test_streams_are_merged_under_one_id(upstream):
    used = usage_of(input_tokens=10, output_tokens=5)
    up = upstream(
        [streamed("abcd", id="msg_1", usage=used), streamed("xyz", id="msg_2", usage=used)]
    )
    options = {"stream": True, "stream_options": {"include_usage": True}}
    _, chunks = up.answer(call(2, **options))
    assert texts(chunks) == {0: "abcd", 1: "xyz"}
    assert {chunk["id"] for chunk in chunks} == {"chatcmpl-msg_1"}
    indexes = [choice["index"] for chunk in chunks for choice in chunk["choices"]]
    assert indexes[:4] == [0, 1, 0, 1]
    finished = [c["finish_reason"] for chunk in chunks for c in chunk["choices"]]
    assert [reason for reason in finished if reason] == ["stop", "stop"]


def test_merged_streams_end_with_one_usage(upstream):
    used = usage_of(input_tokens=10, output_tokens=5)
    up = upstream([streamed("a", usage=used), streamed("b", usage=used)])
    options = {"stream": True, "stream_options": {"include_usage": True}}
    _, chunks = up.answer(call(2, **options))
    with_usage = [chunk for chunk in chunks if chunk["usage"]]
    assert with_usage == chunks[-1:]
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] == 10


def test_merged_streams_without_usage_have_no_chunk_without_choices(upstream):
    _, chunks = upstream([streamed("a"), streamed("b")]).answer(call(2, stream=True))
    assert all(chunk["choices"] for chunk in chunks)


@pytest.mark.parametrize("stream", [False, True])
def test_an_error_of_one_is_the_error_of_all(upstream, stream):
    ok = streamed("a") if stream else whole("a")
    refused = 429, JSON, [json.dumps(error_body("rate_limit_error", "slow")).encode()]
    answer, body = upstream([ok, refused]).answer(call(2, stream=stream))
    assert (answer.status, body["error"]["code"]) == (429, "rate_limit_exceeded")


def test_an_error_in_one_stream_ends_all(upstream):
    failing = [*stream_of([text_block("b")])[:2], error_event("overloaded_error", "Overloaded")]
    up = upstream([streamed("abcdefghijklm"), (200, SSE, [sse(failing)])])
    _, chunks = up.answer(call(2, stream=True))
    assert chunks[-1]["error"]["code"] == "overloaded"
    assert not [c for chunk in chunks[:-1] for c in chunk["choices"] if c["finish_reason"]]


@pytest.mark.parametrize("n", [0, -1, 129, 1.5, "2", True])
def test_a_senseless_count_is_refused(upstream, n):
    up = upstream()
    answer, body = up.answer(call(n))
    assert (answer.status, body["error"]["param"], up.sent) == (400, "n", [])


def test_each_choice_counts_its_own_calls(upstream):
    def calling(name):
        return 200, SSE, [sse(stream_of([tool_use_block(name, {"x": 1})], stop_reason="tool_use"))]

    tool = {"type": "function", "function": {"name": "f"}}
    up = upstream([calling("f"), calling("f")])
    _, chunks = up.answer(call(2, stream=True, tools=[tool]))
    calls = [
        (choice["index"], one["index"], one["function"].get("name"))
        for chunk in chunks
        for choice in chunk["choices"]
        for one in choice["delta"].get("tool_calls", ())
        if "id" in one
    ]
    assert sorted(calls) == [(0, 0, "f"), (1, 0, "f")]


@pytest.mark.parametrize("stream", [False, True])
def test_the_receipts_are_told_once_per_call(upstream, stream):
    up = upstream([streamed("a") if stream else whole("a")] * 3)
    answer, _ = up.answer(call(3, stream=stream, seed=7))
    assert [entry["param"] for entry in answer.adaptations] == ["seed"]
    assert answer.headers["x-claif-adapted"] == "seed=dropped"
