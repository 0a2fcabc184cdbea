from __future__ import annotations

import pytest

from claif_cla.errors import MalformedAnswer
from claif_cla.translate.chat.fold import MessageFold

START = {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 3}}}
STOP = {"type": "message_stop"}
USE = {"type": "tool_use", "id": "t", "name": "f", "input": {}}


def start(index, **block):
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index, kind, **fields):
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def stop(index):
    return {"type": "content_block_stop", "index": index}


def fold(*events):
    made = MessageFold()
    for event in events:
        made.feed(event)
    return made


def content(*events):
    return fold(START, *events, STOP).message["content"]


def test_a_fold_is_complete_after_message_stop():
    assert not fold(START).complete
    assert fold(START, STOP).complete


def test_deltas_are_added_to_what_the_start_said():
    assert content(start(0, type="text", text="a"), delta(0, "text_delta", text="b"), stop(0)) == [
        {"type": "text", "text": "ab"}
    ]


def test_a_block_without_its_stop_is_complete_at_the_end():
    assert content(start(0, type="text", text=""), delta(0, "text_delta", text="b")) == [
        {"type": "text", "text": "b"}
    ]


def test_input_is_read_from_its_text():
    pieces = [delta(0, "input_json_delta", partial_json=piece) for piece in ("", '{"a":', "1}")]
    assert content(start(0, **USE), *pieces, stop(0)) == [{**USE, "input": {"a": 1}}]


@pytest.mark.parametrize("piece", ["", " "])
def test_input_without_text_stays_as_it_started(piece):
    given = {**USE, "input": {"a": 1}}
    empty = delta(0, "input_json_delta", partial_json=piece)
    assert content(start(0, **given), empty, stop(0)) == [given]


def test_input_that_was_cut_is_kept_as_text():
    piece = delta(0, "input_json_delta", partial_json='{"a":')
    assert content(start(0, **USE), piece) == [{**USE, "partial_json": '{"a":'}]


def test_input_after_the_stop_is_nobodys():
    late = delta(0, "input_json_delta", partial_json='{"late":1}')
    assert content(start(0, **USE), stop(0), late) == [USE]


def test_a_late_signature_finds_its_block():
    assert content(
        start(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="a"),
        stop(0),
        start(1, type="text", text="t"),
        delta(0, "signature_delta", signature="S1"),
        stop(1),
    ) == [
        {"type": "thinking", "thinking": "a", "signature": "S1"},
        {"type": "text", "text": "t"},
    ]


def test_the_last_signature_before_the_stop_counts_and_none_after_it():
    blocks = content(
        start(0, type="thinking", thinking="", signature=""),
        delta(0, "signature_delta", signature="S1"),
        delta(0, "signature_delta", signature="S2"),
        stop(0),
        delta(0, "signature_delta", signature="S3"),
    )
    assert blocks[0]["signature"] == "S2"


@pytest.mark.parametrize("citations", [{}, {"citations": None}, {"citations": [1]}])
def test_citations_are_collected(citations):
    cited = delta(0, "citations_delta", citation={"url": "u"})
    blocks = content(start(0, type="text", text="a", **citations), cited)
    assert blocks[0]["citations"] == [*(citations.get("citations") or []), {"url": "u"}]


def test_a_compaction_is_filled_in():
    summary = delta(0, "compaction_delta", content="c", encrypted_content="E")
    assert content(start(0, type="compaction", content=None), summary) == [
        {"type": "compaction", "content": "c", "encrypted_content": "E"}
    ]


def test_an_unknown_delta_changes_nothing():
    assert content(start(0, type="new", x=1), delta(0, "new_delta", x=2)) == [
        {"type": "new", "x": 1}
    ]


def test_an_index_that_comes_twice_opens_a_new_block():
    assert content(
        start(1, type="text", text=""),
        delta(1, "text_delta", text="a"),
        start(1, **USE),
        delta(1, "input_json_delta", partial_json="{}"),
        stop(1),
        delta(7, "input_json_delta", partial_json='{"stray":1}'),
        stop(7),
    ) == [{"type": "text", "text": "a"}, USE]


def test_interleaved_blocks_stay_apart_in_the_order_of_their_start():
    assert content(
        start(1, **USE),
        start(2, **USE),
        delta(1, "input_json_delta", partial_json='{"x"'),
        delta(2, "input_json_delta", partial_json='{"y":2}'),
        delta(1, "input_json_delta", partial_json=":1}"),
    ) == [{**USE, "input": {"x": 1}}, {**USE, "input": {"y": 2}}]


def test_message_delta_ends_the_message_and_updates_its_usage():
    end = {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "container": {"id": "c"}},
        "usage": {"output_tokens": 5, "input_tokens": None},
        "context_management": {"applied_edits": []},
    }
    assert fold(START, end, STOP).message == {
        "id": "m",
        "usage": {"input_tokens": 3, "output_tokens": 5},
        "content": [],
        "stop_reason": "end_turn",
        "container": {"id": "c"},
        "context_management": {"applied_edits": []},
    }


def test_a_message_that_comes_whole_in_its_start_is_kept():
    message = {"id": "m", "content": [USE], "stop_reason": "tool_use"}
    whole = fold({"type": "message_start", "message": message}, STOP).message
    assert whole == {**message, "usage": {}}


def test_a_second_start_is_not_heard():
    second = {"type": "message_start", "message": {"id": "other"}}
    assert fold(START, second).message["id"] == "m"


@pytest.mark.parametrize(
    "events",
    [
        [STOP],
        [{"type": "message_delta"}],
        [{"type": "message_start"}],
        [{"type": "message_start", "message": {"usage": "odd"}}],
        [{"type": "message_start", "message": {"content": [1]}}],
        [{"type": ["odd"]}],
        [{}],
        [START, {"type": "content_block_start", "index": 0}],
        [START, {"type": "content_block_start", "index": [], "content_block": {}}],
        [START, start(0, type="text", text=""), delta(0, "text_delta")],
        [START, start(0, type="text", text=5), delta(0, "text_delta", text="a"), stop(0)],
    ],
)
def test_an_event_that_contradicts_its_type_is_malformed(events):
    with pytest.raises(MalformedAnswer):
        fold(*events)


@pytest.mark.parametrize("event", [{"type": "ping"}, {"type": "of_the_future", "x": 1}])
def test_an_unknown_event_is_passed_over(event):
    assert fold(event, START, event, STOP).complete


def test_citations_grow_a_list_of_our_own():
    given = [{"n": 0}]
    start = {"type": "text", "text": "", "citations": given}
    deltas = [{"type": "citations_delta", "citation": {"n": n}} for n in (1, 2)]
    fold = MessageFold()
    fold.feed({"type": "message_start", "message": {"usage": {}}})
    fold.feed({"type": "content_block_start", "index": 0, "content_block": start})
    for delta in deltas:
        fold.feed({"type": "content_block_delta", "index": 0, "delta": delta})
    fold.feed({"type": "message_stop"})
    assert [citation["n"] for citation in fold.message["content"][0]["citations"]] == [0, 1, 2]
    assert given == [{"n": 0}]
