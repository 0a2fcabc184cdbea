"""Every recorded answer of the Messages API, through the real clients.

What is expected is worked out here from the raw recording, without the code under test. A turn
that the recording leaves paused is continued by `CONTINUATION`.
"""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import openai
import pytest

import claif_cla
from loopback import (
    LoopbackServer,
    Script,
    cut,
    cut_every,
    error_event,
    json_answer,
    message,
    sse,
    text_block,
)
from loopback import streamed as as_stream
from recorded import Recording, anthropic_answers, recorded_params

ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "q"}]}
USAGE: dict[str, Any] = {"stream_options": {"include_usage": True}}
CONTINUATION = message([text_block("the end")])
FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "refusal": "content_filter",
}
THINKING = ("thinking", "redacted_thinking")


@dataclass
class Told:
    """What an answer says, in one form for all ways of getting it."""

    model: str
    finish: str
    content: str
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    thinking: list[dict[str, Any]] = field(default_factory=list)
    reasoning: str = ""
    cited: list[tuple[str, str]] = field(default_factory=list)
    blocks: list[dict[str, Any]] = field(default_factory=list)
    usage: list[int | None] = field(default_factory=list)


# What the recording says


def raw_message(recording: Recording) -> dict[str, Any]:
    """The Message of a recording, its stream put together the plain way."""
    if not recording.streaming:
        return recording.body
    told: dict[str, Any] = {}
    blocks: dict[int, dict[str, Any]] = {}
    written: dict[int, str] = {}
    for line in recording.sse.decode().splitlines():
        if not line.startswith("data:"):
            continue
        event = json.loads(line.removeprefix("data:"))
        match event["type"]:
            case "message_start":
                told = event["message"]
            case "content_block_start":
                blocks[event["index"]] = dict(event["content_block"])
                written[event["index"]] = ""
            case "content_block_delta":
                written[event["index"]] += add(blocks[event["index"]], event["delta"])
            case "message_delta":
                told |= event["delta"]
                told["usage"] |= {k: v for k, v in event["usage"].items() if v is not None}
    for index, text in written.items():
        if text:
            with contextlib.suppress(ValueError):
                blocks[index]["input"] = json.loads(text)
    return told | {"content": [*told["content"], *blocks.values()]}


def add(block: dict[str, Any], delta: dict[str, Any]) -> str:
    """Put a delta into its block; JSON text is handed back."""
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "signature_delta":
            block["signature"] = delta["signature"]
        case "citations_delta":
            block["citations"] = [*(block.get("citations") or []), delta["citation"]]
        case "compaction_delta":
            block["content"] = delta["content"]
        case "input_json_delta":
            return str(delta["partial_json"])
    return ""


def expected(recording: Recording) -> Told:
    first = raw_message(recording)
    blocks, counts, stop = list(first["content"]), counts_of(first["usage"]), first["stop_reason"]
    if stop == "pause_turn":
        blocks += CONTINUATION["content"]
        more = counts_of(CONTINUATION["usage"])
        counts = [add_counts(a, b) for a, b in zip(counts, more, strict=True)]
        stop = CONTINUATION["stop_reason"]
    uses = [block for block in blocks if block["type"] == "tool_use"]
    texts, cited = texts_of(blocks)
    return Told(
        # A stream has said who answers before the turn is paused.
        model=first["model"],
        finish="tool_calls" if uses and FINISH[stop] == "stop" else FINISH[stop],
        content="".join(texts),
        calls=[(use["id"], use["name"], use["input"]) for use in uses],
        thinking=[block for block in blocks if block["type"] in THINKING],
        reasoning="\n\n".join(b["thinking"] for b in blocks if b.get("thinking")),
        cited=cited,
        blocks=blocks,
        usage=counts,
    )


def texts_of(blocks: list[dict[str, Any]]) -> tuple[list[str], list[tuple[str, str]]]:
    """The texts with what stands between them, and each URL cited with the text that cites it."""
    texts: list[str] = []
    cited = []
    before = "text"
    for block in blocks:
        if block["type"] == "text" and block["text"]:
            touching = before == "text" or not texts
            spaced = touching or texts[-1][-1].isspace() or block["text"][0].isspace()
            texts += [block["text"]] if spaced else ["\n\n", block["text"]]
            places = [c.get("url") or c.get("source") for c in block.get("citations") or ()]
            urls = [place for place in places if place and place.startswith("http")]
            cited += [(url, block["text"]) for url in urls]
        if block["type"] != "text" or block["text"]:
            before = block["type"]
    return texts, cited


def counts_of(usage: dict[str, Any]) -> list[int | None]:
    """Prompt, completion, cached, written and reasoning tokens."""
    cached = usage.get("cache_read_input_tokens") or 0
    written = usage.get("cache_creation_input_tokens") or 0
    reasoning = (usage.get("output_tokens_details") or {}).get("thinking_tokens")
    prompt = usage["input_tokens"] + cached + written
    return [prompt, usage["output_tokens"], cached, written, reasoning]


def add_counts(one: int | None, other: int | None) -> int | None:
    return one if other is None else other if one is None else one + other


# What the client says


def told_whole(completion: Any) -> Told:
    answer = completion.to_dict()
    choice = answer["choices"][0]
    return told(answer, choice["message"], choice["finish_reason"], answer["usage"])


def told_chunks(chunks: Iterable[Any]) -> Told:
    """Chunks put together the plain way."""
    chunks = [chunk.to_dict() for chunk in chunks]
    assert len({(chunk["id"], chunk["model"], chunk["created"]) for chunk in chunks}) == 1
    *spoken, final = chunks
    assert final["choices"] == []
    deltas = [chunk["choices"][0]["delta"] for chunk in spoken]
    reasons = [chunk["choices"][0].get("finish_reason") for chunk in spoken]
    assert deltas[0]["role"] == "assistant"
    assert not any(reasons[:-1])
    whole: dict[str, Any] = {"tool_calls": [], "thinking_blocks": [], "annotations": []}
    for delta in deltas:
        for key in ("content", "reasoning_content"):
            whole[key] = whole.get(key, "") + (delta.get(key) or "")
        for key in ("annotations", "content_blocks"):
            whole[key] = whole.get(key, []) + delta.get(key, [])
        for item in delta.get("tool_calls", ()):
            put_call(whole["tool_calls"], item)
        for item in delta.get("thinking_blocks", ()):
            put_thinking(whole["thinking_blocks"], item)
    return told(chunks[0], whole, reasons[-1], final["usage"])


def put_call(calls: list[dict[str, Any]], item: dict[str, Any]) -> None:
    if item["index"] == len(calls):
        assert item["type"] == "function"
        calls.append({"id": item["id"], "function": dict(item["function"])})
    else:
        assert not {"id", "type"} & set(item)
        assert "name" not in item["function"]
        calls[item["index"]]["function"]["arguments"] += item["function"]["arguments"]


def put_thinking(blocks: list[dict[str, Any]], item: dict[str, Any]) -> None:
    item = dict(item)
    index = item.pop("index")
    if index == len(blocks):
        blocks.append(item)
        return
    for key in item.keys() - {"type"}:
        blocks[index][key] = blocks[index].get(key, "") + item[key]


def told(answer: Any, said: dict[str, Any], finish: str, usage: dict[str, Any]) -> Told:
    assert answer["id"].startswith("chatcmpl-")
    content = said.get("content") or ""
    cited = [annotation["url_citation"] for annotation in said.get("annotations") or ()]
    details = usage["completion_tokens_details"]
    return Told(
        model=answer["model"],
        finish=finish,
        content=content,
        calls=[
            (call["id"], call["function"]["name"], arguments(call, finish))
            for call in said.get("tool_calls") or ()
        ],
        thinking=bare(said.get("thinking_blocks", ())),
        reasoning=said.get("reasoning_content", ""),
        cited=[(c["url"], content[c["start_index"] : c["end_index"]]) for c in cited],
        blocks=bare(said.get("content_blocks", ())),
        usage=[
            usage["prompt_tokens"],
            usage["completion_tokens"],
            usage["prompt_tokens_details"]["cached_tokens"],
            usage["prompt_tokens_details"]["cache_write_tokens"],
            details.get("reasoning_tokens"),
        ],
    )


def arguments(call: dict[str, Any], finish: str) -> Any:
    text = call["function"]["arguments"]
    try:
        return json.loads(text)
    except ValueError:
        assert finish == "length", text
        return {}  # as the raw block, whose input never came to an end


def bare(items: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in item.items() if key != "index"} for item in items]


# How it is served and asked for


def cut_at_random(recording: Recording) -> list[bytes]:
    data = recording.sse
    chosen = random.Random(recording.file)
    return cut(data, [chosen.randrange(len(data)) for _ in range(chosen.randrange(1, 30))])


def serve(server: LoopbackServer, recording: Recording, pieces: Any = None) -> None:
    script: Script
    headers = {"request-id": "req_recorded"}
    if recording.streaming:
        script = as_stream(pieces or recording.sse, headers=headers)
    else:
        script = json_answer(recording.body, headers=headers)
    server.enqueue(script)
    if "stop:pause_turn" in recording.features:
        server.enqueue(json_answer(CONTINUATION))


@contextlib.contextmanager
def client(server: LoopbackServer) -> Iterator[claif_cla.ClaudeClient]:
    with claif_cla.ClaudeClient(api_key="k", base_url=server.url, max_retries=0) as made:
        yield made


every_answer = recorded_params("batch", anthropic_answers, batches=16)
every_stream = recorded_params("batch", lambda: anthropic_answers(streaming=True), batches=8)
small_streams = recorded_params(
    "batch",
    lambda: sorted(anthropic_answers(streaming=True), key=lambda r: len(r.sse))[:64],
    batches=4,
)


@every_answer
def test_whole_answers_come_out_right(server, batch):
    with client(server) as claude:
        for recording in batch:
            serve(server, recording)
            completion = claude.chat.completions.create(**ASK)
            assert told_whole(completion) == expected(recording), recording
            if "stop:pause_turn" not in recording.features:
                assert completion._request_id == "req_recorded"


@every_answer
def test_streamed_answers_come_out_right(server, batch):
    with client(server) as claude:
        for recording in batch:
            serve(server, recording, recording.streaming and cut_at_random(recording))
            chunks = claude.chat.completions.create(**ASK, **USAGE, stream=True)
            assert told_chunks(chunks) == expected(recording), recording


@every_stream
def test_the_stream_helper_puts_the_same_answer_together(server, batch):
    with client(server) as claude:
        for recording in batch:
            serve(server, recording)
            with claude.chat.completions.stream(**ASK, **USAGE) as stream:
                try:
                    completion = stream.get_final_completion()
                except openai.LengthFinishReasonError as error:  # as of the stock client
                    completion = error.completion
                    assert completion.choices[0].finish_reason == "length"
            assert told_whole(completion) == expected(recording), recording


@small_streams
def test_streams_cut_into_single_bytes_come_out_right(server, batch):
    with client(server) as claude:
        for recording in batch:
            serve(server, recording, cut_every(recording.sse, 1))
            chunks = claude.chat.completions.create(**ASK, **USAGE, stream=True)
            assert told_chunks(chunks) == expected(recording), recording


def broken_off(recording: Recording) -> bytes:
    """The stream up to some event after its first and before its `message_stop`."""
    frames = recording.sse.split(b"\n\n")
    last = next(at for at, frame in enumerate(frames) if b'"message_stop"' in frame)
    return b"\n\n".join(frames[: random.Random(recording.file).randrange(1, last + 1)]) + b"\n\n"


@every_stream
@pytest.mark.parametrize(
    ("ending", "fault"),
    [
        (b"", openai.APIConnectionError),
        (b"event: message_delta\ndata: {", openai.APIConnectionError),
        (sse([error_event("overloaded_error", "Overloaded")]), openai.APIError),
    ],
    ids=["cut", "cut in an event", "error"],
)
def test_streams_that_break_raise_and_never_finish(server, batch, ending, fault):
    with client(server) as claude:
        for recording in batch:
            server.enqueue(as_stream(broken_off(recording) + ending))
            chunks = claude.chat.completions.create(**ASK, stream=True)
            with pytest.raises(fault) as caught:
                for chunk in chunks:
                    assert chunk.choices[0].finish_reason is None, recording
            assert type(caught.value) is fault, recording
            assert caught.value.code == ("overloaded" if ending.startswith(b"event: e") else None)


@every_answer
async def test_answers_to_the_async_client_come_out_right(server, batch):
    async with claif_cla.AsyncClaudeClient(
        api_key="k", base_url=server.url, max_retries=0
    ) as claude:
        for recording in batch:
            serve(server, recording)
            completion = await claude.chat.completions.create(**ASK)
            assert told_whole(completion) == expected(recording), recording
            serve(server, recording, recording.streaming and cut_at_random(recording))
            chunks = await claude.chat.completions.create(**ASK, **USAGE, stream=True)
            assert told_chunks([chunk async for chunk in chunks]) == expected(recording), recording


@pytest.mark.parametrize("stream", [False, True])
def test_a_recorded_pause_is_sent_back_unchanged(server, stream):
    paused = [r for r in anthropic_answers() if "stop:pause_turn" in r.features]
    if not paused:
        pytest.skip("no recording of a paused turn")
    for recording in paused:
        serve(server, recording)
        with client(server) as claude:
            answer = claude.chat.completions.create(**ASK, stream=stream)
            _ = list(answer)
        sent = json.loads(server.last.body)["messages"]
        content = raw_message(recording)["content"]
        assert sent[-1] == {"role": "assistant", "content": content}, recording
