"""Streams whose events come in an order that trips translators."""

from __future__ import annotations

from typing import Any

from conformance.bench import NEW, Bench
from conformance.outcomes import Stream
from conformance.registry import check
from conformance.samples import ASKED, function, result, user
from loopback import message, thinking_block, usage_of

TOOLS = {"tools": [function("f"), function("g")]}


def begin(**usage: Any) -> dict[str, Any]:
    whole = message([], stop_reason=None, usage=usage_of(11, 1, **usage), model=NEW)
    return {"type": "message_start", "message": whole}


def start(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    block = {"type": kind, **fields}
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def text(index: int, words: str) -> dict[str, Any]:
    return delta(index, "text_delta", text=words)


def tool(index: int, id_: str, name: str) -> dict[str, Any]:
    return start(index, "tool_use", id=id_, name=name, input={})


def part(index: int, words: str) -> dict[str, Any]:
    return delta(index, "input_json_delta", partial_json=words)


def stop(*indexes: int) -> list[dict[str, Any]]:
    return [{"type": "content_block_stop", "index": index} for index in indexes]


def end(reason: str, **usage: Any) -> list[dict[str, Any]]:
    said = {"stop_reason": reason, "stop_sequence": None, "stop_details": None}
    counted = {"output_tokens": 7, **usage}
    return [{"type": "message_delta", "delta": said, "usage": counted}, {"type": "message_stop"}]


@check("stream.deltas_follow_the_block_index", 23)
def _(bench: Bench) -> None:
    bench.events(
        begin(),
        tool(1, "toolu_a", "f"),
        tool(2, "toolu_b", "g"),
        part(1, '{"x"'),
        part(2, '{"y":2}'),
        part(1, ":1}"),
        *stop(1, 2),
        *end("tool_use"),
    )
    made = [(one["id"], one["function"]["arguments"]) for one in bench.stream(**TOOLS).calls]
    assert made == [("toolu_a", '{"x":1}'), ("toolu_b", '{"y":2}')]


@check("stream.index_used_twice_opens_a_new_block", 139)
def _(bench: Bench) -> None:
    bench.events(
        begin(),
        start(1, "text", text=""),
        text(1, "a"),
        *stop(1),
        tool(1, "toolu_1", "f"),
        part(1, "{}"),
        *stop(1),
        *end("tool_use"),
    )
    stream = bench.stream(**TOOLS)
    assert stream.error is None
    assert stream.text == "a"
    assert [one["function"]["arguments"] for one in stream.calls] == ["{}"]


@check("stream.stray_delta_reaches_no_call", 139)
def _(bench: Bench) -> None:
    bench.events(
        begin(),
        tool(1, "toolu_1", "f"),
        part(1, "{}"),
        *stop(1),
        part(7, '{"stray":1}'),
        *end("tool_use"),
    )
    stream = bench.stream(**TOOLS)
    assert stream.error is None
    assert "stray" not in "".join(one["function"]["arguments"] for one in stream.calls)


def signed(stream: Stream) -> list[dict[str, Any]]:
    """The thinking blocks of a stream, put together as clients do."""
    made: dict[int, dict[str, Any]] = {}
    for one in (one for delta in stream.deltas for one in delta.get("thinking_blocks") or []):
        found = made.setdefault(one.get("index", len(made)), {"type": one["type"]})
        for key in ("thinking", "signature"):
            found[key] = found.get(key, "") + (one.get(key) or "")
    return list(made.values())


@check("stream.late_signature_stays_with_its_block", 6)
def _(bench: Bench) -> None:
    bench.events(
        begin(),
        start(0, "thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="a"),
        start(1, "text", text=""),
        text(1, "t"),
        delta(0, "signature_delta", signature="S1"),
        *stop(0, 1),
        *end("end_turn"),
    )
    stream = bench.stream(model=NEW)
    assert stream.error is None
    assert (stream.reasoning, stream.text, stream.finish) == ("a", "t", "stop")
    blocks = signed(stream)
    said = {"role": "assistant", "content": stream.text, "thinking_blocks": blocks}
    bench.ask([ASKED, said, user("go on")], model=NEW)
    assert bench.blocks("thinking") == [thinking_block("a", "S1")]


@check("stream.text_in_the_block_start_is_not_lost")
def _(bench: Bench) -> None:
    bench.events(begin(), start(0, "text", text="He"), text(0, "llo"), *stop(0), *end("end_turn"))
    assert bench.stream().text == "Hello"


@check("stream.input_in_the_block_start_is_not_lost")
def _(bench: Bench) -> None:
    opening = start(0, "tool_use", id="toolu_1", name="f", input={"x": 1})
    bench.events(begin(), opening, *stop(0), *end("tool_use"))
    (call,) = bench.stream(**TOOLS).calls
    assert call["function"]["arguments"].replace(" ", "") == '{"x":1}'


@check("stream.call_without_any_delta_has_an_empty_object")
def _(bench: Bench) -> None:
    bench.events(begin(), tool(0, "toolu_1", "f"), *stop(0), *end("tool_use"))
    assert bench.stream(**TOOLS).calls[0]["function"]["arguments"] == "{}"


@check("stream.unknown_events_and_deltas_are_ignored", 146)
def _(bench: Bench) -> None:
    bench.events(
        begin(),
        {"type": "event_of_next_year", "x": 1},
        start(0, "text", text=""),
        delta(0, "delta_of_next_year", x=1),
        text(0, "ok"),
        *stop(0),
        start(1, "block_of_next_year", x=1),
        delta(1, "delta_of_next_year", x=1),
        *stop(1),
        *end("end_turn"),
    )
    stream = bench.stream()
    assert stream.error is None
    assert (stream.text, stream.finish) == ("ok", "stop")


@check("stream.redacted_thinking_without_deltas_is_no_crash", 4)
def _(bench: Bench) -> None:
    bench.events(
        begin(),
        start(0, "redacted_thinking", data="XYZ"),
        *stop(0),
        start(1, "text", text=""),
        text(1, "ok"),
        *stop(1),
        *end("end_turn"),
    )
    stream = bench.stream()
    assert (stream.text, stream.reasoning, stream.error) == ("ok", "", None)


@check("stream.compaction_deltas_are_no_text", 146)
def _(bench: Bench) -> None:
    bench.events(
        begin(),
        start(0, "compaction", content=None),
        delta(0, "compaction_delta", content="summary"),
        *stop(0),
        start(1, "text", text=""),
        text(1, "ok"),
        *stop(1),
        *end("end_turn"),
    )
    stream = bench.stream()
    assert (stream.text, stream.error) == ("ok", None)


@check("stream.call_despite_end_turn_from_events", 158)
def _(bench: Bench) -> None:
    bench.events(begin(), tool(0, "toolu_1", "f"), part(0, "{}"), *stop(0), *end("end_turn"))
    assert bench.stream(**TOOLS).finish == "tool_calls"


@check("stream.thinking_blocks_of_a_stream_can_go_back", 6, 9)
def _(bench: Bench) -> None:
    blocks = [thinking_block("a", "S1"), thinking_block("b", "S2")]
    call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    bench.says(*blocks, call, stop_reason="tool_use")
    stream = bench.stream(model=NEW, **TOOLS)
    said = {"role": "assistant", "content": None, "thinking_blocks": signed(stream)}
    said["tool_calls"] = [{**one, "type": "function"} for one in stream.calls]
    bench.ask([ASKED, said, result("toolu_1")], model=NEW, **TOOLS)
    assert bench.blocks("thinking") == blocks
    bench.legal()
