from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.errors import OversizedAnswer
from claif_cla.wire import json_text, sse
from claif_cla.wire.sse import EventDecoder, ServerSentEvent, encode
from loopback import cut, cut_every
from recorded import anthropic_answers, recorded_params


def events_of(pieces, **options):
    decoder = EventDecoder(**options)
    return [(e.event, e.data) for piece in pieces for e in decoder.feed(piece)]


RULES = {
    "LF": (b"data: a\n\n", [("message", b"a")]),
    "CR": (b"data: a\r\r", [("message", b"a")]),
    "CRLF": (b"data: a\r\n\r\n", [("message", b"a")]),
    "mixed line ends": (b"event: x\rdata: a\r\ndata: b\n\r\n", [("x", b"a\nb")]),
    "CR before LF is one end": (b"data: a\r\ndata: b\r\n\r\n", [("message", b"a\nb")]),
    "CR ends a line in the middle of another's": (b"event: x\ndata: a\rb\n\n", [("x", b"a")]),
    "CR ends the name": (b"event: x\rb\ndata: a\n\n", [("x", b"a")]),
    "LF before CR is two ends": (b"data: a\n\rdata: b\n\r", [("message", b"a"), ("message", b"b")]),
    "byte-order mark at the start": (b"\xef\xbb\xbfdata: a\n\n", [("message", b"a")]),
    "one byte-order mark only": (
        b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n",
        [("message", b"b")],
    ),
    "byte-order mark later is data": (b"data: \xef\xbb\xbfa\n\n", [("message", b"\xef\xbb\xbfa")]),
    "half a byte-order mark": (b"\xef\xbbdata: a\n\ndata: b\n\n", [("message", b"b")]),
    "no space after the colon": (b"event:x\ndata:a\n\n", [("x", b"a")]),
    "only one space is dropped": (b"data:  a \n\n", [("message", b" a ")]),
    "a tab stays": (b"data:\ta\n\n", [("message", b"\ta")]),
    "comment": (b": ping\ndata: a\n:\n\n", [("message", b"a")]),
    "comment alone": (b": ping\n\n", []),
    "several data lines": (b"data: a\ndata: b\ndata:\n\n", [("message", b"a\nb\n")]),
    "data without a colon": (b"data\n\n", [("message", b"")]),
    "two bare data lines": (b"data\ndata\n\n", [("message", b"\n")]),
    "empty event name": (b"event:\ndata: a\n\n", [("message", b"a")]),
    "last event name wins": (b"event: x\nevent: y\ndata: a\n\n", [("y", b"a")]),
    "event name is forgotten": (
        b"event: x\ndata: a\n\ndata: b\n\n",
        [("x", b"a"), ("message", b"b")],
    ),
    "event without data": (b"event: x\n\ndata: a\n\n", [("message", b"a")]),
    "unknown fields": (b"id: 1\nretry: 5\nfoo: bar\ndata: a\n\n", [("message", b"a")]),
    "field names are exact": (b"Data: x\n data: y\ndata : z\ndata: a\n\n", [("message", b"a")]),
    "colons in the value": (b"data: a: b:c\n\n", [("message", b"a: b:c")]),
    "U+2028, U+2029, U+0085, VT and FF end no line": (
        "data: a\u2028b\u2029c\u0085d\x0be\x0cf\n\n".encode(),
        [("message", "a\u2028b\u2029c\u0085d\x0be\x0cf".encode())],
    ),
    "NUL stays": (b"data: a\x00b\n\n", [("message", b"a\x00b")]),
    "no UTF-8 in data stays": (b"data: \xff\xfe\n\n", [("message", b"\xff\xfe")]),
    "no UTF-8 in the name is replaced": (b"event: \xff\ndata: a\n\n", [("\ufffd", b"a")]),
    "empty lines before and between": (b"\n\r\n\ndata: a\n\n\n\n", [("message", b"a")]),
    "unfinished event at the end": (b"data: a\n\nevent: x\ndata: b\n", [("message", b"a")]),
    "unfinished line at the end": (b"data: a\n\ndata: b", [("message", b"a")]),
    "nothing": (b"", []),
}


@pytest.mark.parametrize(("stream", "expected"), RULES.values(), ids=RULES)
def test_rule_holds_in_one_piece(stream, expected):
    assert events_of([stream]) == expected


@pytest.mark.parametrize(("stream", "expected"), RULES.values(), ids=RULES)
def test_rule_holds_byte_by_byte_with_empty_pieces_between(stream, expected):
    pieces = [piece for byte in cut_every(stream, 1) for piece in (byte, b"")]
    assert events_of(pieces) == expected


@pytest.mark.parametrize(("stream", "expected"), RULES.values(), ids=RULES)
def test_rule_holds_cut_in_two_anywhere(stream, expected):
    for at in range(len(stream) + 1):
        assert events_of([stream[:at], stream[at:]]) == expected, at


@given(
    st.lists(
        st.sampled_from(
            [b"data", b"event", b"id", b"data: x", b"a", b"{}", b":", b" ", b"\r", b"\n"]
        )
        | st.sampled_from([b"\r\n", b"\n\n", b"\xef\xbb\xbf", b"\xef", b"\xe2\x80\xa8"]),
        max_size=40,
    ).map(b"".join),
    st.lists(st.integers(0, 120), max_size=12),
)
def test_events_do_not_depend_on_the_cuts(stream, offsets):
    assert events_of(cut(stream, offsets)) == events_of([stream])


def _until_refusal(pieces, limit):
    """Events before the refusal, and whether there was one."""
    decoder, seen = EventDecoder(max_event_bytes=limit), []
    try:
        for piece in pieces:
            seen.extend(decoder.feed(piece))
    except OversizedAnswer:
        return seen, True
    return seen, False


@given(
    st.lists(
        st.sampled_from([b"data: abc\n", b"\n", b"\r\n", b"data\r", b": cc\n", b"x"]), max_size=30
    ),
    st.lists(st.integers(0, 200), max_size=12),
    st.integers(3, 20),
)
def test_refusal_of_an_oversized_event_does_not_depend_on_the_cuts(lines, offsets, limit):
    stream = b"".join(lines)
    whole = _until_refusal([stream], limit)
    assert _until_refusal(cut(stream, offsets), limit) == whole


def test_event_that_ends_in_cr_is_there_at_once():
    decoder = EventDecoder()
    assert [e.data for e in decoder.feed(b"data: a\r\r")] == [b"a"]
    assert list(decoder.feed(b"\n")) == []
    assert [e.data for e in decoder.feed(b"data: b\n\n")] == [b"b"]


def test_what_was_left_untaken_comes_first_the_next_time():
    decoder = EventDecoder()
    first = decoder.feed(b"data: 1\n\ndata: 2\n\ndata: 3")
    assert next(first).data == b"1"
    first.close()
    assert [e.data for e in decoder.feed(b"\n\n")] == [b"2", b"3"]


OVERSIZED = {
    "a line without an end": [b"data: " + b"x" * 101],
    "a complete line": [b"data: " + b"x" * 101 + b"\n\n"],
    "many data lines": [b"data: 123456789\n"] * 11,
    "many empty data lines": [b"data\n"] * 101,
    "a comment": [b":" + b"x" * 101],
    "an event name": [b"event: " + b"x" * 101 + b"\n"],
    "small pieces": [b"data: ", *[b"x"] * 101],
}


@pytest.mark.parametrize("pieces", OVERSIZED.values(), ids=OVERSIZED)
def test_oversized_event_is_refused(pieces):
    with pytest.raises(OversizedAnswer, match="100 bytes"):
        events_of(pieces, max_event_bytes=100)


def test_bound_is_of_one_event_and_not_of_the_stream():
    assert len(events_of([b"data: " + b"x" * 90 + b"\n\n"] * 50, max_event_bytes=100)) == 50


class CountingBuffer(bytearray):
    """Counts the bytes that are moved out of it."""

    moved = 0

    def __getitem__(self, key):
        found = super().__getitem__(key)
        CountingBuffer.moved += len(found) if isinstance(key, slice) else 1
        return found


def _work(monkeypatch, size, piece):
    """Bytes looked at by the line search, and bytes copied, for a line of `size` bytes."""
    real, looked_at = sse._LINE_END, []

    class CountingPattern:
        def search(self, text, start):
            found = real.search(text, start)
            looked_at.append((len(text) if found is None else found.end()) - start)
            return found

    monkeypatch.setattr(sse, "_LINE_END", CountingPattern())
    CountingBuffer.moved = 0
    decoder = EventDecoder(_buffer=CountingBuffer())
    stream = b"data: " + b"x" * size + b"\n\n"
    sizes = [len(e.data) for part in cut_every(stream, piece) for e in decoder.feed(part)]
    assert sizes == [size]
    return sum(looked_at) + CountingBuffer.moved


@pytest.mark.parametrize("piece", [7, 1024, 65536])
def test_a_long_line_in_small_pieces_is_linear_work(monkeypatch, piece):
    size = 2_000_000 if piece > 7 else 200_000
    assert _work(monkeypatch, size, piece) <= 3 * size


def test_encode_is_what_the_decoder_reads():
    data = json_text.dump_bytes({"text": "line\nbreak \u2028 ü"})
    stream = encode(data, "content_block_delta") + encode(b"[DONE]")
    assert list(EventDecoder().feed(stream)) == [
        ServerSentEvent("content_block_delta", data),
        ServerSentEvent("message", b"[DONE]"),
    ]
    assert encode(b"{}", "ping") == b"event: ping\ndata: {}\n\n"


@recorded_params("answers", lambda: anthropic_answers(streaming=True))
def test_recorded_stream_is_read_the_same_in_any_cut(answers):
    for answer in answers:
        stream = answer.sse
        whole = events_of([stream])
        assert whole[-1][0] in ("message_stop", "error"), answer
        assert all(json_text.load(data)["type"] == name for name, data in whole), answer
        assert events_of(cut_every(stream, 13)) == whole, answer


REST = {
    "the blank line": (b"data: a\n\nevent: x\ndata: b\n", ServerSentEvent("x", b"b")),
    "the line's end": (b"event: x\ndata: b", ServerSentEvent("x", b"b")),
    "one of several lines": (b"data: a\ndata: b", ServerSentEvent("message", b"a\nb")),
    "half of a CR LF": (b"data: a\r\n\r", None),
    "data": (b"event: x\n", None),
    "nothing": (b"data: a\n\n", None),
    "anything": (b"", None),
}


@pytest.mark.parametrize(("data", "rest"), REST.values(), ids=REST)
def test_what_the_end_cut_short_can_be_asked_for(data, rest):
    decoder = EventDecoder()
    list(decoder.feed(data))
    assert decoder.rest() == rest
    assert decoder.rest() is None
