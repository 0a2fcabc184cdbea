from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.errors import MalformedAnswer, OversizedAnswer, TruncatedStream, UpstreamFault
from claif_cla.translate import body
from claif_cla.translate.flow import Reply

STREAM = {"content-type": "text/event-stream; charset=utf-8"}
JSON = {"content-type": "application/json"}


def reply_of(*pieces, headers=STREAM, status=200):
    return Reply(status, headers, iter(pieces))


def events_of(upstream, *pieces, headers=STREAM):
    """All events of a reply, and the fault that ended them."""
    up = upstream()
    events = []
    try:
        reader = up.run(body.open_events(reply_of(*pieces, headers=headers)))
        while True:
            events.append(up.run(reader.next_event()))
    except UpstreamFault as fault:
        return events, type(fault)


@pytest.mark.parametrize("text", ["", "{", "nothing", "\ud800", "1" * 5000, "[" * 100_000])
def test_parse_raises_value_error_for_what_is_no_json(text):
    with pytest.raises(ValueError, match=r"."):
        body.parse(text)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("coded", [str, str.encode])
def test_parse_bounds_the_nesting(opening, coded):
    closing = {"[": "]", '{"a":': "}"}[opening]

    def nested(depth):
        return coded(opening * depth + "1" + closing * depth)

    body.parse(nested(body.MAX_DEPTH))
    body.parse(coded("[[],") + nested(body.MAX_DEPTH - 1) + coded("]"))
    with pytest.raises(ValueError, match="nested"):
        body.parse(nested(body.MAX_DEPTH + 1))


def test_parse_takes_wide_json_with_many_brackets():
    value = [[i] for i in range(5 * body.MAX_DEPTH)]
    assert body.parse(json.dumps(value)) == value


def test_parse_keeps_every_digit_of_an_integer():
    assert body.parse(b'{"id":9007199254740993}') == {"id": 9007199254740993}


def test_error_body_is_read_and_its_connection_closed(upstream):
    up = upstream()
    assert up.run(body.read_error(reply_of(b"ab", b"c"))) == b"abc"
    assert up.effects[-1] == "Close"


def test_endless_error_body_is_cut(upstream, monkeypatch):
    monkeypatch.setattr(body, "MAX_ERROR_BYTES", 4)
    up = upstream()
    assert up.run(body.read_error(reply_of(b"abc", b"def", b"ghi"))) == b"abcdef"
    assert up.effects == ["Read", "Read", "Close"]


def test_json_body_is_put_together(upstream):
    up = upstream()
    assert up.run(body.read_json(reply_of(b'{"a', b'":1}'))) == {"a": 1}
    assert up.effects[-1] == "Close"


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"", "empty"), (b"<html>502</html>", "starts with '<html>"), (b"\xff\xfe", "starts with")],
)
def test_json_body_that_is_none_says_what_came(upstream, data, said):
    with pytest.raises(MalformedAnswer, match=said):
        upstream().run(body.read_json(reply_of(data)))


def test_json_body_beyond_the_bound_is_given_up(upstream, monkeypatch):
    monkeypatch.setattr(body, "MAX_ANSWER_BYTES", 3)
    up = upstream()
    with pytest.raises(OversizedAnswer):
        up.run(body.read_json(reply_of(b"12", b"34")))
    assert up.effects == ["Read", "Read", "Close"]


def test_stream_beyond_the_bound_is_given_up(upstream, monkeypatch):
    monkeypatch.setattr(body, "MAX_ANSWER_BYTES", 30)
    line = b'data: {"type":"a"}\n\n'
    assert events_of(upstream, line, line) == ([{"type": "a"}], OversizedAnswer)


def test_events_come_one_by_one_and_then_the_stream_is_cut(upstream):
    data = b'event: a\ndata: {"type":"a"}\n\ndata: {"type":"b"}\n\n'
    assert events_of(upstream, data) == ([{"type": "a"}, {"type": "b"}], TruncatedStream)


def test_no_more_is_read_than_the_events_need(upstream):
    up = upstream()
    reader = up.run(body.open_events(reply_of(b'data: {"type":"a"}\n\n' * 2, b"more")))
    up.run(reader.next_event())
    up.run(reader.next_event())
    assert up.effects == ["Read"]


@pytest.mark.parametrize(
    "silent",
    [
        b'event: ping\ndata: {"type":"ping"}\n\n',
        b"event: ping\ndata: {}\n\n",
        b": ping\n\n",
        b"data: [DONE]\n\n",
        b"data: \n\n",
    ],
)
def test_what_is_no_event_is_passed_over(upstream, silent):
    data = silent + b'data: {"type":"a"}\n\n' + silent
    assert events_of(upstream, data) == ([{"type": "a"}], TruncatedStream)


@pytest.mark.parametrize(
    ("data", "event"),
    [
        (b'event: a\ndata: {"n":1}\n\n', {"type": "a", "n": 1}),
        (b'data: {"n":1}\n\n', {"type": "message", "n": 1}),
        (b'data: {"error":{"message":"m"}}\n\n', {"type": "error", "error": {"message": "m"}}),
        (b'event: x\ndata: {"type":"a"}\n\n', {"type": "a"}),
    ],
)
def test_an_event_without_a_type_gets_the_one_of_its_frame(upstream, data, event):
    assert events_of(upstream, data)[0] == [event]


@pytest.mark.parametrize("data", [b"data: nope\n\n", b"data: [1]\n\n", b'data: "s"\n\n'])
def test_an_event_that_is_no_json_object_is_malformed(upstream, data):
    assert events_of(upstream, data) == ([], MalformedAnswer)


@pytest.mark.parametrize(
    "told",
    [
        [
            {"type": "message_start", "message": {"type": "message", "id": "m"}},
            {"type": "message_stop"},
        ]
    ],
)
def test_a_whole_message_is_told_as_a_stream(upstream, told):
    events, _ = events_of(upstream, b'{"type":"message","id":"m"}', headers=JSON)
    assert events == told


def test_a_whole_error_is_told_as_an_error_event(upstream):
    data = b'{"type":"error","error":{"message":"m"}}'
    assert events_of(upstream, data, headers=JSON)[0] == [json.loads(data)]


@pytest.mark.parametrize("data", [b"[]", b"{}", b"1", b'{"type":["message"]}', b'{"object":"x"}'])
def test_whole_json_that_is_no_message_is_malformed(upstream, data):
    assert events_of(upstream, data, headers={}) == ([], MalformedAnswer)


FRAMES = st.sampled_from(
    [
        b'event: a\r\ndata: {"type":"a","t":"h\xc3\xa9 \xf0\x9f\x91\xa9"}\r\n\r\n',
        b'data: {"type":"b"}\n\n',
        b": comment\n\n",
        b'event: ping\ndata: {"type":"ping"}\n\n',
        b"data: broken\n\n",
        b"data: [DONE]\n\n",
        b"garbage\n",
    ]
)


@given(st.lists(FRAMES, max_size=6), st.lists(st.integers(0, 300), max_size=6))
def test_events_do_not_depend_on_how_the_bytes_are_cut(upstream, frames, cuts):
    data = b"".join(frames)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in itertools.pairwise(edges) if a < b]
    assert events_of(upstream, *pieces) == events_of(upstream, data)


@given(st.lists(st.binary(max_size=40), max_size=6), st.sampled_from([STREAM, JSON]))
def test_any_bytes_end_in_a_fault(upstream, pieces, headers):
    _, fault = events_of(upstream, *filter(None, pieces), headers=headers)
    assert issubclass(fault, UpstreamFault)


STOP = b'event: message_stop\ndata: {"type":"message_stop"}'


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\n\n"])
def test_a_last_message_stop_needs_no_blank_line(upstream, end):
    data = b'data: {"type":"a"}\n\n' + STOP + end
    assert events_of(upstream, data) == ([{"type": "a"}, {"type": "message_stop"}], TruncatedStream)


@pytest.mark.parametrize(
    "data",
    [
        STOP[:-1],
        STOP[:20],
        b'data: {"type":"message_delta"}',
        b"data: [DONE]",
        b"data: []",
        b'data: "message_stop"',
    ],
)
def test_any_other_event_without_its_blank_line_is_cut(upstream, data):
    assert events_of(upstream, data) == ([], TruncatedStream)
