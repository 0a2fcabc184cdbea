"""What a user should be told about; each marked line is an error. Checked by `test_typing`."""

from __future__ import annotations

from openai.types.chat import ChatCompletionMessageParam

from claif_cla import AsyncClaudeClient, ClaudeClient

MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello!"}]


async def key_async() -> str:
    return "sk-ant"


def clients() -> None:
    ClaudeClient(compat="loose")  # E: arg-type
    ClaudeClient(reasoning=True)  # E: arg-type
    ClaudeClient(api_key=key_async)  # E: arg-type
    ClaudeClient(max_retries="3")  # E: arg-type
    ClaudeClient(backend=5)  # E: arg-type
    ClaudeClient("sk-ant")  # E: call-arg
    AsyncClaudeClient(prompt_caching="sometimes")  # E: arg-type


def calls(client: ClaudeClient) -> None:
    completions = client.chat.completions
    completions.create()  # E: call-overload
    completions.create(messages="Hello!")  # E: arg-type
    completions.create(messages=MESSAGES, temperature="hot")  # E: call-overload
    completions.create(messages=MESSAGES, temperatur=1)  # E: call-overload
    completions.create(messages=MESSAGES, reasoning_effort="a lot")  # E: call-overload
    completions.parse(messages=MESSAGES, max_tokens="5")  # E: arg-type
    completions.stream(messages=MESSAGES, tools=5)  # E: arg-type
    assert completions.create(messages=MESSAGES).choices[0].text  # E: attr-defined


async def async_calls(client: AsyncClaudeClient) -> None:
    completions = client.chat.completions
    assert completions.create(messages=MESSAGES).choices  # E: attr-defined
    await completions.create(messages=MESSAGES, n="two")  # E: call-overload
