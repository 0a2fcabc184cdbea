"""`client.chat.completions` with `model` left free.

Subclasses of the stock resources that fill in the default model. Where that is the same, they
take the fast path past the stock `create` (see `fast_path`); instrumentation that patches openai's
classes still sees every call.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from openai import NotGiven, Omit
from openai.resources.chat import AsyncChat, Chat
from openai.resources.chat.completions import AsyncCompletions, Completions
from typing_extensions import Unpack, override

from claif_cla.catalog.names import resolve
from claif_cla.fast_path.answers import AsyncChunkStream, ChunkStream
from claif_cla.fast_path.first_attempt import aattempt, attempt
from claif_cla.fast_path.requests import post_arguments, spared

if TYPE_CHECKING:
    from openai import AsyncStream, Stream
    from openai.lib.streaming.chat import (
        AsyncChatCompletionStreamManager,
        ChatCompletionStreamManager,
    )
    from openai.types.chat import (
        ChatCompletion,
        ChatCompletionChunk,
        ChatCompletionMessageParam,
        ParsedChatCompletion,
        completion_create_params,
    )

    from claif_cla.chat_params import ChatParams

    _Format = TypeVar("_Format")
    _Messages = Iterable[ChatCompletionMessageParam]
    _ResponseFormat = completion_create_params.ResponseFormat

__all__ = ["AsyncClaudeChat", "AsyncClaudeCompletions", "ClaudeChat", "ClaudeCompletions"]


def _with_model(client: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    model = params.get("model")
    if model is not None and not isinstance(model, (NotGiven, Omit)):
        return {**params}
    settings = client._claif.settings  # noqa: SLF001 - our own
    found = resolve(None, default=settings.default_model, official=False)
    return {**params, "model": found.model_id}


class ClaudeCompletions(Completions):
    """`Completions` in which `create`, `parse` and `stream` do without `model`."""

    if TYPE_CHECKING:

        @overload  # type: ignore[override]
        def create(
            self,
            *,
            messages: _Messages,
            stream: Literal[False] | None = None,
            response_format: _ResponseFormat = ...,
            **params: Unpack[ChatParams],
        ) -> ChatCompletion: ...

        @overload
        def create(
            self,
            *,
            messages: _Messages,
            stream: Literal[True],
            response_format: _ResponseFormat = ...,
            **params: Unpack[ChatParams],
        ) -> Stream[ChatCompletionChunk]: ...

        @overload
        def create(
            self,
            *,
            messages: _Messages,
            stream: bool,
            response_format: _ResponseFormat = ...,
            **params: Unpack[ChatParams],
        ) -> ChatCompletion | Stream[ChatCompletionChunk]: ...

        @override
        def create(self, **params: Any) -> Any: ...

        @override
        def parse(  # type: ignore[override]
            self,
            *,
            messages: _Messages,
            response_format: type[_Format] = ...,
            **params: Unpack[ChatParams],
        ) -> ParsedChatCompletion[_Format]: ...

        @override
        def stream(  # type: ignore[override]
            self,
            *,
            messages: _Messages,
            response_format: _ResponseFormat | type[_Format] = ...,
            **params: Unpack[ChatParams],
        ) -> ChatCompletionStreamManager[_Format]: ...

    else:

        @override
        def create(self, **params: Any) -> Any:
            params = _with_model(self._client, params)
            posted = post_arguments(self, Completions.create, params, ChunkStream)
            if posted is None:
                return super().create(**params)
            return attempt(self._client, posted) or self._post(**posted)

        @override
        def parse(self, **params: Any) -> Any:
            params = _with_model(self._client, params)
            parsed = spared(self, Completions.parse, params)
            return super().parse(**params) if parsed is None else parsed

        @override
        def stream(self, **params: Any) -> Any:
            return super().stream(**_with_model(self._client, params))


class AsyncClaudeCompletions(AsyncCompletions):
    """`AsyncCompletions` in which `create`, `parse` and `stream` do without `model`."""

    if TYPE_CHECKING:

        @overload  # type: ignore[override]
        def create(
            self,
            *,
            messages: _Messages,
            stream: Literal[False] | None = None,
            response_format: _ResponseFormat = ...,
            **params: Unpack[ChatParams],
        ) -> Coroutine[Any, Any, ChatCompletion]: ...

        @overload
        def create(
            self,
            *,
            messages: _Messages,
            stream: Literal[True],
            response_format: _ResponseFormat = ...,
            **params: Unpack[ChatParams],
        ) -> Coroutine[Any, Any, AsyncStream[ChatCompletionChunk]]: ...

        @overload
        def create(
            self,
            *,
            messages: _Messages,
            stream: bool,
            response_format: _ResponseFormat = ...,
            **params: Unpack[ChatParams],
        ) -> Coroutine[Any, Any, ChatCompletion | AsyncStream[ChatCompletionChunk]]: ...

        @override
        def create(self, **params: Any) -> Any: ...

        @override
        async def parse(  # type: ignore[override]
            self,
            *,
            messages: _Messages,
            response_format: type[_Format] = ...,
            **params: Unpack[ChatParams],
        ) -> ParsedChatCompletion[_Format]: ...

        @override
        def stream(  # type: ignore[override]
            self,
            *,
            messages: _Messages,
            response_format: _ResponseFormat | type[_Format] = ...,
            **params: Unpack[ChatParams],
        ) -> AsyncChatCompletionStreamManager[_Format]: ...

    else:

        @override
        async def create(self, **params: Any) -> Any:
            params = _with_model(self._client, params)
            posted = post_arguments(self, AsyncCompletions.create, params, AsyncChunkStream)
            if posted is None:
                return await super().create(**params)
            return await aattempt(self._client, posted) or await self._post(**posted)

        @override
        async def parse(self, **params: Any) -> Any:
            params = _with_model(self._client, params)
            parsed = spared(self, AsyncCompletions.parse, params)
            return await (super().parse(**params) if parsed is None else parsed)

        @override
        def stream(self, **params: Any) -> Any:
            return super().stream(**_with_model(self._client, params))


class ClaudeChat(Chat):
    """`Chat` with `ClaudeCompletions`."""

    @cached_property
    @override
    def completions(self) -> ClaudeCompletions:
        return ClaudeCompletions(self._client)


class AsyncClaudeChat(AsyncChat):
    """`AsyncChat` with `AsyncClaudeCompletions`."""

    @cached_property
    @override
    def completions(self) -> AsyncClaudeCompletions:
        return AsyncClaudeCompletions(self._client)
