from __future__ import annotations

import json

import pytest

from claif_cla.errors import MalformedAnswer, OversizedAnswer, TruncatedStream
from claif_cla.translate import body
from claif_cla.translate.call import Call, Settings
from claif_cla.translate.chat.flow import MAX_RESUMPTIONS, chat_flow
from loopback import error_body, error_event, message, sse, stream_of, text_block, tool_use_block

SSE = {"content-type": "text/event-stream", "request-id": "req_1"}
JSON = {"content-type": "application/json", "request-id": "req_1"}
LOOK = text_block("Let me look")
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"q": "x"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
FORTY_TWO = text_block("42")
OVERLOADED = error_event("overloaded_error", "Overloaded")


def whole(blocks, **more):
    return 200, JSON, [json.dumps(message(blocks, **more)).encode()]


def streamed(blocks, **more):
    return 200, SSE, [sse(stream_of(blocks, **more))]


def events(*given):
    return 200, SSE, [sse(given)]


def failed(status=429, kind="rate_limit_error"):
    return status, JSON, [json.dumps(error_body(kind, "no")).encode()]


def call(*, stream=False, settings=None, **request):
    request = {"messages": [{"role": "user", "content": "q"}], "stream": stream, **request}
    return chat_flow(Call("POST", "/chat/completions", request, settings or Settings(), now=7))


def text_of(result):
    """The text of an answer's body, whole or in chunks."""
    if isinstance(result, dict):
        return result["choices"][0]["message"]["content"]
    deltas = [chunk["choices"][0]["delta"] for chunk in result if chunk.get("choices")]
    return "".join(delta.get("content") or "" for delta in deltas)


def native_of(result):
    """The `content_blocks` of an answer's body, whole or in chunks."""
    if isinstance(result, dict):
        return result["choices"][0]["message"]["content_blocks"]
    deltas = [chunk["choices"][0]["delta"] for chunk in result]
    (blocks,) = [delta["content_blocks"] for delta in deltas if "content_blocks" in delta]
    return [{key: value for key, value in b.items() if key != "index"} for b in blocks]


def finish_of(result):
    last = result if isinstance(result, dict) else result[-1]
    return last["choices"][0]["finish_reason"]


FORMS = pytest.mark.parametrize("form", [whole, streamed])
STREAMS = pytest.mark.parametrize("stream", [False, True])


@FORMS
@STREAMS
def test_each_form_of_answer_serves_each_kind_of_call(upstream, form, stream):
    up = upstream([form([text_block("hi")])])
    answer, result = up.answer(call(stream=stream))
    assert answer.status == 200
    assert answer.is_stream is stream
    assert answer.headers["x-request-id"] == "req_1"
    assert (text_of(result), finish_of(result)) == ("hi", "stop")
    assert up.effects[-1] == "Drain"


def test_a_refused_request_is_not_sent(upstream):
    up = upstream()
    answer, result = up.answer(call(logprobs=True))
    assert (answer.status, result["error"]["param"]) == (400, "logprobs")
    assert up.effects == []


def test_a_request_nested_beyond_the_stack_is_refused(upstream):
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    answer, result = upstream().answer(call(metadata={"a": "b"}, extra={"x": deep}))
    assert answer.status == 400
    assert result["error"]["type"] == "invalid_request_error"


@STREAMS
@pytest.mark.parametrize("status", [302, 400, 429, 529])
def test_any_status_but_2xx_is_the_upstreams_error(upstream, status, stream):
    up = upstream([failed(status)])
    answer, result = up.answer(call(stream=stream))
    assert answer.status == {529: 503}.get(status, status)
    assert not answer.is_stream
    assert result["error"]["anthropic"]["message"] == "no"
    assert up.effects[-1] == "Close"


@STREAMS
@pytest.mark.parametrize(
    "reply", [events(OVERLOADED), (200, JSON, [json.dumps(OVERLOADED).encode()])]
)
def test_an_error_that_comes_first_is_answered_with_its_status(upstream, reply, stream):
    up = upstream([reply])
    answer, result = up.answer(call(stream=stream))
    assert answer.status == 503
    assert answer.headers["x-request-id"] == "req_1"
    assert result["error"]["code"] == "overloaded"
    assert up.effects[-1] == "Close"


def test_a_later_error_of_a_stream_is_its_last_chunk(upstream):
    up = upstream([events(*stream_of([text_block("par")])[:3], OVERLOADED)])
    answer, chunks = up.answer(call(stream=True))
    assert answer.status == 200
    assert chunks[-1]["error"]["code"] == "overloaded"
    assert not any(c.get("choices") and c["choices"][0]["finish_reason"] for c in chunks)
    assert up.effects[-1] == "Close"


def test_a_later_error_of_a_folded_stream_is_answered_with_its_status(upstream):
    up = upstream([events(*stream_of([text_block("par")])[:3], OVERLOADED)])
    answer, _ = up.answer(call())
    assert answer.status == 503


@STREAMS
@pytest.mark.parametrize("cut", range(8))
def test_a_stream_that_is_cut_is_no_answer(upstream, cut, stream):
    blocks = [text_block("par"), tool_use_block("f", {})]
    told = stream_of(blocks, ping=False, stop_reason="tool_use")
    assert len(told) > cut
    with pytest.raises(TruncatedStream):
        upstream([events(*told[:cut])]).answer(call(stream=stream))


@STREAMS
@pytest.mark.parametrize(
    "reply",
    [
        (200, JSON, [b"[]"]),
        (200, JSON, [b"{}"]),
        (200, {}, [b"<html>"]),
        (200, JSON, []),
        (200, SSE, [b"data: nope\n\n"]),
        events({"type": "message_stop"}),
        events({"type": "message_start"}),
        (200, JSON, [b'{"type":"message","content":[1]}']),
    ],
)
def test_what_is_no_answer_is_a_fault_before_the_status(upstream, reply, stream):
    with pytest.raises(MalformedAnswer):
        upstream([reply]).run(call(stream=stream))


@STREAMS
def test_an_answer_without_end_is_given_up(upstream, monkeypatch, stream):
    monkeypatch.setattr(body, "MAX_ANSWER_BYTES", 2000)
    delta = {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": "x"},
    }
    up = upstream([(200, SSE, [sse(stream_of([LOOK])[:3]), *([sse([delta])] * 100)])])
    with pytest.raises(OversizedAnswer):
        up.answer(call(stream=stream))
    assert len(up.effects) < 40


@STREAMS
def test_receipts_travel_with_the_answer(upstream, stream):
    up = upstream([whole([LOOK])])
    answer, result = up.answer(call(stream=stream, seed=7))
    receipts = (result[0] if stream else result)["adaptations"]
    assert [receipt["param"] for receipt in receipts] == ["seed"]
    assert answer.adaptations == tuple(receipts)
    assert answer.headers["x-claif-adapted"] == "seed=dropped"


@STREAMS
def test_without_receipts_there_is_no_trace_of_them(upstream, stream):
    answer, result = upstream([whole([LOOK])]).answer(call(stream=stream))
    assert "adaptations" not in (result[0] if stream else result)
    assert "x-claif-adapted" not in answer.headers


@FORMS
@STREAMS
def test_a_paused_turn_is_resumed_as_one_answer(upstream, form, stream):
    paused = [LOOK, SEARCH]
    replies = [
        form(paused, stop_reason="pause_turn", usage={"input_tokens": 10, "output_tokens": 5}),
        form([FOUND, FORTY_TWO], id="msg_2", usage={"input_tokens": 30, "output_tokens": 7}),
    ]
    up = upstream(replies)
    _, result = up.answer(call(stream=stream, stream_options={"include_usage": True}))
    if stream:
        *result, final = result
        assert len({chunk["id"] for chunk in result}) == 1
    usage = (final if stream else result)["usage"]
    assert (text_of(result), finish_of(result)) == ("Let me look\n\n42", "stop")
    assert native_of(result) == [*paused, FOUND, FORTY_TWO]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (40, 12)
    first, second = (json.loads(request.body) for request in up.sent)
    assert second.pop("messages") == [
        *first.pop("messages"),
        {"role": "assistant", "content": paused},
    ]
    assert first == second


@STREAMS
def test_each_resumption_sends_back_all_that_came(upstream, stream):
    replies = [
        whole([LOOK, SEARCH], stop_reason="pause_turn"),
        streamed([FOUND, text_block(""), SEARCH], stop_reason="pause_turn"),
        whole([FORTY_TWO]),
    ]
    up = upstream(replies)
    _, result = up.answer(call(stream=stream))
    assert text_of(result) == "Let me look\n\n42"
    assert [block["type"] for block in native_of(result)] == [
        "text",
        "server_tool_use",
        "web_search_tool_result",
        "text",
        "server_tool_use",
        "text",
    ]
    sent = json.loads(up.sent[-1].body)["messages"][-1]
    assert sent["content"] == [LOOK, SEARCH, FOUND, SEARCH]


@STREAMS
def test_resumptions_are_bounded_and_the_answer_says_that_it_was_cut(upstream, stream):
    up = upstream([streamed([LOOK, SEARCH], stop_reason="pause_turn")] * 99)
    _, result = up.answer(call(stream=stream))
    assert finish_of(result) == "length"
    assert len(up.sent) == 1 + MAX_RESUMPTIONS


@STREAMS
@pytest.mark.parametrize(
    ("blocks", "finish"),
    [
        ([LOOK, tool_use_block("f", {})], "tool_calls"),
        ([], "length"),
        ([text_block(" ")], "length"),
    ],
)
def test_a_pause_that_only_the_caller_can_resume_is_theirs(upstream, blocks, finish, stream):
    up = upstream([streamed(blocks, stop_reason="pause_turn")])
    _, result = up.answer(call(stream=stream))
    assert finish_of(result) == finish
    assert len(up.sent) == 1


def test_a_refused_resumption_of_a_whole_answer_is_the_upstreams_error(upstream):
    up = upstream([whole([LOOK, SEARCH], stop_reason="pause_turn"), failed()])
    answer, result = up.answer(call())
    assert (answer.status, result["error"]["code"]) == (429, "rate_limit_exceeded")


@pytest.mark.parametrize("second", [failed(), events(error_event("rate_limit_error", "no"))])
def test_a_refused_resumption_of_a_stream_is_its_last_chunk(upstream, second):
    up = upstream([streamed([LOOK, SEARCH], stop_reason="pause_turn"), second])
    answer, chunks = up.answer(call(stream=True))
    assert answer.status == 200
    assert chunks[-1]["error"]["code"] == "rate_limit_exceeded"
    assert text_of(chunks) == "Let me look"


def test_a_replys_connection_is_drained_before_the_next_request(upstream):
    up = upstream([streamed([LOOK, SEARCH], stop_reason="pause_turn"), streamed([FORTY_TWO])])
    up.answer(call(stream=True))
    assert up.effects == ["Send", "Read", "Drain", "Send", "Read", "Drain"]


def test_no_chunk_waits_for_more_than_its_own_event(upstream):
    """Each event is one piece, and read only when all earlier chunks are taken."""
    told = stream_of([text_block("abcdefgh" * 3)], ping=False)
    up = upstream([(200, SSE, [sse([event]) for event in told])])
    flow = up.run(call(stream=True)).body
    assert next(flow)["choices"][0]["delta"]["role"] == "assistant"
    assert up.effects == ["Send", "Read"]
    flow.close()
