"""Streams: their order, and that they add up to the whole answer."""

from __future__ import annotations

import json

import pytest

CASES = {
    "text": {"text": "Hello"},
    "thinking": {"text": "Hello", "thinking": {"type": "adaptive", "display": "summarized"}},
    "tools": {
        "text": "call look_up and list_all",
        "tools": [
            {
                "name": "look_up",
                "input_schema": {
                    "type": "object",
                    "properties": {"a": {"type": "string", "minLength": 99}},
                },
            },
            {"name": "list_all", "input_schema": {"type": "object"}},
        ],
    },
    "search": {
        "text": "search",
        "tools": [{"type": "web_search_20250305", "name": "web_search"}],
    },
    "format": {
        "text": "Hello",
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "string"}}},
    },
    "stop": {"text": "a b c", "stop_sequences": ["b"]},
    "limit": {"text": "Hello", "max_tokens": 20},
    "refusal": {"text": "[[simulator:late-refusal=bio]]"},
    "empty": {"text": "[[simulator:empty]]"},
    "pause": {"text": "[[simulator:pause]]"},
    "redacted": {"text": "[[simulator:redacted-thinking]]"},
    "long": {"text": "write 300 words"},
}


def apply(block, delta):
    """Add a delta to its block; returns a piece of JSON where it is one."""
    kind = delta["type"].removesuffix("_delta")
    if kind in ("text", "thinking", "signature"):
        block[kind] += delta[kind]
    elif kind == "citations":
        block["citations"].append(delta["citation"])
    return delta.get("partial_json", "")


def folded(events):
    """What a client makes of a stream, by the rules of the documentation."""
    message = {}
    parts = {}
    for event in events:
        kind = event["type"]
        if kind == "message_start":
            message = event["message"]
        elif kind == "content_block_start":
            message["content"].append(dict(event["content_block"]))
            parts[event["index"]] = ""
        elif kind == "content_block_delta":
            parts[event["index"]] += apply(message["content"][event["index"]], event["delta"])
        elif kind == "content_block_stop" and parts[event["index"]]:
            message["content"][event["index"]]["input"] = json.loads(parts[event["index"]])
        elif kind == "message_delta":
            message |= event["delta"]
            message["usage"] = {**message["usage"], **event["usage"]}
    return message


@pytest.mark.parametrize("name", CASES)
def test_a_stream_adds_up_to_the_whole_answer(ask, name):
    whole = ask(**CASES[name])
    streamed = ask(**CASES[name], stream=True)
    assert streamed.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert folded(streamed.events) == whole.json


@pytest.mark.parametrize("name", CASES)
def test_events_come_in_the_order_of_the_protocol(ask, name):
    kinds = [event["type"] for event in ask(**CASES[name], stream=True).events]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert kinds.count("ping") == 1
    open_blocks, seen = None, -1
    for event in ask(**CASES[name], stream=True).events:
        if event["type"] == "content_block_start":
            assert open_blocks is None
            assert event["index"] == seen + 1
            open_blocks = seen = event["index"]
        elif event["type"] == "content_block_delta":
            assert event["index"] == open_blocks
        elif event["type"] == "content_block_stop":
            assert event["index"] == open_blocks
            open_blocks = None


def test_the_event_line_names_the_type(ask):
    raw = ask("Hello", stream=True).raw
    for block in raw.strip().split(b"\n\n"):
        name, data = block.split(b"\n")
        assert name == b"event: " + json.loads(data.removeprefix(b"data: "))["type"].encode()


def test_message_start_has_no_content_and_no_result_yet(ask):
    start = ask("Hello", stream=True).events[0]["message"]
    assert start["content"] == []
    assert start["stop_reason"] is None
    assert "output_tokens_details" not in start["usage"]
    assert start["usage"]["output_tokens"] == 1


def test_a_call_without_arguments_has_one_empty_delta(ask):
    tool = {"name": "look", "input_schema": {"type": "object"}}
    events = ask("look", tools=[tool], stream=True).events
    deltas = [e["delta"] for e in events if e["type"] == "content_block_delta"]
    assert [d["partial_json"] for d in deltas if d["type"] == "input_json_delta"] == [""]


def test_a_call_cut_by_max_tokens_streams_what_was_written(ask):
    schema = {"type": "object", "properties": {"a": {"type": "string", "minLength": 400}}}
    fields = {
        "model": "claude-opus-5",
        "thinking": {"type": "disabled"},
        "tools": [{"name": "look", "input_schema": schema}],
        "max_tokens": 60,
    }
    events = ask("look", stream=True, **fields).events
    deltas = [e["delta"] for e in events if e["type"] == "content_block_delta"]
    written = "".join(d["partial_json"] for d in deltas if d["type"] == "input_json_delta")
    assert written.startswith('{"a":"ax')
    assert not written.endswith("}")
    assert ask("look", **fields).json["content"][-1]["input"] == {}


def test_an_omitted_thinking_block_has_a_signature_only(ask):
    events = ask("Hello", stream=True).events
    kinds = [e["delta"]["type"] for e in events if e.get("index") == 0 and "delta" in e]
    assert kinds == ["signature_delta"]
