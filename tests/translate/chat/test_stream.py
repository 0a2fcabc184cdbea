from __future__ import annotations

import pytest

from claif_cla.errors import MalformedAnswer, OversizedAnswer
from claif_cla.translate.chat import stream_blocks
from claif_cla.translate.chat.stream import ChunkTranslator
from random_messages import LEGACY, TOOLS

MESSAGE = {"id": "msg_1", "model": "claude-opus-5-5", "usage": {"input_tokens": 3}}
START = {"type": "message_start", "message": MESSAGE}
STOP = {"type": "message_stop"}
USE = {"type": "tool_use", "id": "toolu_1", "name": "plain", "input": {}}
THINKING = {"type": "thinking", "thinking": "", "signature": ""}


def start(index, **block):
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index, kind, **fields):
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def text(index, value):
    return delta(index, "text_delta", text=value)


def written(index, value):
    return delta(index, "input_json_delta", partial_json=value)


def stop(index):
    return {"type": "content_block_stop", "index": index}


def end(stop_reason="end_turn", usage=None, **more):
    return {
        "type": "message_delta",
        "delta": {"stop_reason": stop_reason, **more},
        "usage": usage or {"output_tokens": 5},
    }


def translated(*events, tools=TOOLS, **options):
    translator = ChunkTranslator(tools, 7, **options)
    return [chunk for event in events for chunk in translator.feed(event)], translator


def deltas(*events, tools=TOOLS):
    """What the events say between the first chunk and the last ones."""
    chunks, translator = translated(START, *events, STOP, tools=tools)
    assert translator.complete
    return [chunk["choices"][0]["delta"] for chunk in chunks[1:]]


def last(*events, tools=TOOLS, **options):
    _, translator = translated(START, *events, STOP, tools=tools, **options)
    return translator.finish()


def calls(*events, tools=TOOLS):
    return [call for d in deltas(*events, tools=tools) for call in d["tool_calls"]]


def test_the_first_chunk_has_the_role_and_comes_with_the_start():
    assert translated(START)[0] == [
        {
            "id": "chatcmpl-msg_1",
            "object": "chat.completion.chunk",
            "created": 7,
            "model": "claude-opus-5-5",
            "system_fingerprint": None,
            "choices": [
                {
                    "index": 0,
                    "delta": {"role": "assistant", "content": "", "refusal": None},
                    "finish_reason": None,
                    "logprobs": None,
                }
            ],
            "adaptations": [],
            "prompt_cache": None,
        }
    ]


def test_the_receipts_travel_on_the_first_chunk_only():
    receipt = {"param": "seed", "action": "dropped", "detail": "d"}
    chunks, translator = translated(START, start(0, type="text", text="a"), adaptations=(receipt,))
    assert chunks[0]["adaptations"] == [receipt]
    assert not any("adaptations" in chunk for chunk in chunks[1:] + translator.finish())


def test_the_first_chunk_tells_what_was_cached():
    usage = {"cache_read_input_tokens": 3, "cache_creation_input_tokens": 2}
    marks = [{"at": "automatic", "ttl": "5m"}]
    start = {"type": "message_start", "message": {**MESSAGE, "usage": usage}}
    chunks, _ = translated(start, breakpoints=marks)
    assert chunks[0]["prompt_cache"] == {
        "breakpoints": marks,
        "read_tokens": 3,
        "written_tokens": 2,
    }


def test_the_service_tier_stands_on_each_chunk():
    message = {**MESSAGE, "usage": {"service_tier": "priority"}}
    chunks, translator = translated({"type": "message_start", "message": message})
    assert {c["service_tier"] for c in chunks + translator.finish()} == {"priority"}


@pytest.mark.parametrize("include_usage", [False, True])
def test_usage_comes_once_at_the_end_if_it_was_asked_for(include_usage):
    chunks, translator = translated(START, end(), STOP, include_usage=include_usage)
    chunks += translator.finish()
    assert all(("usage" in chunk) is include_usage for chunk in chunks)
    assert [c["usage"]["total_tokens"] for c in chunks if c.get("usage")] == [8] * include_usage
    assert [c for c in chunks if not c["choices"]] == [c for c in chunks if c.get("usage")]


def test_cumulative_usage_replaces_and_is_not_added():
    first = end(None, {"input_tokens": 100, "output_tokens": 10})
    then = end("end_turn", {"input_tokens": 100, "output_tokens": 15})
    usage = last(first, then, include_usage=True)[-1]["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (100, 15)


def test_text_passes_as_it_comes():
    events = [start(0, type="text", text="a"), text(0, ""), text(0, "b"), stop(0)]
    assert deltas(*events) == [{"content": "a"}, {"content": "b"}]


def test_text_of_a_block_cut_by_another_stays_one_text():
    events = [start(0, type="text", text="a"), start(1, type="of_the_future"), text(0, "b")]
    assert deltas(*events) == [{"content": "a"}, {"content": "b"}]


@pytest.mark.parametrize(
    ("before", "after", "between"), [("a", "b", "\n\n"), ("a ", "b", ""), ("a", "\nb", "")]
)
def test_texts_apart_are_parted(before, after, between):
    events = [
        start(0, type="text", text=before),
        start(1, type="server_tool_use", input={}),
        start(2, type="web_search_tool_result", content=[]),
        start(3, type="text", text=after),
    ]
    assert deltas(*events) == [{"content": before}, {"content": between + after}]


def test_a_character_cut_in_two_is_said_whole():
    events = [start(0, type="text", text="a\ud83d"), text(0, "\ude00"), text(0, "\ud83d")]
    assert deltas(*events) == [{"content": "a"}, {"content": "😀"}, {"content": "\ud83d"}]


def test_citations_come_at_the_end_of_their_block_with_their_own_index():
    cited = delta(0, "citations_delta", citation={"url": "https://e.x", "title": "T"})
    document = delta(0, "citations_delta", citation={"type": "char_location"})
    events = [start(0, type="text", text=""), cited, document, cited, text(0, "fact"), stop(0)]
    place = {"start_index": 0, "end_index": 4, "title": "T", "url": "https://e.x"}
    assert deltas(*events) == [
        {"content": "fact"},
        {
            "annotations": [
                {"index": index, "type": "url_citation", "url_citation": place} for index in (0, 1)
            ]
        },
    ]


def test_offsets_count_what_stands_between_texts():
    events = [
        start(0, type="text", text="a"),
        start(1, type="server_tool_use", input={}),
        start(2, type="text", text="fact", citations=[{"url": "https://e.x"}]),
        stop(2),
        start(3, type="text", text="b", citations=[{"url": "https://e.x"}]),
    ]
    said = deltas(*events)
    content = "".join(d.get("content", "") for d in said)
    places = [a["url_citation"] for d in said for a in d.get("annotations", ())]
    assert [content[p["start_index"] : p["end_index"]] for p in places] == ["fact", "b"]


def test_a_block_that_says_nothing_cites_nothing():
    cited = delta(0, "citations_delta", citation={"url": "https://e.x"})
    assert deltas(start(0, type="text", text=""), cited, stop(0)) == []


def test_a_late_citation_is_not_lost():
    cited = delta(0, "citations_delta", citation={"url": "https://e.x"})
    said = deltas(start(0, type="text", text="a"), stop(0), cited)
    assert "annotations" in said[-1]


def test_thinking_is_told_as_text_and_as_a_signed_block():
    events = [
        start(0, **THINKING),
        delta(0, "thinking_delta", thinking="a"),
        delta(0, "signature_delta", signature="S"),
        stop(0),
        stop(0),
    ]
    assert deltas(*events) == [
        {"thinking_blocks": [{"index": 0, "type": "thinking", "thinking": "", "signature": ""}]},
        {
            "reasoning_content": "a",
            "thinking_blocks": [{"index": 0, "type": "thinking", "thinking": "a"}],
        },
        {"thinking_blocks": [{"index": 0, "type": "thinking", "signature": "S"}]},
    ]


def test_thinking_that_is_complete_in_its_start_is_told_the_same():
    events = [start(0, type="thinking", thinking="a", signature="S"), stop(0)]
    assert [sorted(d) for d in deltas(*events)] == [
        ["thinking_blocks"],
        ["reasoning_content", "thinking_blocks"],
        ["thinking_blocks"],
    ]


def test_hidden_thinking_says_no_text():
    events = [start(0, **THINKING), delta(0, "signature_delta", signature="S"), stop(0)]
    assert not any("reasoning_content" in d for d in deltas(*events))


def test_a_late_signature_signs_its_own_block_once():
    late = delta(0, "signature_delta", signature="S1")
    events = [
        start(0, **THINKING),
        stop(0),
        start(1, type="text", text="t"),
        start(2, **THINKING),
        delta(2, "signature_delta", signature="S2"),
        late,
        stop(2),
        late,
    ]
    signed = [
        (block["index"], block["signature"])
        for d in deltas(*events)
        for block in d.get("thinking_blocks", ())
        if block.get("signature")
    ]
    assert signed == [(0, "S1"), (1, "S2")]


def test_texts_of_two_thoughts_are_parted():
    events = [
        start(0, **THINKING),
        delta(0, "thinking_delta", thinking="a"),
        start(1, **THINKING),
        delta(1, "thinking_delta", thinking="b"),
        delta(1, "thinking_delta", thinking="c"),
    ]
    said = "".join(d.get("reasoning_content", "") for d in deltas(*events))
    assert said == "a\n\nbc"


def test_redacted_thinking_is_told_as_it_is():
    said = deltas(start(0, type="redacted_thinking", data="XYZ"), delta(0, "new_delta"), stop(0))
    assert said == [{"thinking_blocks": [{"index": 0, "type": "redacted_thinking", "data": "XYZ"}]}]


@pytest.mark.parametrize("kind", ["text", "thinking", "tool_use", "of_the_future"])
def test_unknown_deltas_say_nothing(kind):
    block = {"type": kind, "id": "t", "name": "plain"}
    quiet = deltas(start(0, **block), stop(0))
    assert deltas(start(0, **block), delta(0, "new_delta", x=1), stop(0)) == quiet


def test_a_call_has_its_id_and_name_once_and_then_its_arguments():
    events = [start(4, **USE), written(4, ""), written(4, '{"x"'), written(4, ":1}"), stop(4)]
    assert calls(*events) == [
        {
            "index": 0,
            "id": "toolu_1",
            "type": "function",
            "function": {"name": "plain", "arguments": ""},
        },
        {"index": 0, "function": {"arguments": '{"x"'}},
        {"index": 0, "function": {"arguments": ":1}"}},
    ]


def test_interleaved_calls_have_dense_indexes_and_clean_arguments():
    events = [
        start(1, **USE),
        start(2, **{**USE, "id": "toolu_2"}),
        written(1, '{"x"'),
        written(2, '{"y":2}'),
        written(1, ":1}"),
        stop(1),
        stop(2),
    ]
    arguments = {0: "", 1: ""}
    for call in calls(*events):
        arguments[call["index"]] += call["function"]["arguments"]
    assert arguments == {0: '{"x":1}', 1: '{"y":2}'}


@pytest.mark.parametrize(
    ("block", "pieces", "arguments"),
    [
        ({}, [], "{}"),
        ({}, [" "], " {}"),
        ({"input": {"a": 1}}, [], '{"a":1}'),
        ({"input": {"a": 1}}, ['{"b":2}'], '{"b":2}'),
        ({"input": None}, [], "{}"),
        ({}, ["[not json"], "[not json"),
        ({}, ['{"a":"\ud83d', '\ude00"}'], '{"a":"😀"}'),
        ({}, ['"\ud83d'], '"\ud83d'),
    ],
)
def test_arguments_are_never_missing_and_never_doubled(block, pieces, arguments):
    events = [start(0, **{**USE, **block}), *(written(0, piece) for piece in pieces), stop(0)]
    assert "".join(call["function"]["arguments"] for call in calls(*events)) == arguments


def test_arguments_after_the_stop_are_nobodys():
    events = [start(0, **USE), stop(0), written(0, '{"late":1}')]
    assert calls(*events)[-1]["function"]["arguments"] == "{}"


@pytest.mark.parametrize(
    ("pieces", "arguments"),
    [(['{"input": [1', ", 2]}"], "[1,2]"), (['{"input": [1, 2'], "[1, 2"), ([], "{}")],
)
def test_a_wrapped_call_is_told_at_its_end_and_unwrapped(pieces, arguments):
    events = [
        start(0, **{**USE, "name": "wrapped"}),
        *(written(0, piece) for piece in pieces),
        stop(0),
        stop(0),
    ]
    assert calls(*events) == [
        {
            "index": 0,
            "id": "toolu_1",
            "type": "function",
            "function": {"name": "wrapped", "arguments": arguments},
        }
    ]


@pytest.mark.parametrize("ending", [[stop(0)], []])
@pytest.mark.parametrize(
    ("written_so_far", "said"), [('{"input": "a\\nb"}', "a\nb"), ('{"input": "a\\nb', "a\nb")]
)
def test_a_custom_call_is_a_custom_call_also_when_it_was_cut(ending, written_so_far, said):
    events = [start(0, **{**USE, "name": "free"}), written(0, written_so_far), *ending]
    assert calls(*events, end("max_tokens")) == [
        {"index": 0, "id": "toolu_1", "type": "custom", "custom": {"name": "free", "input": said}}
    ]


def test_arguments_that_are_held_back_are_bounded(monkeypatch):
    monkeypatch.setattr(stream_blocks, "MAX_HELD_ARGUMENTS", 5)
    with pytest.raises(OversizedAnswer):
        deltas(start(0, **{**USE, "name": "free"}), written(0, "123"), written(0, "456"))


@pytest.mark.parametrize("name", ["plain", "wrapped"])
def test_legacy_functions_get_their_first_call_only(name):
    use = {**USE, "name": name}
    other = {**use, "id": "toolu_2"}
    piece = '{"input":[1]}'
    events = [start(0, **use), written(0, piece), stop(0), start(1, **other), written(1, piece)]
    said = deltas(*events, tools=LEGACY)
    assert all(set(d) == {"function_call"} for d in said)
    assert "".join(d["function_call"].get("name", "") for d in said) == name
    arguments = "".join(d["function_call"]["arguments"] for d in said)
    assert arguments == (piece if name == "plain" else "[1]")
    finish = last(*events, tools=LEGACY)[-1]["choices"][0]["finish_reason"]
    assert finish == "function_call"


def test_an_index_that_comes_twice_opens_a_new_block():
    events = [
        start(1, type="text", text=""),
        text(1, "a"),
        stop(1),
        start(1, **USE),
        written(1, "{}"),
        stop(1),
        written(7, '{"stray":1}'),
        stop(7),
    ]
    assert [[*d] for d in deltas(*events)] == [["content"], ["tool_calls"], ["tool_calls"]]


def test_an_index_that_comes_twice_ends_the_block_before_it():
    events = [start(0, **USE), start(0, **{**USE, "id": "toolu_2"}), stop(0)]
    assert [c["function"]["arguments"] for c in calls(*events)] == ["", "{}", "", "{}"]


def test_an_answer_that_comes_whole_in_its_start_is_told():
    message = {**MESSAGE, "stop_reason": "tool_use", "content": [{**USE, "input": {"a": 1}}]}
    whole = {"type": "message_start", "message": message}
    chunks, translator = translated(whole, STOP)
    said = [chunk["choices"][0]["delta"] for chunk in chunks[1:]]
    assert [d["tool_calls"][0]["function"]["arguments"] for d in said] == ["", '{"a":1}']
    assert translator.finish()[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_a_delta_does_not_reach_a_block_that_came_whole_in_the_start():
    message = {**MESSAGE, "content": [{"type": "text", "text": "a"}]}
    chunks, _ = translated({"type": "message_start", "message": message}, text(0, "stray"), STOP)
    assert [chunk["choices"][0]["delta"] for chunk in chunks[1:]] == [{"content": "a"}]


def test_a_second_start_is_not_heard():
    second = {"type": "message_start", "message": {**MESSAGE, "id": "other", "content": [USE]}}
    assert deltas(second) == []


@pytest.mark.parametrize("event", [{"type": "ping"}, {"type": "of_the_future", "x": 1}])
def test_unknown_events_say_nothing(event):
    assert translated(event)[0] == []


@pytest.mark.parametrize(
    ("stop_reason", "finish"),
    [("end_turn", "stop"), ("max_tokens", "length"), (None, "stop"), ("refusal", "content_filter")],
)
def test_the_finish_reason_is_said_once_in_an_empty_delta(stop_reason, finish):
    choice = last(end(stop_reason))[-1]["choices"][0]
    assert choice == {"index": 0, "delta": {}, "finish_reason": finish, "logprobs": None} | (
        {"stop_details": choice["stop_details"]} if "stop_details" in choice else {}
    )


def test_the_stop_sequence_stands_beside_the_finish_reason():
    choice = last(end("stop_sequence", stop_sequence="END"))[-1]["choices"][0]
    assert choice["stop_sequence"] == "END"


def test_a_refusal_is_said_before_the_end():
    details = {"type": "refusal", "category": "cyber", "explanation": "Because."}
    refusal, final = last(end("refusal", stop_details=details))
    assert refusal["choices"][0]["delta"] == {"refusal": "Because."}
    assert final["choices"][0]["stop_details"] == details


def test_the_native_content_is_said_before_the_end():
    _, translator = translated(START, STOP)
    cut = {**USE, "partial_json": "{"}
    content, _ = translator.finish([{"type": "text", "text": "a"}, cut])
    assert content["choices"][0]["delta"] == {
        "content_blocks": [{"index": 0, "type": "text", "text": "a"}, {"index": 1, **USE}]
    }


def test_a_resumed_answer_goes_on_where_it_paused():
    translator = ChunkTranslator(TOOLS, 7, include_usage=True)
    first = [
        START,
        start(0, **THINKING),
        start(1, type="text", text="Let me look"),
        start(2, type="server_tool_use", input={}),
        end("pause_turn", {"input_tokens": 10, "output_tokens": 5}),
        STOP,
    ]
    chunks = [chunk for event in first for chunk in translator.feed(event)]
    translator.resume()
    assert not translator.complete
    then = [
        {"type": "message_start", "message": {**MESSAGE, "id": "msg_2", "model": "other"}},
        text(1, "of no block of this stream"),
        start(0, **THINKING),
        start(1, type="text", text="42"),
        start(2, **USE),
        end("tool_use", {"input_tokens": 30, "output_tokens": 7}),
        STOP,
    ]
    more = [chunk for event in then for chunk in translator.feed(event)] + translator.finish()
    assert {(c["id"], c["model"]) for c in chunks + more} == {("chatcmpl-msg_1", "claude-opus-5-5")}
    said = [chunk["choices"][0]["delta"] for chunk in more[:-2]]
    assert said[0]["thinking_blocks"][0]["index"] == 1
    assert said[1] == {"content": "\n\n42"}
    assert said[2]["tool_calls"][0]["index"] == 0
    usage = more[-1]["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (40, 12)
    assert more[-2]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    "events",
    [
        [STOP],
        [end()],
        [start(0, type="text", text="a")],
        [stop(0)],
        [text(0, "a")],
        [{"type": "message_start"}],
        [{"type": "message_start", "message": {"usage": "odd"}}],
        [{"type": "message_start", "message": {"content": [1]}}],
        [{"type": ["odd"]}],
        [{}],
        [START, {"type": "content_block_start", "index": 0}],
        [START, start(0)],
        [START, start(0, type="tool_use", id="t")],
        [START, start([], type="text")],
        [START, start(0, type="text", text=""), delta(0, "text_delta")],
        [START, start(0, type="text", text=""), text(0, 5)],
    ],
)
def test_an_event_that_contradicts_its_type_is_malformed(events):
    with pytest.raises(MalformedAnswer):
        translated(*events)
