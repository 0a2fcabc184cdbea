from __future__ import annotations

import contextlib
import json

import pytest

from claif_cla import ThinkingMemory
from claif_cla.errors import MalformedAnswer, OversizedAnswer, TruncatedStream
from claif_cla.translate import body
from claif_cla.translate.call import Call, Settings
from claif_cla.translate.chat import flow as flow_module
from claif_cla.translate.chat.flow import MAX_RESUMPTIONS, chat_flow
from claif_cla.translate.chat.recall import Recollection
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
    # A whole answer has been read to its end; what may come after a stream has not.
    assert up.effects[-1] == ("Close" if form is whole and not stream else "Drain")


@FORMS
@STREAMS
@pytest.mark.parametrize("asked", [False, True])
def test_the_answer_tells_what_was_cached(upstream, form, stream, asked):
    usage = {"input_tokens": 1, "output_tokens": 1, "cache_read_input_tokens": 3}
    up = upstream([form([text_block("hi")], usage=usage)])
    _, result = up.answer(call(stream=stream, prompt_cache_key="k" if asked else None))
    told = result if isinstance(result, dict) else result[0]
    marks = [{"at": "automatic", "ttl": "5m"}]
    receipt = {"breakpoints": marks, "read_tokens": 3, "written_tokens": 0}
    assert told["prompt_cache"] == (receipt if asked else None)


@FORMS
def test_metadata_is_told_back(upstream, form):
    up = upstream([form([text_block("hi")])] * 2)
    assert up.answer(call(metadata={"team": "a"}))[1]["metadata"] == {"team": "a"}
    assert "metadata" not in up.answer(call())[1]


def test_a_message_without_usage_was_not_cached(upstream):
    silent = {**message([text_block("hi")]), "usage": None}
    up = upstream([(200, JSON, [json.dumps(silent).encode()])])
    _, result = up.answer(call(prompt_cache_key="k"))
    assert result["prompt_cache"]["read_tokens"] == 0


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
def test_without_receipts_their_list_is_empty_and_the_header_absent(upstream, stream):
    answer, result = upstream([whole([LOOK])]).answer(call(stream=stream))
    assert (result[0] if stream else result)["adaptations"] == []
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


# What was used


@FORMS
@STREAMS
def test_each_reply_tells_what_it_used(upstream, form, stream):
    paused = form([LOOK, SEARCH], stop_reason="pause_turn", usage=usage_of(5, 6))
    up = upstream([paused, form([FORTY_TWO], usage=usage_of(7, 8))])
    up.answer(call(stream=stream))
    last = {id(used.reply): used for used in up.used}
    told = [
        (used.message["usage"]["input_tokens"], used.message["usage"]["output_tokens"])
        for used in last.values()
    ]
    assert told == [(5, 6), (7, 8)]
    assert all(used.complete and used.message["model"] for used in last.values())


def test_a_stream_tells_at_its_beginning_what_it_read(upstream):
    up = upstream([streamed([FORTY_TWO], usage=usage_of(5, 6))])
    up.run(call(stream=True)).body.close()
    (used,) = up.used
    assert not used.complete
    assert used.message["usage"]["input_tokens"] == 5


@STREAMS
def test_each_of_several_answers_tells_what_it_used(upstream, stream):
    up = upstream([streamed([FORTY_TWO], usage=usage_of(5, 6))] * 3)
    up.answer(call(stream=stream, n=3))
    assert len({id(used.reply) for used in up.used if used.complete}) == 3


# What is remembered


THOUGHT = {"type": "thinking", "thinking": "", "signature": "s"}


@FORMS
@STREAMS
def test_a_complete_answer_is_remembered(upstream, form, stream):
    memory, use = ThinkingMemory(), tool_use_block("f", {}, id="toolu_1")
    up = upstream([form([THOUGHT, use], stop_reason="tool_use")])
    up.answer(call(stream=stream, settings=Settings(memory=memory)))
    assert memory.recall("call:toolu_1") == [THOUGHT, use]


@FORMS
@STREAMS
def test_a_resumed_answer_is_remembered_as_one(upstream, form, stream):
    memory = ThinkingMemory()
    replies = [form([LOOK, SEARCH], stop_reason="pause_turn"), form([FOUND, FORTY_TWO])]
    up = upstream(replies)
    _, result = up.answer(call(stream=stream, settings=Settings(memory=memory)))
    said = {"role": "assistant", "content": text_of(result)}
    history = Recollection(memory, [{"role": "user", "content": "q"}, said])
    assert history.of(1) == [LOOK, SEARCH, FOUND, FORTY_TWO]
    assert len(memory) == 1


@STREAMS
def test_a_legacy_answer_is_remembered_by_its_place(upstream, stream):
    memory, use = ThinkingMemory(), tool_use_block("f", {}, id="toolu_1")
    up = upstream([whole([THOUGHT, use], stop_reason="tool_use")])
    up.answer(call(stream=stream, settings=Settings(memory=memory), functions=[{"name": "f"}]))
    said = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
    history = Recollection(memory, [{"role": "user", "content": "q"}, said])
    assert history.of(1) == [THOUGHT, use]


@STREAMS
def test_what_openais_fields_carry_is_not_remembered(upstream, stream):
    memory = ThinkingMemory()
    up = upstream([whole([LOOK, tool_use_block("f", {})], stop_reason="tool_use")])
    up.answer(call(stream=stream, settings=Settings(memory=memory)))
    assert len(memory) == 0


@STREAMS
@pytest.mark.parametrize("end", [[], [OVERLOADED]])
def test_nothing_is_remembered_of_an_answer_that_failed(upstream, stream, end):
    memory = ThinkingMemory()
    told = stream_of([{**THOUGHT}, text_block("par"), text_block("tial")], ping=False)[:-1]
    up = upstream([events(*told, *end)])
    with contextlib.nullcontext() if end else pytest.raises(TruncatedStream):
        up.answer(call(stream=stream, settings=Settings(memory=memory)))
    assert len(memory) == 0


def test_a_stream_that_is_left_at_its_last_chunk_is_remembered(upstream):
    memory, use = ThinkingMemory(), tool_use_block("f", {}, id="toolu_1")
    up = upstream([streamed([THOUGHT, use], stop_reason="tool_use")])
    flow = up.run(call(stream=True, settings=Settings(memory=memory))).body
    for item in flow:
        if isinstance(item, dict) and item.get("choices") and item["choices"][0]["finish_reason"]:
            break
    flow.close()
    assert len(memory) == 1


# What a refusal teaches


class Lessons:
    def __init__(self):
        self.learnt = []

    def facts(self, model_id):
        return None

    def learn(self, facts):
        self.learnt.append(facts)


def refused(message):
    body = {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
    return 400, JSON, [json.dumps(body).encode()]


DEPRECATED = refused("`temperature` is deprecated for this model.")
WARM = {"model": "claude-sonnet-4-5", "temperature": 0.5}


@STREAMS
def test_a_lesson_is_kept_once_the_api_has_taken_it(upstream, stream):
    lessons = Lessons()
    up = upstream([DEPRECATED, whole([LOOK])])
    settings = Settings(lessons=lessons)
    answer, _ = up.answer(call(stream=stream, settings=settings, **WARM))
    assert answer.status == 200
    assert [facts.sampling for facts in lessons.learnt] == ["none"]
    assert [note["param"] for note in answer.adaptations] == ["temperature", "model"]
    assert ["temperature" in json.loads(sent.body) for sent in up.sent] == [True, False]


@pytest.mark.parametrize(
    ("second", "status"),
    [(DEPRECATED, 400), (failed(), 429), (failed(529, "overloaded_error"), 503)],
)
def test_the_second_error_is_the_answer_and_nothing_is_learnt(upstream, second, status):
    lessons = Lessons()
    up = upstream([DEPRECATED, second])
    answer, _ = up.answer(call(settings=Settings(lessons=lessons), **WARM))
    assert (answer.status, lessons.learnt, len(up.sent)) == (status, [], 2)


def test_without_a_place_for_lessons_each_call_learns_anew(upstream):
    up = upstream([DEPRECATED, whole([LOOK])] * 2)
    assert [up.answer(call(**WARM))[0].status for _ in range(2)] == [200, 200]
    assert len(up.sent) == 4


@pytest.mark.parametrize(
    "reply",
    [
        failed(429),
        failed(400, "invalid_request_error"),
        (400, {}, [b"<html>"]),
        (400, JSON, [b"[]"]),
        refused("This model does not support assistant message prefill."),  # there was none
        refused("role 'system' is not supported on this model"),  # the catalogue knows
    ],
)
def test_what_teaches_nothing_for_this_request_is_told_at_once(upstream, reply):
    up = upstream([reply])
    answer, _ = up.answer(call(**WARM))
    assert (answer.status, len(up.sent)) == (reply[0], 1)


def test_a_long_refusal_is_quoted_in_part(upstream):
    up = upstream(
        [refused("temperature: Extra inputs are not permitted" + "x" * 999), whole([LOOK])]
    )
    answer, _ = up.answer(call(**WARM))
    assert len(answer.adaptations[-1]["detail"]) < 400


# A forced call of a model that takes no force

NO = text_block("I would rather not.")
FORCED = {
    "model": "claude-opus-5-5",
    "tools": [{"type": "function", "function": {"name": "f"}}],
    "tool_choice": "required",
}
CALL = tool_use_block("f", {}, id="toolu_1")


@FORMS
@STREAMS
def test_an_answer_without_the_forced_call_is_asked_for_it_once_more(upstream, form, stream):
    up = upstream([form([NO]), form([CALL], stop_reason="tool_use")])
    _, result = up.answer(call(stream=stream, **FORCED))
    assert (text_of(result), finish_of(result)) == (NO["text"], "tool_calls")
    assert native_of(result) == [NO, CALL]
    first, second = (json.loads(request.body)["messages"] for request in up.sent)
    assert second[:-1] == [*first, {"role": "assistant", "content": [NO]}]
    assert second[-1]["role"] == "user"
    assert "Call one of the tools" in second[-1]["content"][0]["text"]


@STREAMS
def test_a_text_that_comes_then_stands_apart(upstream, stream):
    up = upstream([streamed([NO]), streamed([text_block("Still no.")])])
    _, result = up.answer(call(stream=stream, **FORCED))
    assert text_of(result) == f"{NO['text']}\n\nStill no."


@STREAMS
def test_what_comes_then_is_the_answer(upstream, stream):
    up = upstream([streamed([NO]), streamed([LOOK, SEARCH], stop_reason="pause_turn")])
    _, result = up.answer(call(stream=stream, **FORCED))
    assert finish_of(result) == "length"
    assert len(up.sent) == 2


@STREAMS
def test_the_call_may_be_asked_for_after_a_pause(upstream, stream):
    replies = [
        streamed([LOOK, SEARCH], stop_reason="pause_turn"),
        streamed([FOUND, NO]),
        streamed([CALL], stop_reason="tool_use"),
    ]
    up = upstream(replies)
    _, result = up.answer(call(stream=stream, **FORCED))
    assert finish_of(result) == "tool_calls"
    assert json.loads(up.sent[-1].body)["messages"][-2]["content"] == [LOOK, SEARCH, FOUND, NO]


@STREAMS
@pytest.mark.parametrize(
    ("blocks", "stop_reason"),
    [
        ([CALL], "tool_use"),
        ([NO, CALL], "end_turn"),
        ([NO], "max_tokens"),
        ([NO], "refusal"),
        ([NO], "stop_sequence"),
        ([], "end_turn"),
        ([text_block(" ")], "end_turn"),
    ],
)
def test_nothing_is_asked_of_an_answer_that_calls_or_did_not_end_by_itself(
    upstream, blocks, stop_reason, stream
):
    up = upstream([streamed(blocks, stop_reason=stop_reason)])
    up.answer(call(stream=stream, **FORCED))
    assert len(up.sent) == 1


@pytest.mark.parametrize(
    "request_", [{"model": "claude-opus-4-8"}, {"tool_choice": "auto"}, {"tool_choice": "none"}]
)
def test_nothing_is_asked_where_nothing_was_forced_in_words(upstream, request_):
    up = upstream([whole([NO])])
    up.answer(call(**{**FORCED, **request_}))
    assert len(up.sent) == 1


@STREAMS
def test_thinking_after_the_question_is_known_not_to_fit_the_callers_history(upstream, stream):
    early, late = ({"type": "thinking", "thinking": "", "signature": name} for name in ("A", "B"))
    settings = Settings(memory=ThinkingMemory())
    again = tool_use_block("f", {}, id="toolu_2")
    replies = [streamed([early, NO]), streamed([late, CALL], stop_reason="tool_use")]
    up = upstream([*replies, whole([again], stop_reason="tool_use")])
    up.answer(call(stream=stream, settings=settings, **FORCED))
    history = [
        {"role": "user", "content": "q"},
        {
            "role": "assistant",
            "content": NO["text"],
            "tool_calls": [
                {"id": "toolu_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "toolu_1", "content": "r"},
    ]
    answer, _ = up.answer(call(settings=settings, **FORCED | {"messages": history}))
    assert json.loads(up.sent[-1].body)["messages"][1]["content"] == [early, NO, CALL]
    assert ("messages", "dropped") in [(a["param"], a["action"]) for a in answer.adaptations]


# Answers that are longer than what is kept beside their chunks


@pytest.fixture(name="_short")
def _kept_shortly(monkeypatch):
    monkeypatch.setattr(flow_module, "MAX_KEPT", 5)


@pytest.mark.usefixtures("_short")
def test_a_long_stream_ends_without_its_blocks(upstream):
    up = upstream([streamed([LOOK])])
    _, result = up.answer(call(stream=True))
    assert (text_of(result), finish_of(result)) == (LOOK["text"], "stop")
    assert "content_blocks" not in json.dumps(result)


@pytest.mark.usefixtures("_short")
def test_a_long_stream_that_pauses_cannot_be_resumed(upstream):
    up = upstream([streamed([LOOK, SEARCH], stop_reason="pause_turn")])
    with pytest.raises(OversizedAnswer, match="paused after more than 5 characters"):
        up.answer(call(stream=True))
