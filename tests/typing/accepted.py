"""What a user may write; `mypy --strict` finds nothing. Checked by `test_typing`, never run."""

from __future__ import annotations

import openai
from openai import AsyncStream, Stream
from openai.lib.streaming.chat import AsyncChatCompletionStreamManager, ChatCompletionStreamManager
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionMessageParam,
    ParsedChatCompletion,
)
from pydantic import BaseModel
from typing_extensions import assert_type

from claif_cla import AsyncClaudeClient, Backend, ClaudeClient
from claif_cla import AsyncOpenAI as AliasOfAsync
from claif_cla import OpenAI as Alias
from claif_cla.backends.http import HttpBackend
from claif_cla.backends.simulator import SimulatorBackend

MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello!"}]


class Weather(BaseModel):
    city: str


def wants_stock(client: openai.OpenAI) -> None: ...
def wants_stock_async(client: openai.AsyncOpenAI) -> None: ...
def wants_backend(backend: Backend) -> None: ...


def key() -> str:
    return "sk-ant"


async def key_async() -> str:
    return "sk-ant"


def clients() -> None:
    client = ClaudeClient(
        api_key=key,
        auth_token="token",
        timeout=300,
        max_retries=3,
        default_headers={"x-own": "1"},
        backend="simulator",
        compat="strict",
        default_model="opus",
        model_aliases={"gpt-4o": "opus"},
        prompt_caching="off",
        reasoning="summary",
        organization="org",
    )
    wants_stock(client)
    wants_stock(Alias(api_key="k"))
    wants_stock_async(AsyncClaudeClient(api_key=key_async))
    wants_stock_async(AliasOfAsync(api_key="k"))
    wants_backend(HttpBackend())
    wants_backend(SimulatorBackend())
    assert_type(client.with_options(compat="lenient", timeout=openai.Timeout(5)), ClaudeClient)
    assert_type(client.copy(api_key="other"), ClaudeClient)
    with ClaudeClient() as entered:
        assert_type(entered, ClaudeClient)


def sync_calls(client: ClaudeClient, streams: bool) -> None:
    completions = client.chat.completions
    assert_type(completions.create(messages=MESSAGES), ChatCompletion)
    assert_type(completions.create(messages=MESSAGES, model="opus", stream=False), ChatCompletion)
    stream = completions.create(messages=MESSAGES, stream=True, temperature=0.5)
    assert_type(stream, Stream[ChatCompletionChunk])
    either = completions.create(messages=MESSAGES, stream=streams)
    assert_type(either, ChatCompletion | Stream[ChatCompletionChunk])
    parsed = completions.parse(messages=MESSAGES, response_format=Weather)
    assert_type(parsed, ParsedChatCompletion[Weather])
    assert_type(parsed.choices[0].message.parsed, Weather | None)
    helper = completions.stream(messages=MESSAGES, response_format=Weather)
    assert_type(helper, ChatCompletionStreamManager[Weather])
    completions.create(messages=MESSAGES, response_format={"type": "json_object"})
    completions.create(messages=[{"role": "user", "content": "Hello!"}], extra_body={"top_k": 5})


async def async_calls(client: AsyncClaudeClient, streams: bool) -> None:
    completions = client.chat.completions
    assert_type(await completions.create(messages=MESSAGES), ChatCompletion)
    stream = await completions.create(messages=MESSAGES, stream=True)
    assert_type(stream, AsyncStream[ChatCompletionChunk])
    either = await completions.create(messages=MESSAGES, stream=streams)
    assert_type(either, ChatCompletion | AsyncStream[ChatCompletionChunk])
    parsed = await completions.parse(messages=MESSAGES, response_format=Weather)
    assert_type(parsed, ParsedChatCompletion[Weather])
    helper = completions.stream(messages=MESSAGES, response_format=Weather)
    assert_type(helper, AsyncChatCompletionStreamManager[Weather])
