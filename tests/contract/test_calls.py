"""Every way to call, on the stock client's own terms."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import openai
import pytest
from openai.resources.chat.completions import AsyncCompletions, Completions
from pydantic import BaseModel

from callers import HELLO
from claif_cla import AdaptationWarning, AsyncClaudeClient, ClaudeClient
from claif_cla.catalog.names import resolve
from loopback import (
    Gate,
    error_body,
    json_answer,
    message,
    sse,
    stream_of,
    streamed,
    text_block,
    tool_use_block,
)

NEWEST_SONNET = resolve(None, default=None, official=True).model_id


class Weather(BaseModel):
    city: str
    degrees: int


FORECAST = '{"city":"Paris","degrees":21}'


def echo(request, text="Hi"):
    """The same answer, whole or streamed, with the request's id in a header."""
    blocks = [text_block(text)]
    headers = {"request-id": "req_01"}
    model = request.json["model"]
    if request.json.get("stream"):
        return streamed(sse(stream_of(blocks, model=model)), headers=headers)
    return json_answer(message(blocks, model=model), headers=headers)


# Without a model


def create(caller, **params):
    return caller.create(messages=HELLO, **params)


def create_stream(caller, **params):
    return [*caller.iterate(caller.create(messages=HELLO, stream=True, **params))][-1]


def parse(caller, **params):
    completions = caller.client.chat.completions
    return caller.run(completions.parse(messages=HELLO, response_format=Weather, **params))


def stream_helper(caller, **params):
    with caller.stream(messages=HELLO, **params) as stream:
        return caller.run(stream.get_final_completion())


def raw_response(caller, **params):
    create = caller.client.chat.completions.with_raw_response.create
    return caller.run(create(messages=HELLO, **params)).parse()


def raw_client(caller, **params):
    create = caller.client.with_raw_response.chat.completions.create
    return caller.run(create(messages=HELLO, **params)).parse()


def streaming_response(caller, **params):
    create = caller.client.chat.completions.with_streaming_response.create
    with caller.entered(create(messages=HELLO, **params)) as response:
        return caller.run(response.parse())


WAYS = [
    create,
    create_stream,
    parse,
    stream_helper,
    raw_response,
    raw_client,
    streaming_response,
]
each_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


@each_way
def test_a_call_without_a_model_asks_the_newest_sonnet(caller, server, way):
    server.answer_with(lambda request: echo(request, FORECAST))
    assert way(caller).model == NEWEST_SONNET
    assert server.last.json["model"] == NEWEST_SONNET


@each_way
def test_a_call_without_a_model_asks_the_default_model(new_caller, server, way):
    server.answer_with(lambda request: echo(request, FORECAST))
    assert way(new_caller(default_model="opus")).model.startswith("claude-opus-")


@each_way
@pytest.mark.parametrize("nothing", [None, openai.NOT_GIVEN, openai.Omit()], ids=type)
def test_a_model_that_is_not_given_is_left_out(caller, server, way, nothing):
    server.answer_with(lambda request: echo(request, FORECAST))
    assert way(caller, model=nothing).model == NEWEST_SONNET


@each_way
def test_a_given_model_is_asked(new_caller, server, way):
    server.answer_with(lambda request: echo(request, FORECAST))
    way(new_caller(model_aliases={"mine": "claude-opus-5-5"}), model="mine")
    assert server.last.json["model"] == "claude-opus-5-5"


def test_default_model_may_be_an_alias(new_caller, server):
    server.answer_with(echo)
    caller = new_caller(default_model="mine", model_aliases={"mine": "claude-opus-5-5"})
    create(caller)
    assert server.last.json["model"] == "claude-opus-5-5"


def test_default_model_of_the_environment(monkeypatch, new_caller, server):
    monkeypatch.setenv("CLAIF_CLA_MODEL", "claude-opus-5-5")
    server.answer_with(echo)
    create(new_caller())
    assert server.last.json["model"] == "claude-opus-5-5"


def test_a_model_that_is_no_name_is_refused_and_not_replaced(caller, server):
    with pytest.raises(openai.BadRequestError) as caught:
        create(caller, model=5)
    assert caught.value.param == "model"
    assert server.requests == []


# Views of an answer


def test_request_id_headers_and_elapsed_are_there(caller, server):
    server.answer_with(echo)
    answer = create(caller)
    assert answer._request_id == "req_01"
    raw = caller.run(caller.client.chat.completions.with_raw_response.create(messages=HELLO))
    assert raw.request_id == raw.headers["x-request-id"] == "req_01"
    assert raw.status_code == 200
    assert raw.retries_taken == 0
    assert raw.http_response.request.url.path.endswith("/v1/chat/completions")
    assert timedelta(0) < raw.elapsed < timedelta(seconds=60)
    assert json.loads(raw.text)["object"] == "chat.completion"


@pytest.mark.parametrize("stream", [False, True])
def test_streaming_response_hands_out_bytes_and_lines(caller, server, stream):
    server.answer_with(echo)
    create = caller.client.chat.completions.with_streaming_response.create
    with caller.entered(create(messages=HELLO, stream=stream)) as response:
        assert response.headers["x-request-id"] == "req_01"
        lines = list(caller.iterate(response.iter_lines()))
    if stream:
        assert lines[0].startswith("data: {")
        assert [line for line in lines if line][-1] == "data: [DONE]"
    else:
        assert json.loads("".join(lines))["choices"][0]["message"]["content"] == "Hi"
    assert isinstance(response.elapsed, timedelta)


def test_raw_stream_can_be_parsed(caller, server):
    server.answer_with(echo)
    create = caller.client.chat.completions.with_raw_response.create
    raw = caller.run(create(messages=HELLO, stream=True))
    chunks = list(caller.iterate(raw.parse()))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hi"


def test_parse_gives_the_callers_model(caller, server):
    server.answer_with(lambda request: echo(request, FORECAST))
    assert parse(caller).choices[0].message.parsed == Weather(city="Paris", degrees=21)


def test_stream_helper_gives_events_and_the_callers_model(caller, server):
    server.answer_with(lambda request: echo(request, FORECAST))
    with caller.stream(messages=HELLO, response_format=Weather) as stream:
        kinds = [event.type for event in caller.iterate(stream)]
        final = caller.run(stream.get_final_completion())
    assert {"chunk", "content.delta", "content.done"} <= set(kinds)
    assert final.choices[0].message.parsed == Weather(city="Paris", degrees=21)


def test_stream_helper_puts_tool_calls_together(caller, server):
    blocks = [text_block("Let me see."), tool_use_block("add", {"a": 1, "b": [2, 3]})]
    events = stream_of(blocks, stop_reason="tool_use", piece=3)
    server.enqueue(streamed(sse(events)))
    parameters = {"type": "object", "properties": {}, "additionalProperties": False}
    function = {"name": "add", "strict": True, "parameters": parameters}
    tool = {"type": "function", "function": function}
    with caller.stream(messages=HELLO, tools=[tool]) as stream:
        choice = caller.run(stream.get_final_completion()).choices[0]
    assert choice.finish_reason == "tool_calls"
    call = choice.message.tool_calls[0].function
    assert (call.name, json.loads(call.arguments)) == ("add", {"a": 1, "b": [2, 3]})


def test_stream_of_the_body_alone_is_read_whole(caller, server):
    server.answer_with(echo)
    create = caller.client.chat.completions.with_raw_response.create
    raw = caller.run(create(messages=HELLO, extra_body={"stream": True}))
    assert raw.text.rstrip().endswith("data: [DONE]")


def test_strict_response_validation_is_satisfied(new_caller, server):
    server.answer_with(echo)
    caller = new_caller(_strict_response_validation=True)
    assert create(caller).choices[0].message.content == "Hi"
    assert create_stream(caller).object == "chat.completion.chunk"


@pytest.mark.parametrize("stream", [False, True])
def test_status_errors_carry_body_request_and_id(caller, server, stream):
    body = error_body("not_found_error", "model: nope")
    server.enqueue(json_answer(body, 404, {"request-id": "req_02"}))
    with pytest.raises(openai.NotFoundError) as caught:
        caller.create(messages=HELLO, stream=stream)
    error = caught.value
    assert (error.status_code, error.request_id) == (404, "req_02")
    assert (error.code, error.param) == ("model_not_found", "model")
    assert error.response.json()["error"]["anthropic"]["type"] == "not_found_error"


def test_endpoints_without_an_equivalent_are_refused_by_name(caller, server):
    with pytest.raises(openai.NotFoundError, match="POST /images/generations"):
        caller.run(caller.client.images.generate(prompt="a cat", model="gpt-image-1"))
    with pytest.raises(openai.NotFoundError, match="POST /files"):
        caller.run(caller.client.files.create(file=b"x", purpose="batch"))
    with pytest.raises(openai.NotFoundError, match=r"http://elsewhere\.test/v1/x"):
        caller.run(caller.client.get("http://elsewhere.test/v1/x", cast_to=object))
    assert server.requests == []


def test_a_body_nested_too_deeply_is_refused(caller, server):
    body = b'{"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises(openai.BadRequestError):
        caller.run(caller.client.post("/chat/completions", cast_to=object, content=body, body=None))
    assert server.requests == []


# Instrumentation


def test_instrumentation_that_patches_openai_sees_our_calls(monkeypatch, caller, server):
    seen = []
    server.answer_with(echo)
    stock = Completions if caller.kind == "sync" else AsyncCompletions
    original = stock.create

    def traced(self, *args, **params):
        seen.append(params["model"])
        return original(self, *args, **params)

    monkeypatch.setattr(stock, "create", traced)
    create(caller)
    create_stream(caller)
    assert seen == [NEWEST_SONNET] * 2
    assert isinstance(caller.client.chat.completions, stock)


# Warnings


def test_adaptations_warn_once_per_client_and_parameter(caller, server):
    server.answer_with(echo)
    with pytest.warns(AdaptationWarning, match="`seed` was dropped"):
        create(caller, seed=1)
    assert create(caller, seed=1).adaptations[0]["param"] == "seed"
    caller.run(caller.client.copy(timeout=5).chat.completions.create(messages=HELLO, seed=1))
    with pytest.warns(AdaptationWarning, match="`store`"):
        create(caller, store=True)


@pytest.mark.parametrize("stream", [False, True])
def test_a_warning_that_is_an_error_is_raised_and_nothing_is_paid_twice(new_caller, server, stream):
    server.answer_with(echo)
    caller = new_caller(max_retries=2)
    with pytest.raises(AdaptationWarning, match="`seed`"):
        caller.create(messages=HELLO, seed=1, stream=stream)
    assert len(server.requests) == 1


def test_retired_models_warn_with_their_date(caller, server, monkeypatch):
    monkeypatch.setattr("claif_cla.backends.http.HttpBackend.is_official", lambda *args: True)
    server.answer_with(echo)
    with pytest.warns(Warning, match="claude-3-5-sonnet-20241022"):
        create(caller, model="claude-3-5-sonnet-20241022")


# Threads and event loops


def test_threads_share_one_client(server):
    gate = Gate()
    threads = 16

    def slow(request):
        text = request.json["messages"][0]["content"]
        text = text if isinstance(text, str) else text[0]["text"]
        return streamed([gate, sse(stream_of([text_block(text)]))])

    server.answer_with(slow)
    with ClaudeClient(api_key="k", base_url=server.url, max_retries=0) as client:

        def ask(number):
            said = [{"role": "user", "content": f"number {number}"}]
            stream = client.chat.completions.create(messages=said, stream=True)
            return "".join(chunk.choices[0].delta.content or "" for chunk in stream)

        with ThreadPoolExecutor(threads) as pool:
            answers = [pool.submit(ask, number) for number in range(threads)]
            server.wait_for_requests(threads)  # none waits for another
            gate.open()
            assert [answer.result(10) for answer in answers] == [
                f"number {number}" for number in range(threads)
            ]


def test_one_warning_for_all_threads(server):
    server.answer_with(echo)
    start = threading.Barrier(8)
    with ClaudeClient(api_key="k", base_url=server.url) as client:

        def ask(_):
            start.wait(10)
            client.chat.completions.create(messages=HELLO, seed=1)

        with (
            pytest.warns(AdaptationWarning) as caught,
            ThreadPoolExecutor(8) as pool,
        ):
            list(pool.map(ask, range(8)))
    assert len(caught) == 1


@pytest.mark.anyio
async def test_tasks_share_one_client(server):
    server.answer_with(echo)
    async with AsyncClaudeClient(api_key="k", base_url=server.url) as client:
        answers = await asyncio.gather(
            *(client.chat.completions.create(messages=HELLO) for _ in range(20))
        )
    assert [answer.choices[0].message.content for answer in answers] == ["Hi"] * 20
