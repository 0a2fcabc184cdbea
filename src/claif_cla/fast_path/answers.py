"""Answers and chunks as openai's objects, by pydantic's compiled validators."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing
from functools import lru_cache
from typing import Any, get_args, get_origin

import openai
from openai import AsyncStream, Stream
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from typing_extensions import override

from claif_cla.fast_path.hooks import is_stock, keeps_hooks
from claif_cla.wire import json_text

__all__ = ["AsyncChunkStream", "ChunkStream", "built"]


@lru_cache(maxsize=2)
def _validator(cast_to: Any) -> Callable[..., Any] | None:
    if not hasattr(cast_to, "model_rebuild"):  # pragma: no cover - pydantic 1
        return None
    # openai defers building its validators; the first use, or this, builds them.
    cast_to.model_rebuild()
    validate: Callable[..., Any] = cast_to.__pydantic_validator__.validate_python
    return validate


def built(cast_to: Any, data: Any) -> Any:
    """`data` as an object of openai's type, as `construct_type` would build it; None if unsure."""
    ours = cast_to is ChatCompletionChunk or cast_to is ChatCompletion
    validate = _validator(cast_to) if ours and _constructs_as_known() else None
    if validate is None:
        return None
    try:
        fitting = validate(data, strict=True)
    except ValueError:  # does not fit: stock construction takes anything
        return None
    _leave_out_extras(fitting)
    return fitting


def _leave_out_extras(model: Any) -> None:
    """Let only declared fields count as set where openai does so; pydantic counts all."""
    if model.__pydantic_extra__:
        model.__pydantic_fields_set__.difference_update(model.__pydantic_extra__)
    for name in _constructed(model.__class__):
        value = getattr(model, name)
        for item in value if type(value) is list else (value,):
            _leave_out_extras(item)


@lru_cache(maxsize=16)
def _constructed(kind: Any) -> tuple[str, ...]:
    """The fields whose models openai builds field by field; those in unions pydantic validates."""
    inner = {
        name: get_args(field.annotation)[0]
        if get_origin(field.annotation) is list
        else field.annotation
        for name, field in kind.model_fields.items()
    }
    return tuple(name for name, one in inner.items() if hasattr(one, "model_fields"))


def _constructs_as_known() -> bool:
    construct: Any = openai.OpenAI._process_response_data  # noqa: SLF001
    same = construct is openai.AsyncOpenAI._process_response_data  # noqa: SLF001
    return same and is_stock(construct)


class ChunkStream(Stream[ChatCompletionChunk]):
    """`Stream`, which takes the chunks of our own responses without a detour over bytes."""

    @override
    def __stream__(self) -> Iterator[ChatCompletionChunk]:
        stock = super().__stream__()
        return self._told(stock) if _reads_bytes(Stream) else stock

    def _told(self, stock: Iterator[ChatCompletionChunk]) -> Iterator[ChatCompletionChunk]:
        response, made = self.response, _maker(self)
        chunks = _chunks_of(response)
        if chunks is None:
            yield from stock
            return
        response.is_stream_consumed = True
        try:
            for chunk in chunks:
                yield made(chunk)
        finally:
            response.close()


class AsyncChunkStream(AsyncStream[ChatCompletionChunk]):
    """`ChunkStream`, for the async client."""

    @override
    def __stream__(self) -> AsyncIterator[ChatCompletionChunk]:
        stock = super().__stream__()
        return self._told(stock) if _reads_bytes(AsyncStream) else stock

    async def _told(self, stock: Any) -> AsyncIterator[ChatCompletionChunk]:
        response, made = self.response, _maker(self)
        chunks = _chunks_of(response)
        if chunks is None:
            async with aclosing(stock):
                async for chunk in stock:
                    yield chunk
            return
        response.is_stream_consumed = True
        try:
            async for chunk in chunks:
                yield made(chunk)
        finally:
            await response.aclose()


def _maker(stream: Any) -> Callable[[Any], ChatCompletionChunk]:
    """What makes the objects of a stream; most chunks hold a piece of text and nothing else."""
    response, client = stream.response, stream._client  # noqa: SLF001
    process = client._process_response_data  # noqa: SLF001
    usual = keeps_hooks(client) and not client._strict_response_validation  # noqa: SLF001
    validate = _validator(ChatCompletionChunk) if usual else None

    def made(chunk: Any) -> Any:
        if validate is not None and _is_only_text(chunk):
            try:
                return validate(chunk, strict=True)
            except ValueError:  # does not fit
                pass
        data = json_text.as_read(chunk)
        if "error" in data:
            raise _api_error(data, response)
        return process(data=data, cast_to=ChatCompletionChunk, response=response)

    return made


def _is_only_text(chunk: Any) -> bool:
    """Whether all that a chunk's delta holds is ASCII text: nothing that bytes would change."""
    choices = chunk.get("choices")
    if not choices or len(choices) != 1:
        return False
    delta = choices[0]["delta"]
    text = delta.get("content")
    return len(delta) == 1 and type(text) is str and text.isascii()


def _reads_bytes(kind: Any) -> bool:
    """Whether a stream class of openai's takes bytes from the response, and nobody else does."""
    return is_stock(kind.__stream__) and is_stock(kind._iter_events)  # noqa: SLF001


def _chunks_of(response: Any) -> Any:
    """The chunks of a response of ours from which nobody has read yet; None of any other."""
    if response.is_stream_consumed or response.is_closed:
        return None
    return getattr(response.stream, "chunks", None)


def _api_error(chunk: Mapping[str, Any], response: Any) -> openai.APIError:
    error = chunk["error"]
    return openai.APIError(message=error["message"], request=response.request, body=error)
