"""The grammar of chunks."""

from __future__ import annotations

import json
from typing import Any

from conformance.answers import CALL, F
from conformance.bench import Bench
from conformance.outcomes import Stream, reasoning_of
from conformance.registry import check
from conformance.samples import function
from loopback import Gate, sse, stream_of, streamed, text_block, thinking_block, tool_use_block

WRITE = {
    "tools": [function("write", {"type": "object", "properties": {"body": {"type": "string"}}})]
}


def mixed(bench: Bench, **params: Any) -> Stream:
    """A stream of text and a call."""
    bench.says("I'm happy", CALL, stop_reason="tool_use", piece=4)
    return bench.stream(**F, **params)


@check("stream.first_chunk_has_the_role", 138)
def _(bench: Bench) -> None:
    assert mixed(bench).deltas[0]["role"] == "assistant"


@check("stream.role_is_told_once", 138)
def _(bench: Bench) -> None:
    assert [delta.get("role") for delta in mixed(bench).deltas].count("assistant") == 1


@check("stream.one_id_model_and_time", 138)
def _(bench: Bench) -> None:
    chunks = mixed(bench).chunks
    assert len({(one["id"], one["model"], one["created"], one["object"]) for one in chunks}) == 1
    assert chunks[0]["object"] == "chat.completion.chunk"


@check("stream.one_finish_reason_after_all_content", 138)
def _(bench: Bench) -> None:
    stream = mixed(bench)
    assert stream.finishes == ["tool_calls"]
    at = [bool(choice.get("finish_reason")) for choice in stream.choices].index(True)
    after = stream.deltas[at + 1 :]
    assert not [delta for delta in after if delta.get("content") or delta.get("tool_calls")]


@check("stream.no_empty_delta_in_the_middle", 138)
def _(bench: Bench) -> None:
    inner = mixed(bench).choices[1:-1]
    told = [{k: v for k, v in one["delta"].items() if v not in (None, "")} for one in inner]
    assert all(told), told


@check("stream.text_is_whole_byte_for_byte", 138)
def _(bench: Bench) -> None:
    text = "I'm happy \n\n  to help\t— 漢字.  "
    bench.says(text, piece=1)
    assert bench.stream().text == text


@check("stream.pings_are_no_chunks", 138)
def _(bench: Bench) -> None:
    events = stream_of([text_block("ok")])
    bench.events(events[0], {"type": "ping"}, *events[1:], {"type": "ping"})
    stream = bench.stream()
    assert stream.text == "ok"
    assert all(chunk["id"] for chunk in stream.chunks)


@check("stream.tool_indexes_are_dense", 21)
def _(bench: Bench) -> None:
    blocks = [text_block("t"), tool_use_block("f", {}, id="a"), tool_use_block("g", {}, id="b")]
    bench.says(thinking_block("x"), *blocks, stop_reason="tool_use")
    stream = bench.stream(tools=[function("f"), function("g")])
    assert sorted({call["index"] for call in stream.call_deltas}) == [0, 1]


@check("stream.tool_id_and_name_come_once", 21, 166)
def _(bench: Bench) -> None:
    bench.says(tool_use_block("f", {"x": "y" * 60}), stop_reason="tool_use", piece=1)
    deltas = bench.stream(**F).call_deltas
    assert [bool(one.get("id")) for one in deltas].count(True) == 1
    assert [bool((one.get("function") or {}).get("name")) for one in deltas].count(True) == 1
    assert deltas[0]["id"]


@check("stream.tool_type_comes_once", 166)
def _(bench: Bench) -> None:
    bench.says(tool_use_block("f", {"x": "y" * 60}), stop_reason="tool_use", piece=1)
    kinds = [one.get("type") for one in bench.stream(**F).call_deltas]
    assert kinds[0] == "function"
    assert set(kinds[1:]) <= {None}


@check("stream.arguments_are_text_from_the_first_chunk", 166)
def _(bench: Bench) -> None:
    bench.says(CALL, stop_reason="tool_use")
    first = bench.stream(**F).call_deltas[0]
    assert isinstance(first["function"]["arguments"], str)


@check("stream.arguments_come_as_they_are_made", 28)
def _(bench: Bench) -> None:
    bench.gate = Gate()
    events = stream_of([tool_use_block("write", {"body": "x" * 40})], stop_reason="tool_use")
    bench.replies(streamed([sse(events[:6]), bench.gate, sse(events[6:])]))

    def fragment(chunk: dict[str, Any]) -> bool:
        calls = chunk["choices"][0]["delta"].get("tool_calls") if chunk["choices"] else None
        return bool(calls and calls[0]["function"].get("arguments"))

    bench.arrives_early(fragment, **WRITE)


@check("stream.text_comes_as_it_is_made")
def _(bench: Bench) -> None:
    bench.gate = Gate()
    events = stream_of([text_block("hello world")], piece=3)
    bench.replies(streamed([sse(events[:5]), bench.gate, sse(events[5:])]))
    bench.arrives_early(
        lambda chunk: bool(chunk["choices"] and chunk["choices"][0]["delta"].get("content"))
    )


@check("stream.broken_arguments_pass_verbatim", 28)
def _(bench: Bench) -> None:
    events = stream_of([tool_use_block("write", {"body": "x"})], stop_reason="max_tokens")
    for event in events:
        if event.get("delta", {}).get("type") == "input_json_delta":
            event["delta"]["partial_json"] = (
                '{"body": "ab' if event["delta"]["partial_json"] else ""
            )
    events = [one for at, one in enumerate(events) if one not in events[:at] or at < 3]
    bench.events(*events)
    stream = bench.stream(**WRITE)
    assert stream.error is None
    assert stream.calls[0]["function"]["arguments"] == '{"body": "ab'
    assert stream.finish == "length"


@check("stream.usage_comes_only_when_asked_for", 95)
def _(bench: Bench) -> None:
    stream = mixed(bench)
    assert all(chunk["choices"] for chunk in stream.chunks), "chunk.choices[0] would raise"


@check("stream.usage_is_the_last_chunk", 95)
def _(bench: Bench) -> None:
    stream = mixed(bench, stream_options={"include_usage": True})
    assert stream.chunks[-1]["choices"] == []
    assert stream.usage["prompt_tokens"] == 11
    assert stream.usage["completion_tokens"] == 7
    assert [bool(chunk.get("usage")) for chunk in stream.chunks].count(True) == 1


@check("stream.usage_follows_the_finish_reason", 95)
def _(bench: Bench) -> None:
    stream = mixed(bench, stream_options={"include_usage": True})
    assert stream.chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"


@check("stream.legacy_function_call_streams", 39)
def _(bench: Bench) -> None:
    bench.says(CALL, stop_reason="tool_use")
    stream = bench.stream(functions=[{"name": "f", "parameters": {"type": "object"}}])
    parts = [delta["function_call"] for delta in stream.deltas if delta.get("function_call")]
    assert "".join(part.get("name") or "" for part in parts) == "f"
    assert json.loads("".join(part.get("arguments") or "" for part in parts)) == {"x": 1}


@check("stream.refusal_in_the_middle_keeps_what_was_said")
def _(bench: Bench) -> None:
    bench.says("par", stop_reason="refusal")
    stream = bench.stream()
    assert (stream.text, stream.finish) == ("par", "content_filter")


@check("stream.may_be_left_early", 137)
def _(bench: Bench) -> None:
    events = stream_of([text_block("hello world")], piece=3)
    bench.replies(streamed([sse(events[:5]), Gate(), sse(events[5:])]))
    with bench.opened() as chunks:
        next(chunks)
    bench.server.wait_until_abandoned(timeout=1.5)


@check("stream.thinking_comes_before_text")
def _(bench: Bench) -> None:
    bench.says(thinking_block("hmm"), "ok")
    deltas = bench.stream().deltas
    thoughts = [at for at, delta in enumerate(deltas) if reasoning_of(delta)]
    words = [at for at, delta in enumerate(deltas) if delta.get("content")]
    assert max(thoughts) < min(words)


@check("stream.signature_is_no_text", 10)
def _(bench: Bench) -> None:
    bench.says(thinking_block("hmm", "SIGNATURE"), "ok")
    stream = bench.stream()
    assert "SIGNATURE" not in stream.text + stream.reasoning
