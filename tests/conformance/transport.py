"""Bytes: cut anywhere, framed in every legal way, broken off."""

from __future__ import annotations

import json
from collections.abc import Callable

from conformance.bench import Bench
from conformance.registry import check
from conformance.samples import function
from loopback import (
    Ending,
    cut_every,
    error_event,
    sse,
    stream_of,
    streamed,
    text_block,
    tool_use_block,
)

WORDS = "héllo 漢字 👩‍👩‍👧\u2028x\u0085y"
EVENTS = stream_of([text_block(WORDS)], piece=100)
CLEAN = sse(EVENTS)

for size in (1, 2, 3, 7, 64):

    @check(f"transport.bytes_cut_every_{size}", 134)
    def _(bench: Bench, size: int = size) -> None:
        bench.replies(streamed(cut_every(CLEAN, size)))
        stream = bench.stream()
        assert (stream.text, stream.finish) == (WORDS, "stop")


@check("transport.arguments_cut_every_byte", 134)
def _(bench: Bench) -> None:
    events = stream_of([tool_use_block("f", {"s": WORDS})], stop_reason="tool_use")
    bench.replies(streamed(cut_every(sse(events), 1)))
    (call,) = bench.stream(tools=[function()]).calls
    assert json.loads(call["function"]["arguments"]) == {"s": WORDS}


@check("transport.surrogate_pair_split_between_two_deltas", 134)
def _(bench: Bench) -> None:
    data = CLEAN.decode().split("\n\n")
    index = next(at for at, event in enumerate(data) if "text_delta" in event)
    half = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%s"}}'
    halves = [
        f"event: content_block_delta\ndata: {half % word}" for word in ("a\\ud83d", "\\ude00b")
    ]
    data[index : index + 1] = halves
    bench.replies(streamed("\n\n".join(data).encode()))
    stream = bench.stream()
    assert stream.error is None, repr(stream.error)
    stream.text.encode("utf-8", "surrogatepass")
    assert stream.text[0] + stream.text[-1] == "ab"


def lines(change: Callable[[bytes], bytes]) -> bytes:
    return change(CLEAN)


FRAMINGS: dict[str, bytes] = {
    "crlf": lines(lambda data: data.replace(b"\n", b"\r\n")),
    "bare_cr": lines(lambda data: data.replace(b"\n", b"\r")),
    "no_space_after_the_colon": lines(lambda data: data.replace(b"data: ", b"data:")),
    "comments": lines(lambda data: b": hello\n\n" + data.replace(b"\n\n", b"\n: x\n\n")),
    "byte_order_mark": lines(lambda data: b"\xef\xbb\xbf" + data),
    "no_event_names": b"".join(
        b"data: %b\n\n" % json.dumps(event, ensure_ascii=False).encode() for event in EVENTS
    ),
    "no_blank_line_at_the_end": lines(lambda data: data.rstrip(b"\n") + b"\n"),
    "several_data_lines": lines(
        lambda data: data.replace(b'data: {"type": ', b'data: {"type":\ndata: ')
    ),
    "ids_and_retries": lines(lambda data: data.replace(b"\n\n", b"\nid: 1\nretry: 10\n\n")),
}
for label, framed in FRAMINGS.items():

    @check(f"transport.sse_{label}", 135)
    def _(bench: Bench, framed: bytes = framed) -> None:
        bench.replies(streamed(cut_every(framed, 50)))
        stream = bench.stream()
        assert stream.error is None, repr(stream.error)
        assert (stream.text, stream.finish) == (WORDS, "stop")


@check("transport.sse_crlf_cut_between_chunks", 135)
def _(bench: Bench) -> None:
    bench.replies(streamed(cut_every(FRAMINGS["crlf"], 1)))
    assert bench.stream().text == WORDS


@check("transport.sse_line_of_two_megabytes", 135)
def _(bench: Bench) -> None:
    bench.says("x" * 2_000_000, piece=2_000_000)
    assert len(bench.stream().text) == 2_000_000


def broken(bench: Bench, data: bytes, ending: Ending, **params: object) -> None:
    """The stream must raise, and never claim an end."""
    bench.replies(streamed(data, ending=ending))
    stream = bench.stream(**params)
    assert stream.error is not None, f"it ended with {stream.finish!r} as if it were whole"
    assert "stop" not in stream.finishes
    assert "tool_calls" not in stream.finishes


TEXT_EVENTS = stream_of([text_block("par")], ping=False)
TOOL_EVENTS = stream_of([tool_use_block("f", {"a": "bcdefghijk"})], ping=False)
CUTS = {
    "in_the_text": (sse(TEXT_EVENTS[:3]), {}),
    "in_the_arguments": (sse(TOOL_EVENTS[:4]), {"tools": [function()]}),
    "before_the_stop_reason": (sse(TEXT_EVENTS[:4]), {}),
    "in_an_event": (sse(TEXT_EVENTS[:3])[:-30], {}),
    "before_any_block": (sse(TEXT_EVENTS[:1]), {}),
}
for label, (data, params) in CUTS.items():
    for manner, ending in {"closed": Ending.CLOSE, "ended": Ending.KEEP}.items():

        @check(f"transport.stream_{manner}_{label}_raises", 124)
        def _(
            bench: Bench,
            data: bytes = data,
            ending: Ending = ending,
            params: dict[str, object] = params,
        ) -> None:
            broken(bench, data, ending, **params)


@check("transport.stream_reset_raises", 124)
def _(bench: Bench) -> None:
    broken(bench, sse(TEXT_EVENTS[:3]), Ending.RESET)


@check("transport.text_before_a_cut_arrives", 124)
def _(bench: Bench) -> None:
    bench.replies(streamed(sse(TEXT_EVENTS[:3]), ending=Ending.CLOSE))
    assert bench.stream().text == "par"


for kind in ("overloaded_error", "api_error", "rate_limit_error"):

    @check(f"transport.{kind}_in_the_stream_raises", 123)
    def _(bench: Bench, kind: str = kind) -> None:
        bench.events(*TEXT_EVENTS[:3], error_event(kind, "Overloaded"))
        stream = bench.stream()
        assert stream.error is not None
        assert stream.text == "par"
        assert stream.finishes == []


@check("transport.error_in_the_stream_tells_its_message", 123)
def _(bench: Bench) -> None:
    bench.events(*TEXT_EVENTS[:3], error_event("overloaded_error", "Too much just now"))
    assert "Too much just now" in str(bench.stream().error)


@check("transport.stalled_stream_ends_at_the_timeout", 132)
def _(bench: Bench) -> None:
    half = sse(TEXT_EVENTS[:2]) + b"event: content_block_delta\ndata: {"
    bench.replies(streamed(half, ending=Ending.STALL))
    stream = bench.stream(timeout=0.4)
    assert stream.error is not None
    assert "imed out" in str(stream.error) or "imeout" in type(stream.error).__name__
    bench.server.wait_until_abandoned(timeout=1.5)


@check("transport.stalled_answer_ends_at_the_timeout", 132)
def _(bench: Bench) -> None:
    from loopback import no_answer  # noqa: PLC0415

    bench.replies(no_answer(Ending.STALL))
    error = bench.fails(timeout=0.4)
    assert "imed out" in str(error) or "imeout" in type(error).__name__


@check("transport.cut_stream_raises_openais_class", 124, needs="exceptions")
def _(bench: Bench) -> None:
    import openai  # noqa: PLC0415  # not every subject has it

    bench.replies(streamed(sse(TEXT_EVENTS[:3]), ending=Ending.CLOSE))
    assert isinstance(bench.stream().error, openai.APIError)
