"""Laws of the answer side, over random answers and random streams that tell them."""

from __future__ import annotations

import copy
import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from claif_cla.errors import UpstreamFault
from claif_cla.translate.call import Call, Settings
from claif_cla.translate.chat.fences import unfenced
from claif_cla.translate.chat.flow import chat_flow
from claif_cla.translate.chat.fold import MessageFold
from claif_cla.translate.chat.response import completion
from claif_cla.translate.chat.stream import ChunkTranslator
from claif_cla.wire import json_text, sse
from random_messages import JSON, LEGACY, TOOLS, events_of, told_messages

BOXES = st.sampled_from([TOOLS, LEGACY])


def told(events):
    fold = MessageFold()
    for event in events:
        fold.feed(event)
    return fold


def chunks_of(events, tools=TOOLS, *, include_usage=True):
    translator = ChunkTranslator(tools, 7, include_usage)
    chunks = [chunk for event in events for chunk in translator.feed(event)]
    return chunks + translator.finish(told(events).message["content"])


def plain(message):
    """An answer's message in a form that two ways of saying the same have in common."""
    message = {key: value for key, value in message.items() if value not in (None, [])}
    for key in ("thinking_blocks", "content_blocks", "annotations"):
        if key in message:
            items = message[key]
            message[key] = [{k: v for k, v in item.items() if k != "index"} for item in items]
    calls = message.get("tool_calls", [])
    message["tool_calls"] = [
        {key: value for key, value in call.items() if key != "index"} for call in calls
    ]
    for call in [*message["tool_calls"], message]:
        function = call.get("function") or call.get("function_call")
        if function is not None:
            function["arguments"] = value_of(function["arguments"])
    return message | {"content": message.get("content") or ""}


def value_of(arguments):
    try:
        return json.loads(arguments)
    except ValueError:  # cut by max_tokens
        return arguments


@given(told_messages())
def test_a_folded_stream_is_the_message_that_it_tells(answer):
    message, events = answer
    fold = told(events)
    assert fold.complete
    assert fold.message == message


@given(told_messages(), BOXES)
def test_a_folded_stream_is_the_whole_answer(folded, answer, tools):
    message, events = answer
    whole = completion(message, tools, 7)
    streamed = folded(chunks_of(events, tools))
    choice = whole["choices"][0]
    assert plain(streamed["message"]) == plain(choice["message"])
    assert streamed["usage"] == whole["usage"]
    for key in ("finish_reason", "stop_sequence", "stop_details"):
        assert streamed.get(key) == choice.get(key)


@given(told_messages(), st.booleans())
def test_chunks_keep_openais_grammar(judged, answer, include_usage):
    _, events = answer
    chunks = chunks_of(events, include_usage=include_usage)
    judged(chunks)
    assert [not chunk["choices"] for chunk in chunks].count(True) == include_usage
    assert all(("usage" in chunk) == include_usage for chunk in chunks)


@given(told_messages())
def test_openais_own_types_and_accumulator_take_the_answer(answer):
    message, events = answer
    for block in message["content"]:
        block["name"] = "plain"  # openai's helper knows no custom tools
    for event in events:
        if event.get("content_block", {}).get("name"):
            event["content_block"]["name"] = "plain"
    whole = ChatCompletion.model_validate(completion(message, TOOLS, 7))
    state = ChatCompletionStreamState()
    for chunk in chunks_of(events):
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
    snapshot = state.current_completion_snapshot
    assert (snapshot.choices[0].message.content or "") == (whole.choices[0].message.content or "")
    assert snapshot.choices[0].finish_reason == whole.choices[0].finish_reason
    assert snapshot.usage == whole.usage


@given(st.data())
def test_how_deltas_are_cut_does_not_change_the_answer(folded, data):
    message, events = data.draw(told_messages())
    other = data.draw(events_of(message))
    assert plain(folded(chunks_of(events))["message"]) == plain(folded(chunks_of(other))["message"])


@given(told_messages())
def test_neither_message_nor_events_are_changed(answer):
    before = copy.deepcopy(answer)
    chunks_of(answer[1])
    completion(answer[0], TOOLS, 7)
    assert answer == before


def run(upstream, data, cuts=(), *, stream=True):
    """The answer of a call whose upstream streams these bytes; a fault is its type."""
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in itertools.pairwise(edges) if a < b]
    up = upstream([(200, {"content-type": "text/event-stream"}, pieces)] * 10)
    request = {"messages": [{"role": "user", "content": "q"}], "stream": stream}
    flow = chat_flow(Call("POST", "/chat/completions", request, Settings(), now=7))
    try:
        answer, body = up.answer(flow)
    except UpstreamFault as fault:
        return type(fault)
    json_text.dump_bytes(body)
    return answer.status, body


def framed(events):
    return b"".join(sse.encode(json_text.dump_bytes(event), event["type"]) for event in events)


@given(told_messages(), st.lists(st.integers(0, 4000), max_size=8), st.booleans())
def test_how_bytes_are_cut_does_not_change_the_answer(upstream, answer, cuts, stream):
    data = framed(answer[1])
    assert run(upstream, data, cuts, stream=stream) == run(upstream, data, stream=stream)


def test_bytes_cut_one_by_one_give_the_same_answer(upstream):
    events = [
        {"type": "message_start", "message": {"id": "m", "usage": {}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": "héllo 漢字 👩‍👩‍👧\u2028"},
        },
        {"type": "message_stop"},
    ]
    data = framed(events)
    whole = run(upstream, data)
    assert whole[1][1]["choices"][0]["delta"] == {"content": "héllo 漢字 👩‍👩‍👧\u2028"}
    assert run(upstream, data, range(len(data))) == whole
    for cut in range(len(data)):
        assert run(upstream, data, [cut]) == whole


@st.composite
def mutilated(draw):
    """A stream with events left out, repeated, swapped, or with a field of any JSON."""
    _, events = draw(told_messages())
    events = copy.deepcopy(events)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(events) - 1))
        match draw(st.integers(0, 4)):
            case 0:
                del events[at]
            case 1:
                events.insert(draw(st.integers(0, len(events))), copy.deepcopy(events[at]))
            case 2:
                other = draw(st.integers(0, len(events) - 1))
                events[at], events[other] = events[other], events[at]
            case _:
                _spoil(draw, events[at])
        if not events:
            break
    return events


def _spoil(draw, value):
    """Replace, or drop, one value somewhere inside."""
    while True:
        key = draw(st.sampled_from(sorted(value)))
        inner = value[key]
        if isinstance(inner, dict) and inner and draw(st.booleans()):
            value = inner
        elif key != "type" and draw(st.booleans()):
            del value[key]
            return
        else:
            value[key] = "odd" if key == "type" else draw(JSON)
            return


@given(mutilated(), st.booleans())
def test_a_mutilated_stream_gives_an_answer_or_a_fault(upstream, events, stream):
    run(upstream, framed(events), stream=stream)


@given(st.lists(JSON.map(json_text.dump_bytes) | st.binary()), st.booleans())
def test_any_stream_of_json_gives_an_answer_or_a_fault(upstream, lines, stream):
    data = b"".join(b"data: " + line + b"\n\n" for line in lines)
    assert not isinstance(run(upstream, data, stream=stream), tuple)


KEYS = st.sampled_from(
    "type message index content_block delta text thinking signature partial_json citation id name"
    " input content usage stop_reason stop_details model citations url".split()
)
TYPES = st.sampled_from(
    "message message_start content_block_start content_block_delta content_block_stop"
    " message_delta message_stop error text thinking redacted_thinking tool_use text_delta"
    " thinking_delta signature_delta input_json_delta citations_delta compaction_delta".split()
)
LIKELY = st.recursive(
    JSON | TYPES,
    lambda inner: st.dictionaries(KEYS, inner, max_size=5) | st.lists(inner, max_size=2),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(KEYS, LIKELY, max_size=5), max_size=5))
def test_any_events_give_chunks_or_a_fault(events):
    translator, fold = ChunkTranslator(TOOLS, 7), MessageFold()
    start = {"type": "message_start", "message": {"id": "m"}}
    try:
        for event in [start, *events]:
            translator.feed({"type": "x", **event})
            fold.feed({"type": "x", **event})
        translator.finish(fold.message["content"])
    except UpstreamFault:
        pass


@given(LIKELY | st.dictionaries(KEYS, LIKELY).map(lambda rest: {**rest, "type": "message"}))
def test_any_json_is_a_completion_or_a_fault(value):
    try:
        body = completion(value, TOOLS, 7)
    except UpstreamFault:
        return
    assert body["choices"][0]["message"]["role"] == "assistant"


@pytest.mark.parametrize("piece", ["[" * 5000, '{"a":' * 900 + "1" + "}" * 900])
def test_arguments_nested_beyond_all_bounds_are_passed_on_as_text(folded, piece):
    events = [
        {"type": "message_start", "message": {"id": "m", "usage": {}}},
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "tool_use", "id": "t", "name": "plain", "input": {}},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": piece},
        },
        {"type": "message_stop"},
    ]
    call = folded(chunks_of(events))["message"]["tool_calls"][0]
    assert call["function"]["arguments"] == piece
    whole = completion({"type": "message", **told(events).message}, TOOLS, 7)
    whole_call = whole["choices"][0]["message"]["tool_calls"][0]
    assert whole_call["function"]["arguments"] == piece


FENCE_PIECES = st.lists(
    st.sampled_from(["```", "json", "\n", "{", "}", "`", " ", "a", '"k": "v"']), max_size=8
).map("".join)


@st.composite
def fenced_messages(draw):
    """Messages whose texts begin and end with what may be a code fence."""
    message, _ = draw(told_messages())
    opening = "```json\n{" if draw(st.booleans()) else draw(FENCE_PIECES)
    texts = [block for block in message["content"] if block["type"] == "text"]
    if texts:
        texts[0]["text"] = opening + texts[0]["text"]
        texts[-1]["text"] += draw(FENCE_PIECES)
    return message, draw(events_of(message))


@given(fenced_messages())
def test_a_folded_stream_without_its_fence_is_the_whole_answer(folded, answer):
    message, events = answer
    whole = completion(message, TOOLS, 7, unfence=True)
    translator = ChunkTranslator(TOOLS, 7, unfence=True)
    chunks = [chunk for event in events for chunk in translator.feed(event)]
    streamed = folded(chunks + translator.finish(message["content"]))
    told_whole = plain(whole["choices"][0]["message"])
    assert plain(streamed["message"]) == told_whole
    assert told_whole["content"] == unfenced(plain_text(message))
    for item in told_whole.get("annotations", ()):
        where = item["url_citation"]
        assert 0 <= where["start_index"] <= where["end_index"] <= len(told_whole["content"])


def plain_text(message):
    return completion(message, TOOLS, 7)["choices"][0]["message"]["content"] or ""
