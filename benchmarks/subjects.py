"""The libraries that are compared, each behind the same few functions.

This module imports none of them, nor anything else: what `load` imports is what is timed.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` would spare the libraries the time for it
    from collections.abc import AsyncIterator, Iterator
    from typing import Any

__all__ = ["SUBJECTS", "Subject"]

MODEL = "claude-sonnet-5-5"
KEY = "sk-dummy-key-for-loopback"
LIMIT = 1024


class Subject:
    """A library.

    Attributes:
        name: in the report.
        distribution: what is installed for it, with its extras.
        module: what is imported.
        wire: whose shape the messages have: "openai" or "anthropic".
        url_suffix: follows the upstream's URL in its `base_url`.
    """

    name = ""
    distribution = ""
    module = ""
    wire = "openai"
    url_suffix = "/v1"

    def load(self) -> None:
        """Import what a program imports."""
        raise NotImplementedError

    def client(self, url: str) -> Any:
        """A client for synchronous calls."""
        raise NotImplementedError

    def aclient(self, url: str) -> Any:
        """A client for asynchronous calls."""
        raise NotImplementedError

    def create(self, client: Any, messages: Any) -> str:
        """The answer's text."""
        answer = client.chat.completions.create(model=MODEL, messages=messages, max_tokens=LIMIT)
        return answer.choices[0].message.content

    async def acreate(self, client: Any, messages: Any) -> str:
        """Likewise."""
        answer = await client.chat.completions.create(
            model=MODEL, messages=messages, max_tokens=LIMIT
        )
        return answer.choices[0].message.content

    def pieces(self, client: Any, messages: Any) -> Iterator[str]:
        """The text of each chunk that has one."""
        for chunk in self._stream(client, messages):
            if chunk.choices and (text := chunk.choices[0].delta.content):
                yield text

    async def apieces(self, client: Any, messages: Any) -> AsyncIterator[str]:
        """Likewise."""
        async for chunk in await self._astream(client, messages):
            if chunk.choices and (text := chunk.choices[0].delta.content):
                yield text

    def _stream(self, client: Any, messages: Any) -> Any:
        return client.chat.completions.create(
            model=MODEL, messages=messages, max_tokens=LIMIT, stream=True
        )

    async def _astream(self, client: Any, messages: Any) -> Any:
        return await client.chat.completions.create(
            model=MODEL, messages=messages, max_tokens=LIMIT, stream=True
        )


class Ours(Subject):
    name = "ours"
    distribution = "claif_cla"
    module = "claif_cla"

    def load(self) -> None:
        from claif_cla import AsyncClaudeClient, ClaudeClient

        self._classes = ClaudeClient, AsyncClaudeClient

    def client(self, url: str) -> Any:
        return self._classes[0](api_key=KEY, base_url=url)

    def aclient(self, url: str) -> Any:
        return self._classes[1](api_key=KEY, base_url=url)


class OpenAI(Ours):
    name = "openai"
    distribution = "openai"
    module = "openai"

    def load(self) -> None:
        from openai import AsyncOpenAI, OpenAI

        self._classes = OpenAI, AsyncOpenAI


class Anthropic(Ours):
    name = "anthropic"
    distribution = "anthropic"
    module = "anthropic"
    wire = "anthropic"
    url_suffix = ""

    def load(self) -> None:
        from anthropic import Anthropic, AsyncAnthropic

        self._classes = Anthropic, AsyncAnthropic

    def create(self, client: Any, messages: Any) -> str:
        answer = client.messages.create(model=MODEL, messages=messages, max_tokens=LIMIT)
        return answer.content[0].text

    async def acreate(self, client: Any, messages: Any) -> str:
        answer = await client.messages.create(model=MODEL, messages=messages, max_tokens=LIMIT)
        return answer.content[0].text

    def pieces(self, client: Any, messages: Any) -> Iterator[str]:
        for event in client.messages.create(
            model=MODEL, messages=messages, max_tokens=LIMIT, stream=True
        ):
            if event.type == "content_block_delta":
                yield event.delta.text

    async def apieces(self, client: Any, messages: Any) -> AsyncIterator[str]:
        async for event in await client.messages.create(
            model=MODEL, messages=messages, max_tokens=LIMIT, stream=True
        ):
            if event.type == "content_block_delta":
                yield event.delta.text


class LiteLLM(Subject):
    name = "litellm"
    distribution = "litellm"
    module = "litellm"
    url_suffix = ""

    def load(self) -> None:
        import litellm

        litellm.suppress_debug_info = True
        self._module = litellm

    def client(self, url: str) -> Any:
        # It has no client: it keeps its connections itself.
        model = f"anthropic/{MODEL}"
        return {"model": model, "api_base": url, "api_key": KEY, "max_tokens": LIMIT}

    aclient = client

    def create(self, client: Any, messages: Any) -> str:
        answer = self._module.completion(messages=messages, **client)
        return answer.choices[0].message.content

    async def acreate(self, client: Any, messages: Any) -> str:
        answer = await self._module.acompletion(messages=messages, **client)
        return answer.choices[0].message.content

    def _stream(self, client: Any, messages: Any) -> Any:
        return self._module.completion(messages=messages, stream=True, **client)

    async def _astream(self, client: Any, messages: Any) -> Any:
        return await self._module.acompletion(messages=messages, stream=True, **client)


class AnyLLM(Subject):
    name = "any-llm"
    distribution = "any-llm-sdk[anthropic]"
    module = "any_llm"
    url_suffix = ""

    def load(self) -> None:
        from any_llm import AnyLLM

        self._class = AnyLLM

    def client(self, url: str) -> Any:
        return self._class.create("anthropic", api_key=KEY, api_base=url)

    aclient = client

    def create(self, client: Any, messages: Any) -> str:
        answer = client.completion(model=MODEL, messages=messages, max_tokens=LIMIT)
        return answer.choices[0].message.content

    async def acreate(self, client: Any, messages: Any) -> str:
        answer = await client.acompletion(model=MODEL, messages=messages, max_tokens=LIMIT)
        return answer.choices[0].message.content

    def _stream(self, client: Any, messages: Any) -> Any:
        return client.completion(model=MODEL, messages=messages, max_tokens=LIMIT, stream=True)

    async def _astream(self, client: Any, messages: Any) -> Any:
        return await client.acompletion(
            model=MODEL, messages=messages, max_tokens=LIMIT, stream=True
        )


SUBJECTS = {kind.name: kind() for kind in (Ours, OpenAI, Anthropic, LiteLLM, AnyLLM)}
