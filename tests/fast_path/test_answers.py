"""Answers and chunks: the fast path builds, streams and closes exactly as the stock path does."""

from __future__ import annotations

import functools
import json
import math
import re
from contextlib import contextmanager

import openai
import pytest
from openai import AsyncStream, Stream
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel

import claif_cla.client
from callers import HELLO
from claif_cla.fast_path import answers
from loopback import (
    Ending,
    error_event,
    json_answer,
    message,
    sse,
    stream_of,
    streamed,
    text_block,
    thinking_block,
    tool_use_block,
    whole,
)
from recorded import anthropic_answers, recorded_params

pytestmark = pytest.mark.filterwarnings("ignore::claif_cla.AdaptationWarning")

BLOCKS = [
    thinking_block("Hm, let me see."),
    text_block("naïve ☕ 😀 and more of it"),
    tool_use_block("f", {"x": [1, 2.5, None], "y": "z"}),
]
EVENTS = stream_of(BLOCKS, stop_reason="tool_use")
ANSWER = streamed(sse(EVENTS))
ASK = {"messages": HELLO, "stream": True, "stream_options": {"include_usage": True}}


@contextmanager
def on(path):
    """The fast path as it is, or the stock construction of everything."""
    with pytest.MonkeyPatch.context() as patch:
        if path == "stock":
            patch.setattr(claif_cla.client, "built", lambda *_: None)
            patch.setattr(answers, "_chunks_of", lambda _: None)
        yield


def both(run):
    """What `run` gives on both paths."""
    outcomes = []
    for path in ("fast", "stock"):
        with on(path):
            outcomes.append(run())
    return outcomes


def shape(value):
    """Everything in a value: types, fields that were set, and extras, all the way down."""
    if isinstance(value, BaseModel):
        fields = {name: shape(item) for name, item in vars(value).items()}
        extra = {name: shape(item) for name, item in (value.model_extra or {}).items()}
        private = value.__pydantic_private__
        return type(value), fields, extra, value.model_fields_set, private
    if isinstance(value, dict):
        return type(value), {name: shape(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value), [shape(item) for item in value]
    return type(value), repr(value)


def views(made):
    dumps = [made.model_dump(), made.model_dump(exclude_unset=True), made.to_json(), made.to_dict()]
    return [*dumps, repr(made), list(vars(made)), getattr(made, "_request_id", None), shape(made)]


def outcome_of(caller, **params):
    """The objects that a call gives, and the error in which it ends."""
    made, error = [], None
    try:
        answer = caller.create(**params)
        made.extend(caller.iterate(answer) if params.get("stream") else [answer])
    except openai.OpenAIError as raised:
        error = raised
    for item in made:
        item.created = 0 if item.created else item.created
    if error is None:
        return made, None
    return made, [type(error), str(error), error.body, type(error.__cause__)]


def check_same(caller, **params):
    (ours, our_error), (stock, stock_error) = both(lambda: outcome_of(caller, **params))
    assert our_error == stock_error
    assert ours == stock
    for one, other in zip(ours, stock, strict=True):
        assert views(one) == views(other)
    return ours


# Recorded answers


def script_of(recording):
    if recording.streaming:
        return streamed(recording.sse, headers={"request-id": "req_1"})
    return json_answer(recording.body, headers={"request-id": "req_1"})


@pytest.mark.parametrize("strict", [False, True], ids=["usual", "strict validation"])
@recorded_params("batch", anthropic_answers, batches=6)
def test_recorded_answers_are_built_the_stock_way(batch, strict, new_caller, server):
    caller = new_caller(
        _strict_response_validation=strict, default_model="claude-sonnet-5-5", thinking_memory=False
    )
    for recording in batch if not strict else batch[::10]:
        server.answer_with(lambda _, recording=recording: script_of(recording))
        params = {**ASK, "stream": True} if recording.streaming else {"messages": HELLO}
        check_same(caller, **params)


def test_the_fast_path_is_taken(caller, server, monkeypatch):
    """Nothing above would notice if it never were."""
    stock, async_stock = Stream._iter_events, AsyncStream._iter_events
    answers = [ANSWER, json_answer(message(BLOCKS[:2]))]
    server.answer_with(lambda _: answers.pop(0))
    constructed = []
    monkeypatch.setattr(
        openai._base_client, "construct_type", lambda **given: constructed.append(given)
    )
    caller_chunks = list(caller.iterate(caller.create(**ASK)))
    assert all(type(chunk) is ChatCompletionChunk for chunk in caller_chunks)
    assert type(caller.create(messages=HELLO)) is ChatCompletion
    assert constructed == []
    assert (Stream._iter_events, AsyncStream._iter_events) == (stock, async_stock)


ODD = {
    "half an emoji": [text_block("cut \ud83d")],
    "an emoji in two halves": [text_block("\ud83d\ude00")],
    "not finite": [text_block("x"), {"type": "new_block", "x": [math.inf, -math.inf, 1e400]}],
    "wide ids": [tool_use_block("f", {}, id="tü")],
    "a number as text": [{"type": "text", "text": 1}],
    "no text": [{"type": "text"}],
}


@pytest.mark.parametrize("case", ODD)
@pytest.mark.parametrize("stream", [False, True])
def test_odd_answers_are_built_the_stock_way(case, stream, caller, server):
    def answer(_):
        body = message(ODD[case])
        if not stream:
            return whole(json.dumps(body).encode(), headers={"content-type": "application/json"})
        try:
            events = stream_of(ODD[case])
        except (TypeError, KeyError):
            events = stream_of([])
        encoded = [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events]
        return streamed(b"".join(encoded))

    server.answer_with(answer)
    check_same(caller, messages=HELLO, stream=stream)


def test_numbers_that_json_cannot_spell_are_built_the_stock_way(caller, server):
    events = stream_of(BLOCKS, usage={"input_tokens": 1, "output_tokens": 2, "new": "HUGE"})
    body = sse(events).replace(b'"HUGE"', b"[1e400, -1e400, 12345678901234567890123]")
    server.answer_with(lambda _: streamed(body))
    check_same(caller, **ASK)


ENDS = {
    "an error event": (sse([*EVENTS[:6], error_event("overloaded_error", "Busy.")]), Ending.KEEP),
    "an error event first": (sse([error_event("api_error", "Broken.")]), Ending.KEEP),
    "cut": (sse(EVENTS[:6]), Ending.CLOSE),
    "cut between events": (sse(EVENTS[:6]), Ending.KEEP),
    "cut in an event": (sse(EVENTS)[:700], Ending.RESET),
    "no JSON": (sse(EVENTS[:6]) + b"event: x\ndata: {\n\n", Ending.KEEP),
    "nothing": (b"", Ending.KEEP),
}


@pytest.mark.parametrize("case", ENDS)
def test_streams_that_go_wrong_fail_the_stock_way(case, caller, server):
    body, ending = ENDS[case]
    server.answer_with(lambda _: streamed(body, ending=ending))
    check_same(caller, **ASK)


def test_streams_that_time_out_fail_the_stock_way(new_caller, server):
    caller = new_caller(timeout=0.2)
    server.answer_with(lambda _: streamed(sse(EVENTS[:6]), ending=Ending.STALL))
    check_same(caller, **ASK)


# Ways to use a stream


def step(caller, stream, count=1):
    """The next chunks one by one, and how often there was none."""
    ended = (StopIteration, StopAsyncIteration)
    taken = []
    for _ in range(count):
        try:
            item = next(stream) if caller.kind == "sync" else caller.run(anext(stream))
            taken.append(item.model_dump(exclude={"created"}))
        except ended as end:  # noqa: PERF203 - each step may be past the end
            taken.append(type(end))
    return taken


def state(stream):
    response = stream.response
    return response.is_stream_consumed, response.is_closed, response.status_code


def left_early(caller, stream):
    for _ in caller.iterate(stream):
        break
    return state(stream), step(caller, stream, 2)


def closed_early(caller, stream):
    taken = step(caller, stream, 2)
    caller.run(stream.close())
    return taken, state(stream), step(caller, stream, 2)


def closed_at_once(caller, stream):
    caller.run(stream.close())
    return state(stream), step(caller, stream, 2)


def twice(caller, stream):
    first, second = list(caller.iterate(stream)), list(caller.iterate(stream))
    return len(first), second, state(stream), step(caller, stream, 2)


def in_a_context(caller, stream):
    with caller.entered(stream) as inside:
        taken = step(caller, inside, 1)
    return inside is stream, taken, state(stream)


def read_after(caller, stream):
    list(caller.iterate(stream))
    return caller.run(read(caller, stream))


def read(caller, stream):
    return stream.response.read() if caller.kind == "sync" else stream.response.aread()


def read_before(caller, stream):
    text = caller.run(read(caller, stream))
    return text.count(b"data:"), step(caller, stream, 2), len(list(caller.iterate(stream)))


def read_between(caller, stream):
    return step(caller, stream, 2), caller.run(read(caller, stream))


def lines_before(caller, stream):
    of = stream.response.iter_lines if caller.kind == "sync" else stream.response.aiter_lines
    lines = list(caller.iterate(of()))
    return len(lines), step(caller, stream, 1)


def kinds(caller, stream):
    stock = Stream if caller.kind == "sync" else AsyncStream
    return isinstance(stream, stock), repr(stream.response), stream._cast_to, state(stream)


WAYS = [
    *(left_early, closed_early, closed_at_once, twice, in_a_context),
    *(read_after, read_before, read_between, lines_before, kinds),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("raw", [False, True], ids=["plain", "raw"])
def test_a_stream_can_be_used_the_stock_way(way, raw, caller, server):
    server.answer_with(lambda _: ANSWER)
    completions = caller.client.chat.completions

    def run():
        if raw:
            stream = caller.run(completions.with_raw_response.create(**ASK)).parse()
        else:
            stream = caller.create(**ASK)
        try:
            outcome = way(caller, stream)
        except Exception as error:  # noqa: BLE001 - whatever it is, both raise it
            outcome = type(error), str(error), state(stream)
        caller.run(stream.close())
        return outcome, state(stream)

    ours, stock = both(run)
    assert repr(ours) == repr(stock)


def test_a_streaming_response_looks_the_stock_way(caller, server):
    server.answer_with(lambda _: ANSWER)
    create = caller.client.chat.completions.with_streaming_response.create
    looks = {
        "lines": lambda raw: list(caller.iterate(raw.iter_lines())),
        "bytes": lambda raw: b"".join(caller.iterate(raw.iter_bytes())),
        "text": lambda raw: "".join(caller.iterate(raw.iter_text())),
        "read": lambda raw: caller.run(raw.read()),
        "parse": lambda raw: [
            one.model_dump_json() for one in caller.iterate(caller.run(raw.parse()))
        ],
        "parse as stock": lambda raw: [
            one.model_dump_json()
            for one in caller.iterate(
                caller.run(raw.parse(to=(Stream if caller.kind == "sync" else AsyncStream)[Chunk]))
            )
        ],
    }
    for name, look in looks.items():

        def run(look=look):
            with caller.entered(create(**ASK)) as raw:
                seen = look(raw)
                response = raw.http_response
                inside = response.is_stream_consumed, response.is_closed
            return undated(seen), inside, response.is_closed, raw.headers["content-type"]

        ours, stock = both(run)
        assert ours == stock, name


Chunk = ChatCompletionChunk


def undated(seen):
    return re.sub(r'"created": ?\d+', "", repr(seen))


def test_events_of_the_stream_helper_are_the_stock_ones(caller, server):
    server.answer_with(lambda _: ANSWER)

    def run():
        with caller.stream(messages=HELLO) as stream:
            events = [re.sub(r"created=\d+", "", repr(one)) for one in caller.iterate(stream)]
            final = caller.run(stream.get_final_completion())
        return events, final.model_dump(exclude={"created"})

    ours, stock = both(run)
    assert ours == stock


@pytest.mark.parametrize("stream", [True, False])
def test_a_direct_post_is_the_stock_one(stream, caller, server):
    server.answer_with(lambda _: ANSWER if stream else json_answer(message(BLOCKS)))
    kind = Stream if caller.kind == "sync" else AsyncStream

    def run():
        body = {**ASK, "stream": stream, "model": "claude-sonnet-5-5"}
        options = {"stream": True, "stream_cls": kind[Chunk]} if stream else {}
        cast_to = Chunk if stream else ChatCompletion
        made = caller.run(
            caller.client.post("/chat/completions", cast_to=cast_to, body=body, **options)
        )
        made = list(caller.iterate(made)) if stream else [made]
        return [shape(one.model_copy(update={"created": 0})) for one in made]

    ours, stock = both(run)
    assert ours == stock
    assert len(ours) > stream


# Patches and overrides


def counting(real, seen):
    @functools.wraps(real)
    def wrapped(*args, **kwargs):
        seen.append(kwargs)
        return real(*args, **kwargs)

    return wrapped


@pytest.mark.parametrize("name", ["__stream__", "_iter_events", "__iter__", "__next__"])
def test_a_patched_stream_class_is_used(name, caller, server, monkeypatch):
    server.answer_with(lambda _: ANSWER)
    kind = Stream if caller.kind == "sync" else AsyncStream
    name = (
        name
        if kind is Stream
        else {"__iter__": "__aiter__", "__next__": "__anext__"}.get(name, name)
    )
    seen = []
    monkeypatch.setattr(kind, name, counting(getattr(kind, name), seen))
    stream = caller.create(**ASK)
    assert (len(seen) == 1) == (name == "__stream__")
    assert len([*step(caller, stream), *caller.iterate(stream)]) > 3
    assert len(seen) == 1


@pytest.mark.parametrize("where", ["openai", "base", "subclass", "instance"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_patched_construction_is_used(where, stream, caller, server, monkeypatch):
    server.answer_with(lambda _: ANSWER if stream else json_answer(message(BLOCKS)))
    client, seen = caller.client, []
    own, name = type(client), "_process_response_data"
    stock = openai.OpenAI if caller.kind == "sync" else openai.AsyncOpenAI
    base = next(kind for kind in stock.__mro__ if name in vars(kind))
    if where == "subclass":
        client.__class__ = type("Mine", (own,), {name: counting(getattr(own, name), seen)})
    elif where == "instance":
        monkeypatch.setitem(vars(client), name, counting(getattr(client, name), seen))
    else:
        target = stock if where == "openai" else base
        monkeypatch.setattr(target, name, counting(getattr(target, name), seen))
    made = caller.create(**{**ASK, "stream": stream})
    made = list(caller.iterate(made)) if stream else [made]
    assert len(seen) == len(made) > 0
    assert all("data" in given for given in seen)


# What a caller does to a chunk


def test_what_a_caller_does_to_a_chunk_reaches_no_other(caller, server):
    server.answer_with(lambda _: ANSWER)

    def spoil(value):
        if isinstance(value, BaseModel):
            value = {**vars(value), **(value.model_extra or {})}
        if isinstance(value, dict):
            for item in [*value.values()]:
                spoil(item)
            value.clear()
        elif isinstance(value, list):
            for item in value:
                spoil(item)
            value.clear()

    clean = [
        shape(one.model_copy(update={"created": 0})) for one in caller.iterate(caller.create(**ASK))
    ]
    seen = []
    for one in caller.iterate(caller.create(**ASK)):
        seen.append(shape(one.model_copy(update={"created": 0})))
        spoil(one)
    assert seen == clean
