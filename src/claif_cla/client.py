"""`ClaudeClient` and `AsyncClaudeClient`: the openai clients, answered by Claude.

Real subclasses. What they change of the stock client: which arguments and environment variables
they read, that copies keep our options, that `model` may be left out, and where `_send_request`
sends (see `transport`). All else is openai's own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

import openai
from openai import NOT_GIVEN, NotGiven
from typing_extensions import Self, override

from claif_cla.backends.base import Backend
from claif_cla.fast_path.answers import built
from claif_cla.fast_path.requests import built_request
from claif_cla.http_clients import AsyncHttpClients, HttpClients
from claif_cla.options import (
    OWN_OPTIONS,
    base_url_for,
    credentials,
    forget_openai_environment,
    refuse_foreign,
    transport_for,
)
from claif_cla.thinking_memory import ThinkingMemory
from claif_cla.translate.receipts import Compat

if TYPE_CHECKING:
    from claif_cla.resources import AsyncClaudeChat, ClaudeChat

__all__ = ["AsyncClaudeClient", "ClaudeClient"]

_KeySource = TypeVar("_KeySource")


class _Configured(Generic[_KeySource]):
    """The constructor that both clients share, placed before openai's in their lines."""

    _client: Any
    _http_clients: type[Any]

    def __init__(  # noqa: PLR0913 - the stock signature, and ours
        self,
        *,
        api_key: str | _KeySource | None = None,
        auth_token: str | None = None,
        base_url: Any = None,
        timeout: float | openai.Timeout | NotGiven | None = NOT_GIVEN,
        max_retries: int = openai.DEFAULT_MAX_RETRIES,
        default_headers: Mapping[str, str] | None = None,
        default_query: Mapping[str, object] | None = None,
        http_client: Any = None,
        backend: str | Backend | None = None,
        compat: Compat = "adapt",
        default_model: str | None = None,
        model_aliases: Mapping[str, str] | None = None,
        prompt_caching: Literal["auto", "always", "off"] = "auto",
        reasoning: Literal["auto", "summary", "model"] = "auto",
        thinking_memory: ThinkingMemory | bool = True,
        _warner: Any = None,
        _lessons: Any = None,
        _http: Any = None,
        **openai_options: Any,
    ) -> None:
        refuse_foreign(openai_options)
        own = {
            "backend": backend,
            "compat": compat,
            "default_model": default_model,
            "model_aliases": model_aliases,
            "prompt_caching": prompt_caching,
            "reasoning": reasoning,
            "thinking_memory": thinking_memory,
        }
        self._claif, self._own = transport_for(own, _warner, _lessons)
        enforce = openai_options.get("_enforce_credentials", True)
        stock: dict[str, Any] = {
            "api_key": credentials(api_key, auth_token, self._claif.backend, enforce=enforce),
            "base_url": base_url_for(base_url),
            "timeout": timeout,
            "max_retries": max_retries,
            "default_headers": default_headers,
            "default_query": default_query,
            "http_client": http_client,
            **openai_options,
        }
        super().__init__(**stock)
        self._http = _http or self._http_clients(self._client, own=http_client is None)
        forget_openai_environment(self, openai_options, default_headers)

    def _build_request(self, options: Any, *, retries_taken: int = 0) -> Any:
        stock = super()._build_request  # type: ignore[misc]
        return built_request(self, stock, options, retries_taken)

    def _process_response_data(self, *, data: Any, cast_to: Any, response: Any) -> Any:
        strict: bool = self._strict_response_validation  # type: ignore[attr-defined]
        made = None if strict else built(cast_to, data)
        if made is not None:
            return made
        stock = super()._process_response_data  # type: ignore[misc]
        return stock(data=data, cast_to=cast_to, response=response)

    def _carried(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of the stock `copy` that carry our own options along."""
        stock = {**options}
        own = {name: stock.pop(name, self._own[name]) for name in OWN_OPTIONS}
        shared: dict[str, Any] = {"_warner": self._claif.warner}
        if stock.get("base_url") is None and own["backend"] is self._claif.backend:
            # What one server refuses says nothing about another.
            shared["_lessons"] = self._claif.settings.lessons
        if stock.get("http_client") is None:
            shared["_http"] = self._http
        token = stock.pop("auth_token", None)
        if token is not None and stock.get("api_key") is None:
            stock["api_key"] = token
        more = stock.pop("_extra_kwargs", None) or {}
        return {**stock, "_extra_kwargs": {**own, **shared, **more}}


class ClaudeClient(_Configured[Callable[[], str]], openai.OpenAI):
    """`openai.OpenAI`, answered by Claude.

    Args:
        api_key: Anthropic's key, or a function that returns it before each request. Default:
            `ANTHROPIC_API_KEY`.
        auth_token: a bearer token instead of a key. Default: `ANTHROPIC_AUTH_TOKEN`.
        base_url: any server that speaks the Messages API, with or without `/v1`. Default:
            `ANTHROPIC_BASE_URL`, else Anthropic's own API.
        timeout: seconds, or an `openai.Timeout`; 10 minutes unless told, as in openai.
        max_retries: of the SDK, before the first byte of an answer; 2 unless told.
        default_headers, default_query: sent with each request.
        http_client: an `httpx` or `httpx2` client, used for the upstream hop.
        backend: `"anthropic"`, `"simulator"`, or a `Backend`. Default: `CLAIF_CLA_BACKEND`.
        compat: `"strict"`, `"adapt"` or `"lenient"`: what happens to what Claude cannot honour
            exactly.
        default_model: for calls that name none. Default: `CLAIF_CLA_MODEL`, else the newest
            active Sonnet.
        model_aliases: your own names for models, looked up before anything else.
        prompt_caching: `"auto"`, `"always"` or `"off"`.
        reasoning: `"auto"` (readable thinking when a call asks for reasoning), `"summary"`
            (always), or `"model"` (the model's own default).
        thinking_memory: keeps Claude's complete answers, signed thinking and server tools
            included, so that a conversation gets them back from a framework that strips them.
            True: a bounded memory of this client and its copies; a `ThinkingMemory`: that one,
            which several clients may share; False: none.
        openai_options: every other argument of the installed `openai.OpenAI`.

    Raises:
        openai.OpenAIError: without a usable key, or for arguments that would lead to OpenAI itself.
        ValueError: for a value that is none of an argument's choices.
        TypeError: for a `backend` that is no backend, a `thinking_memory` that is none, and
            for arguments that openai lacks too.
    """

    _http_clients = HttpClients
    _http: HttpClients

    @cached_property
    @override
    def chat(self) -> ClaudeChat:
        from claif_cla.resources import ClaudeChat  # noqa: PLC0415 - openai loads it lazily too

        return ClaudeChat(self)

    @override
    def copy(self, **options: Any) -> Self:
        """A client with some options changed: openai's, and every one of ours."""
        return super().copy(**self._carried(options))

    with_options = copy

    @override
    def _send_request(self, request: Any, *, stream: bool, **kwargs: Any) -> Any:
        http = self._http.current(self._client)
        response = self._claif.send(request, str(self.base_url), http, kwargs)
        if not stream:
            response.read()
        return response

    @override
    def is_closed(self) -> bool:
        return self._http.is_closed

    @override
    def close(self) -> None:
        self._http.close()

    @override
    def _process_response(self, **kwargs: Any) -> Any:
        self._claif.tell(kwargs["response"])
        return super()._process_response(**kwargs)


class AsyncClaudeClient(_Configured[Callable[[], Awaitable[str]]], openai.AsyncOpenAI):
    """`openai.AsyncOpenAI`, answered by Claude.

    The arguments and exceptions are those of `ClaudeClient`; a function for `api_key` is async,
    and `http_client` is an `AsyncClient`.
    """

    _http_clients = AsyncHttpClients
    _http: AsyncHttpClients

    @cached_property
    @override
    def chat(self) -> AsyncClaudeChat:
        from claif_cla.resources import AsyncClaudeChat  # noqa: PLC0415 - as openai does

        return AsyncClaudeChat(self)

    @override
    def copy(self, **options: Any) -> Self:
        """A client with some options changed: openai's, and every one of ours."""
        return super().copy(**self._carried(options))

    with_options = copy

    @override
    async def _send_request(self, request: Any, *, stream: bool, **kwargs: Any) -> Any:
        http = await self._http.current(self._client)
        with self._http.explained():
            response = await self._claif.asend(request, str(self.base_url), http, kwargs)
        if not stream:
            await response.aread()
        return response

    @override
    def is_closed(self) -> bool:
        return self._http.is_closed

    @override
    async def close(self) -> None:
        await self._http.close()

    @override
    async def _process_response(self, **kwargs: Any) -> Any:
        self._claif.tell(kwargs["response"])
        return await super()._process_response(**kwargs)
